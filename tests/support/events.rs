//! Client requests.

use base64::{Engine, engine::general_purpose::STANDARD};
use efface_local::event::HttpRequest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

pub use efface_local::event::Via;

/// Everything but RFC 3986's unreserved characters.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request as a client sends it.
#[derive(Debug, Clone)]
pub struct Req {
    /// The HTTP method.
    pub method: String,
    /// Path and query, percent-encoded.
    pub target: String,
    /// Names and values, in the order in which they are sent. A name may occur more than once.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// Percent-encodes everything but unreserved characters.
pub fn encode(value: &str) -> String {
    utf8_percent_encode(value, UNRESERVED).to_string()
}

impl Req {
    /// A GET request without headers or body.
    pub fn get(target: impl Into<String>) -> Self {
        Self { method: "GET".to_owned(), target: target.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// A POST request with a JSON body.
    pub fn post(target: impl Into<String>, body: &Value) -> Self {
        let request = Self { method: "POST".to_owned(), body: body.to_string().into_bytes(), ..Self::get(target) };
        request.header("Content-Type", "application/json")
    }

    /// Deletes one identifier of the profile that has the `user_id`.
    pub fn delete(space: &str, user_id: &str, id_type: &str, id: &str) -> Self {
        Self::post(
            format!("/v1/spaces/{space}/collections/users/profiles/user_id:{}/external_ids/delete", encode(user_id)),
            &json!({ "delete_external_ids": [{ "id": id, "type": id_type }] }),
        )
    }

    /// Deletes the profile that has the identifier.
    pub fn delete_profile(space: &str, id_type: &str, value: &str) -> Self {
        let target = format!("/v1/spaces/{space}/collections/users/profiles/{id_type}:{}", encode(value));
        Self::get(target).method("DELETE")
    }

    /// Reads a part of a profile: `external_ids`, `traits` or `metadata`, and the query where there is one.
    pub fn read(space: &str, id_type: &str, value: &str, what: &str) -> Self {
        Self::get(format!("/v1/spaces/{space}/collections/users/profiles/{id_type}:{}/{what}", encode(value)))
    }

    /// Reads the record of a deleted identifier.
    pub fn deletion(space: &str, id_type: &str, value: &str) -> Self {
        Self::get(format!("/v1/spaces/{space}/deletions/{id_type}:{}", encode(value)))
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Replaces the method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    /// Adds the token in the form that clients commonly send: Basic authentication with an empty password.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.header("Authorization", format!("Basic {}", STANDARD.encode(format!("{token}:"))))
    }

    /// Adds an `Idempotency-Key`.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    /// The Lambda event for this request.
    pub fn event(&self, via: Via) -> Value {
        let Self { method, target, headers, body } = self;
        via.event(&HttpRequest { method, target, headers, body })
    }
}
