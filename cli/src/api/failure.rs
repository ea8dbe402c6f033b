//! What the API says when it says no, and what is known when it says nothing.

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::Reply;
use crate::output::harmless;

/// The API's refusal.
#[derive(Debug, Error)]
#[error("refused ({status} {code}): {message}{}", request_words(.request_id.as_deref()))]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The stable word for programs.
    pub code: String,
    /// The API's words.
    pub message: String,
    /// Names the request in the log.
    pub request_id: Option<String>,
}

impl Refused {
    /// Reads a refusal.
    pub(crate) fn of(reply: &Reply) -> Self {
        match envelope(&reply.body) {
            (Some(code), Some(message)) => {
                Self { status: reply.status, code, message, request_id: reply.request_id.clone() }
            }
            _ => Self::not_ours(reply),
        }
    }

    /// The answer of who knows what.
    pub(crate) fn not_ours(reply: &Reply) -> Self {
        Self {
            status: reply.status,
            code: "unknown".to_owned(),
            message: "not an answer of Efface's; is the API's URL right?".to_owned(),
            request_id: reply.request_id.clone(),
        }
    }
}

/// It is not known whether what was asked for was done.
#[derive(Debug, Error)]
#[error("no answer ({reason}); {}", self.remedy())]
pub struct NoAnswer {
    /// What happened last.
    pub reason: String,
    /// The key under which it was sent, where it had one.
    pub idempotency_key: Option<String>,
    /// The job that it was about, where it is known.
    pub job_id: Option<String>,
}

impl NoAnswer {
    /// Of a request that can be sent again as it is.
    pub(crate) fn because(reason: String) -> Self {
        Self { reason, idempotency_key: None, job_id: None }
    }

    fn remedy(&self) -> String {
        let again = match &self.idempotency_key {
            Some(key) => format!("send it again with --idempotency-key {key}, then nothing is done twice"),
            None => "the same command again is safe".to_owned(),
        };
        match &self.job_id {
            Some(job) => format!("{again}; `efface jobs status {job}` tells how far it is"),
            None => again,
        }
    }
}

#[derive(Deserialize)]
struct Words {
    code: String,
    message: String,
}

/// Code and message of a success or of an error.
pub(crate) fn envelope(body: &[u8]) -> (Option<String>, Option<String>) {
    let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
    let words = if body["error"].is_object() { body["error"].take() } else { body };
    match serde_json::from_value::<Words>(words) {
        Ok(words) => (Some(harmless(&words.code)), Some(harmless(&words.message))),
        Err(_) => (None, None),
    }
}

/// The request's name in the log, behind a sentence.
pub(crate) fn request_words(request_id: Option<&str>) -> String {
    request_id.map(|id| format!(" (request {id})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_both_shapes_are_read() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(envelope(br#"{"code":"success","message":"Done."}"#), (some("success"), some("Done.")));
        assert_eq!(envelope(br#"{"error":{"code":"forbidden","message":"No."}}"#), (some("forbidden"), some("No.")));
        assert_eq!(envelope(b"<html>"), (None, None));
        assert_eq!(envelope(b"[]"), (None, None));
    }
}
