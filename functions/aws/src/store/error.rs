//! Errors of the store: a variant for each decision of a caller, and a detail for the log that holds no personal data.

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use thiserror::Error;

/// What went wrong in the store.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// DynamoDB cannot answer now: it throttles, timed out, or cannot be reached. Asking again is safe and may work.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The request or an item is at fault, or the configuration: asking again does not help.
    #[error("the store refused a request: {0}")]
    Internal(String),
}

impl StoreError {
    /// An item, or a part of one, that is not as any version has written it.
    pub(crate) fn unreadable(kind: &str) -> Self {
        Self::Internal(format!("a {kind} cannot be read"))
    }
}

impl From<BuildError> for StoreError {
    fn from(_: BuildError) -> Self {
        Self::Internal("an incomplete request".to_owned())
    }
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
