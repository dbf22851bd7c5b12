//! Values into what is stored, and back, with the crate's encoders and decoders.
use crate::{Job, Outcome};
use schema_registry_converter::blocking::avro::{AvroDecoder, AvroEncoder};
use schema_registry_converter::blocking::json::{JsonDecoder, JsonEncoder};
use schema_registry_converter::blocking::proto_decoder::ProtoDecoder;
use schema_registry_converter::blocking::proto_encoder::ProtoEncoder;
use schema_registry_converter::blocking::schema_registry::SrSettings;
use schema_registry_converter::prost_reflect::SerializeOptions;
use schema_registry_converter::schema_registry_common::SubjectNameStrategy;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Serialize, Deserialize)]
struct Reading {
    id: i64,
    name: String,
    value: Option<f64>,
    tags: Vec<String>,
}

#[derive(Serialize, Deserialize)]
enum Unit {
    KG,
    M,
}

#[derive(Serialize, Deserialize)]
struct Order {
    id: i64,
    unit: Unit,
}

/// A payload, and the value of the header that says which schema it is.
pub struct Encoded {
    pub payload: Vec<u8>,
    pub header: Option<(String, Vec<u8>)>,
}

pub fn encode(job: &Job) -> Outcome<Vec<Encoded>> {
    let settings = SrSettings::new(job.url.clone());
    let strategy = if job.schema.is_empty() {
        SubjectNameStrategy::TopicNameStrategy(job.topic.clone(), false)
    } else {
        let mut schema = job.supplied(&job.schema);
        if job.refers {
            schema = schema.with_references(vec![job.reference()]);
        }
        SubjectNameStrategy::TopicNameStrategyWithSchema(job.topic.clone(), false, schema)
    };
    let avro = AvroEncoder::new(settings.clone());
    let json = JsonEncoder::new(settings.clone());
    let proto = ProtoEncoder::new(settings);
    let mut all = Vec::new();
    for value in &job.values {
        let (payload, header) = match (job.r#type.as_str(), job.header) {
            ("AVRO", false) if job.refers => (
                avro.encode_struct(Order::deserialize(value)?, &strategy)?,
                None,
            ),
            ("AVRO", false) => (
                avro.encode_struct(Reading::deserialize(value)?, &strategy)?,
                None,
            ),
            ("AVRO", true) => with_header(avro.encode_struct_with_header_id(
                Reading::deserialize(value)?,
                &strategy,
                false,
            )?),
            ("JSON", false) => (json.encode(value, &strategy)?, None),
            ("JSON", true) => with_header(json.encode_with_header_id(value, &strategy, false)?),
            (_, false) => (proto.encode_json(value, &job.message, &strategy)?, None),
            (_, true) => with_header(proto.encode_json_with_header_id(
                value,
                &job.message,
                &strategy,
                false,
            )?),
        };
        all.push(Encoded {
            payload,
            header: header.map(|(name, value)| (String::from(name), value)),
        });
    }
    Ok(all)
}

type Header = schema_registry_converter::schema_registry_common::SchemaIdHeader;

fn with_header((payload, header): (Vec<u8>, Header)) -> (Vec<u8>, Option<(&'static str, Vec<u8>)>) {
    (payload, Some((header.name, header.value)))
}

pub fn decode(job: &Job, all: Vec<Encoded>) -> Outcome<Value> {
    let settings = SrSettings::new(job.url.clone());
    let avro = AvroDecoder::new(settings.clone());
    let json = JsonDecoder::new(settings.clone());
    let proto = ProtoDecoder::new(settings);
    let mut values: Vec<Value> = Vec::new();
    for Encoded { payload, header } in &all {
        let (payload, header) = (
            Some(payload.as_slice()),
            header.as_ref().map(|(_, value)| value.as_slice()),
        );
        values.push(match job.r#type.as_str() {
            "AVRO" => avro
                .decode_with_header_id(header, payload)?
                .value
                .try_into()?,
            "JSON" => {
                json.decode_with_header_id(header, payload)?
                    .ok_or("no value")?
                    .value
            }
            _ => proto
                .decode_with_context_and_header_id(header, payload)?
                .ok_or("no value")?
                .value
                .serialize_with_options(
                    serde_json::value::Serializer,
                    &SerializeOptions::new().skip_default_fields(false),
                )?,
        });
    }
    Ok(json!({ "values": values }))
}

pub fn shown(all: &[Encoded]) -> Value {
    json!({ "payloads": all.iter().map(|one| one.payload.iter().map(|byte| format!("{byte:02x}")).collect::<String>()).collect::<Vec<_>>() })
}

pub fn read(payloads: &[String]) -> Outcome<Vec<Encoded>> {
    let bytes = |text: &String| {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16))
            .collect::<Result<Vec<_>, _>>()
    };
    payloads
        .iter()
        .map(|text| {
            Ok(Encoded {
                payload: bytes(text)?,
                header: None,
            })
        })
        .collect()
}
