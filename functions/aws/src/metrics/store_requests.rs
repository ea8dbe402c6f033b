//! Counts the requests to DynamoDB, each attempt of one, and those that were throttled.

use aws_sdk_dynamodb::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::FinalizerInterceptorContextRef},
    error::BoxError,
};
use serde::Deserialize;

use super::{Metric, add};

/// Part of the client: it sees every attempt after its response.
#[derive(Debug)]
pub(crate) struct StoreRequests;

impl Intercept for StoreRequests {
    fn name(&self) -> &'static str {
        "StoreRequests"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        add(Metric::StoreRequests, 1);
        let response = context.response().filter(|response| !response.status().is_success());
        if response.and_then(|response| response.body().bytes()).is_some_and(is_throttled) {
            add(Metric::StoreThrottles, 1);
        }
        Ok(())
    }
}

/// The part of an error's body that says which error it is. The rest can hold items.
#[derive(Deserialize)]
struct Failed {
    #[serde(rename = "__type")]
    kind: String,
    /// Of a transaction: why each of its parts was cancelled.
    #[serde(default, rename = "CancellationReasons")]
    reasons: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(rename = "Code")]
    code: Option<String>,
}

fn is_throttled(body: &[u8]) -> bool {
    let Ok(Failed { kind, reasons }) = serde_json::from_slice(body) else { return false };
    let codes = reasons.iter().filter_map(|reason| reason.code.as_deref());
    codes.chain(kind.rsplit('#').next()).any(|code| {
        matches!(
            code,
            "ProvisionedThroughputExceeded"
                | "ProvisionedThroughputExceededException"
                | "RequestLimitExceeded"
                | "ThrottlingError"
                | "ThrottlingException"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttled_request_or_a_part_of_one_counts() {
        let error = |kind: &str| format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{kind}","message":"-"}}"#);
        let cancelled = |code: &str| {
            format!(r#"{{"__type":"x#TransactionCanceledException","CancellationReasons":[{{}},{{"Code":"{code}"}}]}}"#)
        };
        for (body, expected) in [
            (error("ThrottlingException"), true),
            (error("ProvisionedThroughputExceededException"), true),
            (error("RequestLimitExceeded"), true),
            (error("ConditionalCheckFailedException"), false),
            (cancelled("ThrottlingError"), true),
            (cancelled("ProvisionedThroughputExceeded"), true),
            (cancelled("ConditionalCheckFailed"), false),
            (cancelled("None"), false),
            ("ThrottlingException".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(is_throttled(body.as_bytes()), expected, "{body}");
        }
    }
}
