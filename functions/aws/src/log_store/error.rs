//! Errors of the files of logs: a variant for each decision of a caller. None quotes what a file holds.

use aws_sdk_s3::error::{BuildError, ProvideErrorMetadata, SdkError};
use thiserror::Error;

use crate::failure::Failure;

/// What went wrong with the files of a log.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LogStoreError {
    /// S3 cannot answer now: it throttles, timed out, or cannot be reached. Asking again is safe and may work.
    #[error("the files of the log are unavailable: {0}")]
    Unavailable(String),
    /// The request is at fault, or the configuration: asking again does not help.
    #[error("the bucket refused a request: {0}")]
    Internal(String),
    /// A file that never changes is there with other bytes than the journal makes; holds its name.
    #[error("{0} is there with other bytes than the journal makes")]
    Inconsistent(String),
    /// A file that is never deleted was deleted; holds its key.
    #[error("{0} was deleted")]
    Deleted(String),
    /// A file is not as any version writes it; holds its name.
    #[error("{0} cannot be read")]
    Unreadable(String),
}

/// Error codes that pass by themselves.
const PASSING: [&str; 6] =
    ["InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown", "Throttling", "OperationAborted"];

impl<E: ProvideErrorMetadata> From<SdkError<E>> for LogStoreError {
    fn from(error: SdkError<E>) -> Self {
        match Failure::of(&error, &PASSING) {
            Failure::Passing(detail) => Self::Unavailable(detail),
            Failure::Lasting(detail) => Self::Internal(detail),
        }
    }
}

impl From<BuildError> for LogStoreError {
    fn from(_: BuildError) -> Self {
        Self::Internal("an incomplete request".to_owned())
    }
}
