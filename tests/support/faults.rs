//! The faults that the fault proxy can inject.

use serde_json::{Value, json};

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is carried out and its reply arrives.
    None,
    /// It is carried out, but its reply is lost: the connection breaks.
    LoseReply,
    /// It is not carried out: the connection breaks.
    LoseRequest,
    /// It is throttled.
    Throttle,
    /// The store responds with HTTP 500.
    ServerError,
    /// The store rejects it for good.
    Refuse,
    /// It fails because a transaction is using the same item.
    Conflict,
    /// A batch is accepted, and none of it is processed. No fault for other operations.
    Unprocessed,
    /// A batch read finds nothing, as a stale read may. No fault for other operations.
    Empty,
}

impl Fault {
    /// The reply with which the proxy replaces a batch, where this fault does so.
    pub(crate) fn replacement(self, operation: &str, request: &Value) -> Option<Value> {
        let items = &request["RequestItems"];
        match (self, operation) {
            (Self::Unprocessed, "BatchGetItem") => Some(json!({ "Responses": {}, "UnprocessedKeys": items })),
            (Self::Unprocessed, "BatchWriteItem") => Some(json!({ "UnprocessedItems": items })),
            (Self::Empty, "BatchGetItem") => Some(json!({ "Responses": {}, "UnprocessedKeys": {} })),
            _ => None,
        }
    }

    /// DynamoDB's error in this case: the HTTP status and the error type.
    pub(crate) fn error(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Throttle => Some((400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException")),
            Self::ServerError => Some((500, "com.amazonaws.dynamodb.v20120810#InternalServerError")),
            Self::Refuse => Some((400, "com.amazon.coral.validate#ValidationException")),
            Self::Conflict => Some((400, "com.amazonaws.dynamodb.v20120810#TransactionConflictException")),
            _ => None,
        }
    }
}
