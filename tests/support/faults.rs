//! What can happen to a request on its way.

use serde_json::{Value, json};

/// The fate of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It arrives, and so does its reply.
    None,
    /// It is carried out, and the reply is lost.
    LoseReply,
    /// It is not carried out; the connection breaks.
    LoseRequest,
    /// It is refused by throttling.
    Throttle,
    /// The store fails with a 500.
    ServerError,
    /// It met a transaction.
    Conflict,
    /// A batch of which nothing is processed.
    Unprocessed,
    /// A read that finds nothing, as one that is stale may.
    Empty,
}

impl Fault {
    /// What a batch is answered that is not passed on.
    pub(crate) fn stands_in(self, operation: &str, request: &Value) -> Option<Value> {
        let items = &request["RequestItems"];
        match (self, operation) {
            (Self::Unprocessed, "BatchGetItem") => Some(json!({ "Responses": {}, "UnprocessedKeys": items })),
            (Self::Unprocessed, "BatchWriteItem") => Some(json!({ "UnprocessedItems": items })),
            (Self::Empty, "BatchGetItem") => Some(json!({ "Responses": {}, "UnprocessedKeys": {} })),
            _ => None,
        }
    }

    /// DynamoDB's answer in this case: the status and the error type.
    pub(crate) fn answer(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Throttle => Some((400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException")),
            Self::ServerError => Some((500, "com.amazonaws.dynamodb.v20120810#InternalServerError")),
            Self::Conflict => Some((400, "com.amazonaws.dynamodb.v20120810#TransactionConflictException")),
            _ => None,
        }
    }
}
