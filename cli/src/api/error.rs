//! The two ways in which a request fails: the API returns an error, or there is no usable response.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use super::Response;
use crate::{jobs::command, output::printable};

/// An error response of the API.
#[derive(Debug, Error)]
#[error("refused ({status} {code}): {message}{}", request_suffix(.request_id.as_deref()))]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The API's error code, which programs can rely on.
    pub code: String,
    /// The API's message.
    pub message: String,
    /// The response's `Request-Id`, by which the log can be searched.
    pub request_id: Option<String>,
    /// The response's fields beside `error`, such as the job that is in progress.
    pub details: Map<String, Value>,
    /// When the request may be repeated, if the response says so.
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// Reads an error response. A body of another form gets the code `unknown`.
    pub(crate) fn from_response(response: &Response) -> Self {
        match code_and_message(&response.body) {
            (Some(code), Some(message)) => {
                let (status, request_id) = (response.status, response.request_id.clone());
                let (details, retry_after) = (details(&response.body), response.retry_after);
                Self { status, code, message, request_id, details, retry_after }
            }
            _ => Self::not_from_efface(response),
        }
    }

    /// The error for a response that Efface cannot have sent, for example one of a proxy.
    pub(crate) fn not_from_efface(response: &Response) -> Self {
        Self {
            status: response.status,
            code: "unknown".to_owned(),
            message: "the response is not from Efface; check the API's URL".to_owned(),
            request_id: response.request_id.clone(),
            details: Map::new(),
            retry_after: None,
        }
    }
}

/// There was no usable response, so it is not known whether the request was carried out.
#[derive(Debug, Error)]
#[error("no response ({reason}); {}", self.remedy())]
pub struct NoResponse {
    /// What happened at the last attempt.
    pub reason: String,
    /// The idempotency key of the request, if it had one.
    pub idempotency_key: Option<String>,
    /// The job that the request was about, if it is known.
    pub job_id: Option<String>,
    /// The options that a repetition under the key needs beside it, or nothing.
    pub options: String,
}

impl NoResponse {
    /// Of a request that can safely be repeated without a key.
    pub(crate) fn new(reason: String) -> Self {
        Self { reason, idempotency_key: None, job_id: None, options: String::new() }
    }

    fn remedy(&self) -> String {
        let again = match &self.idempotency_key {
            Some(key) => {
                format!(
                    "repeat the command with --idempotency-key {key}{}, so that nothing is done twice",
                    self.options
                )
            }
            None => "the command can safely be repeated".to_owned(),
        };
        match &self.job_id {
            Some(job) => format!("{again}; `{}` shows the job's progress", command("status", job)),
            None => again,
        }
    }
}

#[derive(Deserialize)]
struct CodeAndMessage {
    code: String,
    message: String,
}

/// The code and the message of a response, whether it is a success or an error.
pub(crate) fn code_and_message(body: &[u8]) -> (Option<String>, Option<String>) {
    let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
    let source = if body["error"].is_object() { body["error"].take() } else { body };
    match serde_json::from_value::<CodeAndMessage>(source) {
        Ok(found) => (Some(printable(&found.code)), Some(printable(&found.message))),
        Err(_) => (None, None),
    }
}

/// The fields beside `error`.
fn details(body: &[u8]) -> Map<String, Value> {
    let mut fields: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    fields.remove("error");
    fields
}

/// The request id in parentheses, to be appended to a sentence.
pub(crate) fn request_suffix(request_id: Option<&str>) -> String {
    request_id.map(|id| format!(" (request {id})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successes_and_errors_are_read() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(code_and_message(br#"{"code":"success","message":"Done."}"#), (some("success"), some("Done.")));
        assert_eq!(
            code_and_message(br#"{"error":{"code":"forbidden","message":"No."}}"#),
            (some("forbidden"), some("No."))
        );
        assert_eq!(code_and_message(b"<html>"), (None, None));
        assert_eq!(code_and_message(b"[]"), (None, None));
    }
}
