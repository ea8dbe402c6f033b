//! Errors of the store: what a caller decides on, and a detail for the log that holds no personal data.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use thiserror::Error;

/// What went wrong in the store.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// It can't answer now: throttled, timed out, unreachable. Asking again is safe and may work.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It will not answer this: a fault of ours or of the configuration.
    #[error("the store refused a request: {0}")]
    Internal(String),
}

/// Error codes that pass by themselves.
const PASSING: [&str; 9] = [
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
    "ReplicatedWriteConflictException",
];

impl<E: ProvideErrorMetadata> From<SdkError<E>> for StoreError {
    /// Keeps the code only: DynamoDB's messages can quote keys and values.
    fn from(error: SdkError<E>) -> Self {
        match &error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("unknown").to_owned();
                let passes = PASSING.contains(&code.as_str()) || service.raw().status().is_server_error();
                if passes { Self::Unavailable(code) } else { Self::Internal(code) }
            }
            SdkError::TimeoutError(_) => Self::Unavailable("timeout".to_owned()),
            SdkError::DispatchFailure(_) => Self::Unavailable("no connection".to_owned()),
            SdkError::ResponseError(_) => Self::Unavailable("unreadable response".to_owned()),
            _ => Self::Internal("request".to_owned()),
        }
    }
}
