//! Records through Kafka's protocol, with rskafka.
use crate::serdes::Encoded;
use crate::{Job, Outcome};
use rskafka::chrono::DateTime;
use rskafka::client::ClientBuilder;
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::record::Record;
use serde_json::{Value, json};
use std::future::Future;
use std::time::{Duration, UNIX_EPOCH};

const MAX_BYTES: i32 = 10_000_000;
const LIMIT: Duration = Duration::from_secs(30);

pub fn produce(job: &Job, all: Vec<Encoded>) -> Outcome<Value> {
    let timestamp = DateTime::from_timestamp_millis(UNIX_EPOCH.elapsed()?.as_millis().try_into()?)
        .ok_or("no time")?;
    let records = all
        .into_iter()
        .map(|one| Record {
            key: None,
            value: Some(one.payload),
            headers: one.header.into_iter().collect(),
            timestamp,
        })
        .collect();
    waited(async {
        let offsets = connect(job)
            .await?
            .produce(records, Compression::NoCompression)
            .await?;
        Ok(json!({ "offsets": offsets }))
    })
}

/// All that is there.
pub fn consume(job: &Job) -> Outcome<Vec<Encoded>> {
    waited(async {
        let partition = connect(job).await?;
        let end = partition.get_offset(OffsetAt::Latest).await?;
        let mut all = Vec::new();
        let mut next = 0;
        while next < end {
            let (records, _) = partition.fetch_records(next, 1..MAX_BYTES, 1000).await?;
            for one in records {
                next = one.offset + 1;
                let header = one
                    .record
                    .headers
                    .into_iter()
                    .find(|(name, _)| name == "__value_schema_id");
                all.push(Encoded {
                    payload: one.record.value.ok_or("a tombstone")?,
                    header,
                });
            }
        }
        Ok(all)
    })
}

async fn connect(job: &Job) -> Outcome<PartitionClient> {
    let client = ClientBuilder::new(vec![job.bootstrap.clone()])
        .build()
        .await?;
    Ok(client
        .partition_client(job.topic.clone(), 0, UnknownTopicHandling::Retry)
        .await?)
}

/// The registry's client is a blocking one, which may not be asked from inside a runtime: there is one for this alone.
fn waited<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async { tokio::time::timeout(LIMIT, work).await? })
}
