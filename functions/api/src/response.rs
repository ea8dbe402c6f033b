//! Answers: the one file where decisions become HTTP.

use efface_aws::StoreError;
use efface_core::{api_error::ApiError, profile::RequestId};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::event::Format;

/// An answer, before the front door has wrapped it.
#[derive(Debug)]
pub struct Response {
    status: u16,
    code: &'static str,
    /// JSON text: traits keep the numbers that no number type holds.
    body: String,
    content_type: &'static str,
    allow: Option<&'static str>,
    link: Option<String>,
}

const JSON: &str = "application/json";

/// What to send again after, in whole seconds, where a 429 or a 503 says so.
const RETRY_AFTER_SECONDS: &str = "1";

impl Response {
    /// A 200 with a body.
    pub fn ok(body: &impl Serialize) -> Result<Self, ApiError> {
        Self::json(200, body)
    }

    /// A 202: it will be done, whatever happens to us.
    pub fn accepted(body: &impl Serialize) -> Result<Self, ApiError> {
        Self::json(202, body)
    }

    /// A 200 with a table, and where its next page is.
    pub fn csv(body: String, next: Option<String>) -> Self {
        let link = next.map(|next| format!("<{next}>; rel=\"next\""));
        Self { status: 200, code: "success", body, content_type: "text/csv; charset=utf-8", allow: None, link }
    }

    fn json(status: u16, body: &impl Serialize) -> Result<Self, ApiError> {
        let body = serde_json::to_string(body).map_err(|_| ApiError::Internal)?;
        Ok(Self { status, code: "success", body, content_type: JSON, allow: None, link: None })
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The word for programs, `success` or an error's.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What the front door takes: the two formats of Lambda proxy answers agree on all but cookies.
    pub fn into_event(self, id: &RequestId, format: Format) -> Value {
        let mut headers = Map::new();
        headers.insert("Content-Type".to_owned(), self.content_type.into());
        headers.insert("Request-Id".to_owned(), id.to_string().into());
        headers.insert("Cache-Control".to_owned(), "no-store".into());
        if let Some(allow) = self.allow {
            headers.insert("Allow".to_owned(), allow.into());
        }
        if let Some(link) = self.link {
            headers.insert("Link".to_owned(), link.into());
        }
        if self.status == 401 {
            headers.insert("WWW-Authenticate".to_owned(), "Basic realm=\"efface\"".into());
        }
        if matches!(self.status, 429 | 503) {
            headers.insert("Retry-After".to_owned(), RETRY_AFTER_SECONDS.into());
        }
        let mut event =
            json!({ "statusCode": self.status, "headers": headers, "body": self.body, "isBase64Encoded": false });
        if format == Format::V2 {
            // `cargo lambda watch` takes no answer without it.
            event["cookies"] = json!([]);
        }
        event
    }
}

impl From<ApiError> for Response {
    fn from(refusal: ApiError) -> Self {
        let allow = if let ApiError::MethodNotAllowed(method) = refusal { Some(method) } else { None };
        let body = json!({ "error": { "code": refusal.code(), "message": refusal.to_string() } }).to_string();
        Self { status: status(&refusal), code: refusal.code(), body, content_type: JSON, allow, link: None }
    }
}

/// The status of each refusal (contract).
fn status(refusal: &ApiError) -> u16 {
    match refusal {
        ApiError::EventSource(_)
        | ApiError::MissingUrlParameters
        | ApiError::BadRequest(_)
        | ApiError::InvalidCollection(_)
        | ApiError::UnsupportedLookupType(_)
        | ApiError::OnlyOneExternalId
        | ApiError::UnsupportedType
        | ApiError::TargetIsLookup => 400,
        ApiError::Unauthorized => 401,
        ApiError::RoleMayNot(_) | ApiError::NotActivated(_) => 403,
        ApiError::NoRoute
        | ApiError::NoSource(_)
        | ApiError::LookupNotFound
        | ApiError::ExternalIdNotFound
        | ApiError::ProfileNotFound
        | ApiError::JobNotFound
        | ApiError::InstanceNotFound
        | ApiError::DeletionNotFound => 404,
        ApiError::MethodNotAllowed(_) => 405,
        ApiError::IdempotencyConflict | ApiError::PageConflict(_) | ApiError::InvalidState(..) => 409,
        ApiError::PayloadTooLarge(_) | ApiError::PageTooLarge(_) => 413,
        ApiError::UnsupportedMediaType | ApiError::UnsupportedPageType => 415,
        ApiError::RateLimited => 429,
        ApiError::Internal => 500,
        ApiError::Unavailable => 503,
    }
}

/// What a client is told of a failing store; the log has the detail.
#[expect(clippy::needless_pass_by_value, reason = "it ends a chain of map_err")]
pub(crate) fn store_failed(error: StoreError) -> ApiError {
    match error {
        StoreError::Unavailable(_) => {
            tracing::warn!(%error, "store");
            ApiError::Unavailable
        }
        // Nobody but an operator can mend it: the template's alarm counts lines of this level.
        StoreError::Internal(_) => {
            tracing::error!(%error, "store");
            ApiError::Internal
        }
    }
}
