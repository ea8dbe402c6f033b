//! Responses: the one file that maps decisions to HTTP.

use std::sync::Arc;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use efface_core::{api_error::ApiError, id::RequestId, job::JobId, limit::Quota};
use efface_engine::Error;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::event::{Format, Request};

/// A response, before it is put into the format of the event source.
#[derive(Debug)]
pub(crate) struct Response {
    status: u16,
    code: &'static str,
    body: Body,
    content_type: &'static str,
    /// How long it may be kept.
    cache: &'static str,
    allow: Option<&'static str>,
    retry_after: Option<&'static str>,
    link: Option<String>,
    /// Names this state of what was asked for, in quotes.
    etag: Option<String>,
    /// The limits that the request was counted against.
    quotas: Vec<Quota>,
}

/// A body.
#[derive(Debug)]
enum Body {
    /// JSON, so that traits keep numbers that no number type holds, or another text.
    Text(String),
    /// Anything else: it reaches the event source in base64.
    Bytes(Arc<[u8]>),
}

/// How a request succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Success {
    /// It is done.
    Done,
    /// It was made.
    Created,
    /// It is stored and will be done, even if this function stops.
    Accepted,
    /// It is as the client has it already.
    NotModified,
}

impl Success {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::Done => 200,
            Self::Created => 201,
            Self::Accepted => 202,
            Self::NotModified => 304,
        }
    }
}

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorDetail,
}

/// An error: a code for programs and a message for people.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorDetail {
    code: ErrorCode,
    /// The message for people. It may change.
    message: String,
}

/// The code for programs. It is stable.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorCode(&'static str);

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// What may not be kept: nearly everything is about people, or changes.
const NO_STORE: &str = "no-store";

/// What never changes. Only its client may keep it, as it needs a token.
const IMMUTABLE: &str = "private, max-age=31536000, immutable";

/// The most bytes of a body in base64: Lambda takes no larger response than 6 MB.
const MAX_BASE64: usize = 5_900_000;

/// After how many seconds to ask again for what the log does not have yet: the publisher was just told that somebody waits.
const LOGGED_SECONDS: &str = "2";

/// After how many seconds to send a request again that got a 429 or a 503.
const RETRY_AFTER_SECONDS: &str = "1";

/// After how many seconds to look again whether a job has ended.
const WAIT_SECONDS: &str = "5";

/// The most characters of an error's message. None is longer; should one ever be, its response stays small.
const MAX_MESSAGE: usize = 1_000;

/// The code of a success in the log.
const SUCCESS: &str = "success";

impl Response {
    /// A 200 with a body.
    pub(crate) fn ok(body: &impl Serialize) -> Result<Self, Error> {
        Self::json(Success::Done, body)
    }

    /// A 201 with a body.
    pub(crate) fn created(body: &impl Serialize) -> Result<Self, Error> {
        Self::json(Success::Created, body)
    }

    /// A 202 with a body.
    pub(crate) fn accepted(body: &impl Serialize) -> Result<Self, Error> {
        Self::json(Success::Accepted, body)
    }

    /// A success with a text.
    pub(crate) fn text(success: Success, body: String) -> Self {
        Self::new(success.status(), SUCCESS, Body::Text(body), TEXT)
    }

    /// A 200 with a table, and the path of its next page.
    pub(crate) fn csv(body: String, next: Option<String>) -> Self {
        Self::lines(body, "text/csv; charset=utf-8", next)
    }

    /// A 200 with JSON, one object a line, and the path of its next page.
    pub(crate) fn ndjson(body: String, next: Option<String>) -> Self {
        Self::lines(body, "application/x-ndjson", next)
    }

    fn lines(body: String, content_type: &'static str, next: Option<String>) -> Self {
        let link = next.map(|next| format!("<{next}>; rel=\"next\""));
        Self { link, ..Self::new(Success::Done.status(), SUCCESS, Body::Text(body), content_type) }
    }

    /// A 200 with a file that never changes.
    pub(crate) fn file(bytes: Arc<[u8]>) -> Result<Self, Error> {
        if bytes.len().div_ceil(3) * 4 > MAX_BASE64 {
            return Err(Error::Fault("a file of a log that no response can hold"));
        }
        let file = Self::new(Success::Done.status(), SUCCESS, Body::Bytes(bytes), "application/octet-stream");
        Ok(Self { cache: IMMUTABLE, ..file })
    }

    fn new(status: u16, code: &'static str, body: Body, content_type: &'static str) -> Self {
        let (allow, retry_after, link, etag, quotas) = (None, None, None, None, Vec::new());
        Self { status, code, body, content_type, cache: NO_STORE, allow, retry_after, link, etag, quotas }
    }

    /// The response to a request that gets an error, with the fields of a body beside it.
    pub(crate) fn error_with(error: &ApiError, body: &impl Serialize) -> Result<Self, Error> {
        #[derive(Serialize)]
        struct WithError<'a, T> {
            #[serde(flatten)]
            error: ErrorBody,
            #[serde(flatten)]
            body: &'a T,
        }
        let (status, code) = (status(error), error.code());
        let body = serde_json::to_string(&WithError { error: ErrorBody::of(error), body });
        let body = body.map_err(|_| Error::Fault("a body that is no JSON"))?;
        Ok(Self::new(status, code, Body::Text(body), JSON))
    }

    /// The response to a request that failed.
    pub(crate) fn of(error: Error) -> Self {
        failed(error).into()
    }

    fn json(success: Success, body: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_string(body).map_err(|_| Error::Fault("a body that is no JSON"))?;
        Ok(Self::new(success.status(), SUCCESS, Body::Text(body), JSON))
    }

    /// The same with what is left of limits that the request was counted against.
    #[must_use]
    pub(crate) fn with_quotas(mut self, quotas: impl IntoIterator<Item = Quota>) -> Self {
        self.quotas.extend(quotas);
        self
    }

    /// The same with an `ETag`, a digest of the body. Where the client names this one, or any, as what it has (RFC 9110,
    /// section 13.1.2), it is a 304 without the body.
    #[must_use]
    pub(crate) fn unless_known(self, request: &Request) -> Self {
        let Body::Text(text) = &self.body else { return self };
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..16]));
        let known = request.values("if-none-match").iter().flat_map(|values| values.split(','));
        let is_known = known.map(|one| one.trim().trim_start_matches("W/")).any(|one| one == "*" || one == etag);
        if is_known {
            let response = Self::new(Success::NotModified.status(), SUCCESS, Body::Text(String::new()), JSON);
            return Self { etag: Some(etag), ..response };
        }
        Self { etag: Some(etag), ..self }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// The code for programs: `success`, or that of an error.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// The response as Lambda takes it. The two formats differ in the cookies only. The response to HEAD has no body.
    pub(crate) fn into_event(self, id: &RequestId, format: Format, is_head: bool) -> Value {
        let mut headers = Map::new();
        headers.insert("Content-Type".to_owned(), self.content_type.into());
        headers.insert("Request-Id".to_owned(), id.to_string().into());
        headers.insert("Cache-Control".to_owned(), self.cache.into());
        headers.insert("X-Content-Type-Options".to_owned(), "nosniff".into());
        if let Some(allow) = self.allow {
            headers.insert("Allow".to_owned(), allow.into());
        }
        if let Some(etag) = self.etag {
            headers.insert("ETag".to_owned(), etag.into());
        }
        if let Some(link) = self.link {
            headers.insert("Link".to_owned(), link.into());
        }
        if self.status == 401 {
            headers.insert("WWW-Authenticate".to_owned(), "Basic realm=\"efface\"".into());
        }
        let retry_after = self.retry_after.or(match self.status {
            408 => Some(WAIT_SECONDS),
            429 | 503 => Some(RETRY_AFTER_SECONDS),
            _ => None,
        });
        if let Some(seconds) = retry_after {
            headers.insert("Retry-After".to_owned(), seconds.into());
        }
        if let Some((policies, left)) = rate_limit(&self.quotas) {
            headers.insert("RateLimit-Policy".to_owned(), policies.into());
            headers.insert("RateLimit".to_owned(), left.into());
        }
        let (body, is_base64) = match self.body {
            _ if is_head => (String::new(), false),
            Body::Text(text) => (text, false),
            Body::Bytes(bytes) => (STANDARD.encode(bytes), true),
        };
        let mut event =
            json!({ "statusCode": self.status, "headers": headers, "body": body, "isBase64Encoded": is_base64 });
        if format == Format::V2 {
            // `cargo lambda watch` does not accept a response without it.
            event["cookies"] = json!([]);
        }
        event
    }
}

/// The values of `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10); `None` without limits. All
/// limits are for one clock second, which is over within a second.
fn rate_limit(quotas: &[Quota]) -> Option<(String, String)> {
    let list = |item: fn(&Quota) -> String| quotas.iter().map(item).collect::<Vec<_>>().join(", ");
    let policies = list(|quota| format!("\"{}\";q={};w=1", quota.limit.policy(), quota.most));
    let left = list(|quota| format!("\"{}\";r={};t=1", quota.limit.policy(), quota.left));
    (!quotas.is_empty()).then_some((policies, left))
}

impl From<ApiError> for Response {
    fn from(error: ApiError) -> Self {
        let allow = match error {
            ApiError::MethodNotAllowed(methods) | ApiError::MethodNotAllowedOfValue(methods) => Some(methods),
            _ => None,
        };
        let quotas = match error {
            ApiError::RateLimited(limit, most) | ApiError::TooManyRequests(limit, most) => {
                vec![Quota::used_up(limit, most)]
            }
            _ => Vec::new(),
        };
        let retry_after = (error == ApiError::NotLoggedYet).then_some(LOGGED_SECONDS);
        let (status, code) = (status(&error), error.code());
        let body = serde_json::to_string(&DetailedError::of(&error)).unwrap_or_default();
        Self { allow, retry_after, quotas, ..Self::new(status, code, Body::Text(body), JSON) }
    }
}

/// An error with what programs need of it beside its message.
#[derive(Serialize)]
struct DetailedError {
    #[serde(flatten)]
    body: ErrorBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<i64>,
}

impl DetailedError {
    fn of(error: &ApiError) -> Self {
        let mut detailed = Self { body: ErrorBody::of(error), job_id: None, members: None, rows: None };
        match error {
            ApiError::JobInProgress(job) => detailed.job_id = Some(*job),
            ApiError::MembersChanged(members) => detailed.members = Some(*members),
            ApiError::RowsChanged(rows) => detailed.rows = Some(*rows),
            _ => {}
        }
        detailed
    }
}

impl ErrorBody {
    fn of(error: &ApiError) -> Self {
        let message = error.to_string().chars().take(MAX_MESSAGE).collect();
        Self { error: ErrorDetail { code: ErrorCode(error.code()), message } }
    }
}

/// The status of each error (contract).
pub(crate) fn status(error: &ApiError) -> u16 {
    match error {
        ApiError::EventSource(_)
        | ApiError::MissingUrlParameters
        | ApiError::BadRequest(_)
        | ApiError::InvalidCollection(_)
        | ApiError::UnsupportedLookupType(_)
        | ApiError::OnlyOneExternalId
        | ApiError::UnsupportedType
        | ApiError::TargetIsLookup => 400,
        ApiError::Unauthorized => 401,
        ApiError::OwnJob | ApiError::RoleMayNot(_) | ApiError::NotActivated(_) | ApiError::Stopped(_) => 403,
        ApiError::NoRoute
        | ApiError::NoRouteOfValue
        | ApiError::NoSource(_)
        | ApiError::LookupNotFound
        | ApiError::ExternalIdNotFound
        | ApiError::ProfileNotFound
        | ApiError::JobNotFound
        | ApiError::SegmentNotFound
        | ApiError::InstanceNotFound
        | ApiError::DeletionNotFound
        | ApiError::LogFileNotFound
        | ApiError::ReceiptNotFound
        | ApiError::JobNotOver => 404,
        ApiError::MethodNotAllowed(_) | ApiError::MethodNotAllowedOfValue(_) => 405,
        ApiError::NotSettled(_) => 408,
        ApiError::IdempotencyConflict
        | ApiError::PageConflict(_)
        | ApiError::InvalidState(..)
        | ApiError::NotExecutable(_)
        | ApiError::RowsFailed(_)
        | ApiError::SegmentExists
        | ApiError::SegmentDisabled
        | ApiError::SegmentNotEmpty
        | ApiError::JobInProgress(_)
        | ApiError::ConfirmationRequired
        | ApiError::MembersChanged(_)
        | ApiError::RowsChanged(_)
        | ApiError::JournalOff
        | ApiError::NotLoggedYet
        | ApiError::OtherLogKey => 409,
        ApiError::PayloadTooLarge(_) | ApiError::PageTooLarge(_) => 413,
        ApiError::UnsupportedMediaType
        | ApiError::UnsupportedPageType
        | ApiError::UnsupportedRowsType
        | ApiError::UnsupportedForm => 415,
        ApiError::RateLimited(..) | ApiError::TooManyRequests(..) => 429,
        ApiError::Internal => 500,
        ApiError::Unavailable => 503,
    }
}

/// The headers that responses with a status and these errors have beside those of all responses, with their meaning.
pub(crate) fn headers(status: u16, errors: &[ApiError]) -> &'static [(&'static str, &'static str)] {
    match status {
        409 if errors.contains(&ApiError::NotLoggedYet) => &[RETRY_AFTER],
        401 => &[("WWW-Authenticate", "How to send a token.")],
        405 => &[("Allow", "The methods of the path.")],
        429 => &[RETRY_AFTER, QUOTAS[0], QUOTAS[1]],
        408 | 503 => &[RETRY_AFTER],
        _ => &[],
    }
}

const RETRY_AFTER: (&str, &str) = ("Retry-After", "After how many seconds to send the request again.");

/// The headers that tell of limits, with their meaning. Successes of requests that are counted have them, too.
pub(crate) const QUOTAS: [(&str, &str); 2] = [
    ("RateLimit-Policy", "The limits that the request was counted against, by name: `q` requests in `w` seconds."),
    ("RateLimit", "What these limits have left: `r` requests, and new ones in `t` seconds."),
];

/// The error that a client gets. The cause of a failure goes to the log, where the request's id leads to it.
fn failed(error: Error) -> ApiError {
    match error {
        Error::Api(error) => error,
        error if error.is_passing() => {
            tracing::warn!(%error, "store");
            ApiError::Unavailable
        }
        // Only an operator can mend it: an alarm counts the lines of this level.
        error @ Error::Fault(_) => {
            tracing::error!(%error, "fault");
            ApiError::Internal
        }
        error => {
            tracing::error!(%error, "store");
            ApiError::Internal
        }
    }
}
