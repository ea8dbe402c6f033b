//! The next records of a stream, as the event that Lambda makes of them.

use std::time::{Duration, SystemTime};

use dynoxide::{
    Database, DynoxideError,
    actions::{get_records::GetRecordsRequest, get_shard_iterator::GetShardIteratorRequest},
};
use serde_json::{Value, json};

use super::StreamMapping;
use crate::environment::REGION;

/// How many records are looked at for one batch. Each is converted to JSON, also those that are left for the next batch.
const PAGE: usize = 250;
/// Lambda's limit for an event.
const MAX_BYTES: usize = 6 * 1_024 * 1_024;

/// Records that a function gets with one invocation.
#[derive(Debug, PartialEq)]
pub(super) struct Batch {
    /// The records, in the order of the stream. There may be none, if none of those that were looked at passed the filters.
    pub(super) records: Vec<Value>,
    /// The number of the last record that was looked at.
    pub(super) last: String,
}

impl Batch {
    /// The next batch of a mapping, after the record with a number, or from the stream's beginning. `None` if there is no
    /// record.
    pub(super) fn read(
        database: &Database,
        mapping: &StreamMapping,
        after: Option<&str>,
    ) -> Result<Option<Self>, DynoxideError> {
        let mut batch: Option<Self> = None;
        let mut bytes = 0;
        for record in page(database, mapping, after)? {
            let passes = mapping.filters.pass(&record);
            let (size, count) = (record.to_string().len(), batch.as_ref().map_or(0, |batch| batch.records.len()));
            if passes && count > 0 && (count == mapping.batch_size || bytes + size > MAX_BYTES) {
                break;
            }
            let last = number(&record).to_owned();
            let batch = batch.get_or_insert_with(|| Self { records: Vec::new(), last: String::new() });
            batch.last = last;
            if passes {
                batch.records.push(record);
                bytes += size;
            }
        }
        Ok(batch)
    }

    /// The event.
    pub(super) fn event(&self) -> String {
        json!({ "Records": self.records }).to_string()
    }

    /// Splits off the first records, which are older than an age.
    pub(super) fn split_expired(mut self, max_age: Duration, now: SystemTime) -> (Vec<Value>, Self) {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let oldest = now.saturating_sub(max_age).as_secs();
        let fresh = self.records.iter().position(|record| seconds(record) >= oldest).unwrap_or(self.records.len());
        let rest = self.records.split_off(fresh);
        (self.records, Self { records: rest, last: self.last })
    }
}

/// The number of a record in its stream.
pub(super) fn number(record: &Value) -> &str {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default()
}

/// When a record was made, in seconds since 1970.
pub(super) fn seconds(record: &Value) -> u64 {
    record["dynamodb"]["ApproximateCreationDateTime"].as_u64().unwrap_or_default()
}

/// The shard of a table's stream. dynoxide has one.
pub(super) fn shard(table: &str) -> String {
    format!("shardId-00000001-{table}")
}

/// The next records of a stream, as in an event.
fn page(database: &Database, mapping: &StreamMapping, after: Option<&str>) -> Result<Vec<Value>, DynoxideError> {
    let request = GetShardIteratorRequest {
        stream_arn: mapping.stream_arn.clone(),
        shard_id: shard(&mapping.table),
        shard_iterator_type: if after.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" }.to_owned(),
        sequence_number: after.map(str::to_owned),
    };
    let shard_iterator = database.get_shard_iterator(request)?.shard_iterator.unwrap_or_default();
    let found = database.get_records(GetRecordsRequest { shard_iterator, limit: Some(PAGE) })?;
    let as_json =
        |record| serde_json::to_value(record).map_err(|error| DynoxideError::InternalServerError(error.to_string()));
    found.records.iter().map(|record| Ok(as_lambda_has_it(as_json(record)?, &mapping.stream_arn))).collect()
}

/// dynoxide has a region of its own, and times with a fraction.
fn as_lambda_has_it(mut record: Value, stream_arn: &str) -> Value {
    record["awsRegion"] = REGION.into();
    record["eventSourceARN"] = stream_arn.into();
    let time = &mut record["dynamodb"]["ApproximateCreationDateTime"];
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds since 1970")]
    let seconds = time.as_f64().unwrap_or_default() as u64;
    *time = seconds.into();
    record
}
