//! What a failed request to AWS means. Only the error's code is kept: messages can quote keys and values.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// A failed request, with a detail for the log.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The service throttles, timed out, or cannot be reached. Asking again is safe and may work.
    Passing(String),
    /// The request is at fault, or the configuration: asking again does not help.
    Lasting(String),
}

impl Failure {
    /// Reads an error of the SDK. `passing` are the codes that pass by themselves, beside every 5xx.
    pub(crate) fn of<E: ProvideErrorMetadata>(error: &SdkError<E>, passing: &[&str]) -> Self {
        match error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("unknown").to_owned();
                let passes = passing.contains(&code.as_str()) || service.raw().status().is_server_error();
                if passes { Self::Passing(code) } else { Self::Lasting(code) }
            }
            SdkError::TimeoutError(_) => Self::Passing("timeout".to_owned()),
            SdkError::DispatchFailure(_) => Self::Passing("no connection".to_owned()),
            SdkError::ResponseError(_) => Self::Passing("unreadable response".to_owned()),
            _ => Self::Lasting("request".to_owned()),
        }
    }
}
