//! Event source mappings from DynamoDB's streams to functions. The tables are in this process ([`crate::dynamodb`]), where
//! ministack does not see their streams. So the records are delivered here, as Lambda delivers them:
//!
//! - in order, at most one batch of a stream's shard at a time;
//! - a batch that failed again and again, until it succeeds or its records are too old;
//! - only the records that pass the mapping's filters.
//!
//! Not as on AWS: no batching window is waited for, and a shard is never read by several at the same time
//! (`ParallelizationFactor`).

mod batch;
pub mod filter;
pub(crate) mod poller;

use std::time::Duration;

use serde_json::Value;
use thiserror::Error;

use filter::{FilterError, Filters};

/// A mapping from a stream to a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamMapping {
    id: String,
    stream_arn: String,
    table: String,
    function_arn: String,
    is_enabled: bool,
    batch_size: usize,
    filters: Filters,
    max_age: Option<Duration>,
    /// The ARN of the queue that is told of records that were too old.
    on_failure: Option<String>,
}

/// Why a mapping cannot be carried out.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the mapping from {stream} to {function} cannot be carried out here: {reason}")]
pub struct MappingError {
    stream: String,
    function: String,
    reason: Reason,
}

#[derive(Debug, Error, PartialEq, Eq)]
enum Reason {
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error("{0} is {1}")]
    Setting(&'static str, String),
}

/// Those of the described mappings that are from streams of tables.
pub(crate) fn of_streams(described: &[Value]) -> Result<Vec<StreamMapping>, MappingError> {
    let source = |mapping: &&Value| mapping["EventSourceArn"].as_str().is_some_and(|arn| arn.contains(":dynamodb:"));
    described.iter().filter(source).map(StreamMapping::parse).collect()
}

impl StreamMapping {
    fn parse(described: &Value) -> Result<Self, MappingError> {
        let text = |name: &str| described[name].as_str().unwrap_or_default().to_owned();
        let (stream_arn, function_arn) = (text("EventSourceArn"), text("FunctionArn"));
        let failed = |reason| MappingError { stream: stream_arn.clone(), function: function_arn.clone(), reason };
        expect_defaults(described).map_err(failed)?;
        let max_age = optional_number(described, "MaximumRecordAgeInSeconds").map_err(failed)?;
        Ok(Self {
            id: text("UUID"),
            table: stream_arn.split('/').nth(1).unwrap_or_default().to_owned(),
            is_enabled: described["State"] == "Enabled",
            batch_size: optional_number(described, "BatchSize").map_err(failed)?.unwrap_or(100),
            filters: Filters::parse(&described["FilterCriteria"]).map_err(|error| failed(error.into()))?,
            max_age: max_age.map(|seconds| Duration::from_secs(seconds as u64)),
            on_failure: described["DestinationConfig"]["OnFailure"]["Destination"].as_str().map(str::to_owned),
            stream_arn,
            function_arn,
        })
    }

    /// The function's name.
    fn function(&self) -> &str {
        self.function_arn.rsplit(':').next().unwrap_or_default()
    }
}

/// Fails where a setting asks for something that is not done here.
fn expect_defaults(described: &Value) -> Result<(), Reason> {
    for (name, accepted) in [
        ("StartingPosition", &["\"TRIM_HORIZON\""][..]),
        ("MaximumRetryAttempts", &["null", "-1"]),
        ("BisectBatchOnFunctionError", &["null", "false"]),
        ("FunctionResponseTypes", &["null", "[]"]),
    ] {
        let value = described[name].to_string();
        if !accepted.contains(&value.as_str()) {
            return Err(Reason::Setting(name, value));
        }
    }
    Ok(())
}

/// A number that is set, and not -1, which stands for none. A number that came from a parameter of the stack is a text in
/// ministack: on AWS, too, it would have to be written as a number.
fn optional_number(described: &Value, name: &'static str) -> Result<Option<usize>, Reason> {
    match &described[name] {
        Value::Null => Ok(None),
        value if value.as_i64() == Some(-1) => Ok(None),
        value => {
            let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
            number.map(Some).ok_or_else(|| Reason::Setting(name, value.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn described() -> Value {
        json!({
            "UUID": "1", "EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/things/stream/now",
            "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:efface-local-change-capture",
            "State": "Enabled", "BatchSize": 7, "MaximumBatchingWindowInSeconds": 1, "StartingPosition": "TRIM_HORIZON",
            "FunctionResponseTypes": [], "MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": 82_800,
            "BisectBatchOnFunctionError": false, "ParallelizationFactor": 1,
            "DestinationConfig": { "OnFailure": { "Destination": "arn:aws:sqs:us-east-1:000000000000:late" } },
        })
    }

    #[test]
    fn a_mapping_is_read_from_its_description() {
        let queue = json!({ "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:q", "BatchSize": "x" });
        let [mapping] = of_streams(&[queue, described()]).unwrap().try_into().unwrap();
        assert_eq!((mapping.table.as_str(), mapping.function()), ("things", "efface-local-change-capture"));
        assert_eq!((mapping.batch_size, mapping.max_age), (7, Some(Duration::from_hours(23))));
        assert_eq!(mapping.on_failure.as_deref(), Some("arn:aws:sqs:us-east-1:000000000000:late"));
        assert!(mapping.is_enabled);
    }

    #[test]
    fn what_is_not_done_here_is_an_error() {
        for (name, value) in [
            ("StartingPosition", json!("LATEST")),
            ("MaximumRetryAttempts", json!(3)),
            ("BisectBatchOnFunctionError", json!(true)),
            ("FunctionResponseTypes", json!(["ReportBatchItemFailures"])),
            ("BatchSize", json!("100")),
        ] {
            let mut changed = described();
            changed[name] = value.clone();
            let reason = Reason::Setting(name, value.to_string());
            assert_eq!(of_streams(&[changed]).unwrap_err().reason, reason);
        }
    }
}
