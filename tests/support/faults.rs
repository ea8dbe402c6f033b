//! What can happen to a request on its way.

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
}

impl Fault {
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
