//! schema_registry_converter. One job a run: JSON on standard input, JSON on standard output.
mod kafka;
mod registry;
mod serdes;

use schema_registry_converter::schema_registry_common::{
    SchemaType, SuppliedReference, SuppliedSchema,
};
use serde::Deserialize;
use serde_json::Value;
use std::error::Error;

pub type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Job {
    op: String,
    url: String,
    bootstrap: String,
    /// AVRO, JSON or PROTOBUF.
    r#type: String,
    topic: String,
    subject: String,
    /// Schemas: the second reads what the first has written, the broken one does not, and the invalid one is none.
    first: String,
    second: String,
    broken: String,
    invalid: String,
    /// What the referring schema refers to, by this name.
    base: String,
    referring: String,
    name: String,
    /// Of the records, where they are of Protobuf.
    message: String,
    /// Registered if it is new; empty for the newest of the topic.
    schema: String,
    /// What the schema refers to, if it does.
    refers: bool,
    /// Ids stand in a header.
    header: bool,
    values: Vec<Value>,
    /// What is to be decoded, in hexadecimal digits.
    payloads: Vec<String>,
}

impl Job {
    pub fn supplied(&self, text: &str) -> SuppliedSchema {
        let (schema_type, record) = match self.r#type.as_str() {
            "AVRO" => (SchemaType::Avro, "lab.Reading"),
            "JSON" => (SchemaType::Json, "Reading"),
            _ => (SchemaType::Protobuf, "lab.Reading"),
        };
        SuppliedSchema::new(Some(record.into()), schema_type, text.into())
    }

    pub fn reference(&self) -> SuppliedReference {
        SuppliedReference::new(self.name.clone(), self.base_subject(), self.base.clone())
    }

    pub fn base_subject(&self) -> String {
        format!("{}{}-base", self.topic, self.subject)
    }
}

fn main() -> Outcome<()> {
    let job: Job = serde_json::from_reader(std::io::stdin())?;
    let outcome = match job.op.as_str() {
        "registry" => registry::ask(&job)?,
        "encode" => serdes::shown(&serdes::encode(&job)?),
        "decode" => serdes::decode(&job, serdes::read(&job.payloads)?)?,
        "produce" => kafka::produce(&job, serdes::encode(&job)?)?,
        "consume" => serdes::decode(&job, kafka::consume(&job)?)?,
        other => return Err(format!("no such job: {other}").into()),
    };
    println!("{outcome}");
    Ok(())
}
