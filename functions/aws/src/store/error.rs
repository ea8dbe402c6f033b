//! Errors of the store: a variant for each decision of a caller, and a detail for the log that holds no personal data.

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use thiserror::Error;

use crate::failure::Failure;

/// What went wrong in the store.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// DynamoDB cannot answer now: it throttles, timed out, or cannot be reached. Asking again is safe and may work.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The request is at fault, or the configuration: asking again does not help.
    #[error("the store refused a request: {0}")]
    Internal(String),
    /// An item, or a part of one, is not as any version writes it. It is never skipped, and nothing of it is quoted.
    #[error("an item cannot be read: {0}")]
    Unreadable(String),
}

impl StoreError {
    /// The error of an item of this kind.
    pub(crate) fn unreadable(kind: &str) -> Self {
        Self::Unreadable(kind.to_owned())
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
    fn from(error: SdkError<E>) -> Self {
        match Failure::of(&error, &PASSING) {
            Failure::Passing(detail) => Self::Unavailable(detail),
            Failure::Lasting(detail) => Self::Internal(detail),
        }
    }
}
