//! The OpenAPI document, made from the routes themselves; `infra/openapi.json` is its committed copy.

use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, IntoResponses, Modify, OpenApi, ToSchema,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};

use crate::{event::Request, routes};

/// The document.
#[derive(Debug, OpenApi)]
#[openapi(
    info(title = "Efface", description = "Deletes people's identifiers and profiles from a real-time profile store, \
        quickly and for good, and can prove it. Every answer is JSON and has a Request-Id header."),
    paths(
        routes::delete_identifier::post,
        routes::external_ids::get,
        routes::traits::get,
        routes::metadata::get,
        routes::deletions::get,
        routes::delete_profile::delete,
        routes::jobs::bulk_delete::post,
        routes::jobs::create::post,
        routes::jobs::list_jobs::get,
        routes::jobs::read::get,
        routes::jobs::rows::post,
        routes::jobs::control::start_job,
        routes::jobs::control::pause_job,
        routes::jobs::control::resume_job,
        routes::jobs::control::cancel_job,
        routes::jobs::control::redrive_job,
        routes::jobs::outcomes::get,
        routes::health::get,
    ),
    security(("token" = []), ("bearer" = [])),
    modifiers(&Security),
)]
pub struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// The document as JSON text, as it is committed.
pub fn json() -> String {
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// Every refusal.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    error: ErrorDetail,
}

/// What was refused, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// The word for programs.
    code: String,
    /// The text for people.
    message: String,
}

/// Where a list goes on.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cursor {
    /// The path of the list.
    url: String,
    /// Whether there is more.
    has_more: bool,
    /// What to send as `next`; empty where there is no more.
    next: String,
}

impl Cursor {
    pub(crate) fn new(request: &Request, next: Option<String>) -> Self {
        Self { url: request.path.clone(), has_more: next.is_some(), next: next.unwrap_or_default() }
    }
}

/// The body of a deletion.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes what the core reads")]
pub struct DeleteBody {
    /// Exactly one identifier.
    #[schema(min_items = 1, max_items = 1)]
    delete_external_ids: Vec<DeleteBodyId>,
}

/// The identifier to delete.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes what the core reads")]
pub struct DeleteBodyId {
    /// Its value: 1 to 2,048 bytes of UTF-8.
    #[schema(min_length = 1, max_length = 2048, example = "example@gmail.com")]
    id: String,
    /// Its type: one that the space knows, other than `group_id`.
    #[schema(example = "email")]
    r#type: String,
}

/// The body of a new job.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes what the handler reads")]
pub struct CreateJobBody {
    /// What to do with each row.
    #[schema(value_type = JobAction)]
    action: String,
    /// Page 0: `key:value` texts, or for `delete_identifier` objects of `user_id`, `type` and `id`. At most 100,000.
    #[schema(value_type = Vec<Value>, max_items = 100_000, required = false)]
    rows: Option<Vec<serde_json::Value>>,
    /// Only find out what the job would do.
    #[schema(value_type = bool, required = false)]
    dry_run: Option<bool>,
    /// The label of the jobs that belong together.
    #[schema(min_length = 1, max_length = 128, pattern = "^[!-~]([ -~]*[!-~])?$")]
    group: Option<String>,
    /// Take more pages, and wait for `start`.
    #[schema(value_type = bool, required = false)]
    open: Option<bool>,
    /// Pause before the job would delete more than so many.
    #[schema(minimum = 1)]
    max_deletions: Option<i64>,
}

/// What a job does with each of its rows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobAction {
    /// Deletes the whole profile that the row's identifier belongs to.
    DeleteProfile,
    /// Deletes one identifier of the profile that the row's `user_id` finds.
    DeleteIdentifier,
}

/// The body of a page.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes what the handler reads")]
pub struct AddRowsBody {
    /// The page's number, as the client counts.
    #[schema(minimum = 0, maximum = 9_999_999)]
    page: u32,
    /// At most 100,000.
    #[schema(value_type = Vec<Value>, max_items = 100_000)]
    rows: Vec<serde_json::Value>,
}

/// A page of a workflow as an array of `key:value` texts; it may also be an array of objects, a table with
/// `column_names` and `data`, or `{"rows":[…]}`.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes what the core reads")]
pub struct BulkBody(Vec<String>);

/// Where a space is.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes what the router reads")]
pub struct SpaceParams {
    /// The space; the token must be its own.
    #[param(example = "spa_demo")]
    space_id: String,
}

/// Where a job is.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes what the router reads")]
pub struct JobParams {
    /// The space; the token must be its own.
    #[param(example = "spa_demo")]
    space_id: String,
    /// The job's id.
    #[param(example = "job_019b76da1e7b7000a1b2c3d4e5f60718")]
    job_id: String,
}

/// The headers of a workflow's page.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes what the handler reads")]
pub struct BulkParams {
    /// One of the space's instances.
    #[param(rename = "x-reactor-instance-name", example = "demo")]
    instance: String,
    /// The label of one run: its pages are followed as one, and a page that is posted again within 24 hours is the same
    /// job.
    #[param(rename = "x-deletion-group", min_length = 1, max_length = 128, pattern = "^[!-~]([ -~]*[!-~])?$")]
    group: Option<String>,
}

/// The query of a list of jobs.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what the handler reads")]
pub struct JobListParams {
    /// Only this group's.
    #[param(min_length = 1, max_length = 128, pattern = "^[!-~]([ -~]*[!-~])?$")]
    group: Option<String>,
    /// Only those in this state.
    #[param(pattern = "^(open|queued|running|pausing|paused|cancelling|cancelled|completed)$")]
    state: Option<String>,
    /// How many jobs, 25 by default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    next: Option<String>,
}

/// The query of a list of outcomes.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what the handler reads")]
pub struct OutcomeListParams {
    /// Only rows that came to this.
    #[param(pattern = "^(deleted|duplicate|not_found|invalid|protected|failed)$")]
    outcome: Option<String>,
    /// How many rows, 25 by default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    next: Option<String>,
}

/// Where a profile is.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes what the router reads")]
pub struct ProfileParams {
    /// The space; the token must be its own.
    #[param(example = "spa_demo")]
    space_id: String,
    /// `users`.
    #[param(example = "users")]
    collection: String,
    /// `type:value`, percent-encoded. Deleting takes `user_id` only; reading takes every type, and
    /// `segment_id:use_…`.
    #[param(example = "user_id:user_001")]
    profile: String,
}

/// Where the record of a deletion is.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes what the router reads")]
pub struct IdentifierParams {
    /// The space; the token must be its own.
    #[param(example = "spa_demo")]
    space_id: String,
    /// `type:value`, percent-encoded.
    #[param(example = "email:example@gmail.com")]
    identifier: String,
}

/// The query of a list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what the core reads")]
pub struct ListParams {
    /// How many entries, 25 by default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    next: Option<String>,
    /// Only these types or names, with commas between them.
    include: Option<String>,
    /// More of each entry.
    verbose: Option<bool>,
}

/// The key of a request that may be sent again.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes what the handler reads")]
pub struct IdempotencyParams {
    /// 1 to 255 visible ASCII characters. For 24 hours the same key with the same request has the same success; with
    /// another request it is a 409.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

macro_rules! errors {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $status:literal $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, IntoResponses)]
        pub enum $name {
            $(
                #[doc = $text]
                #[response(status = $status)]
                $variant(#[to_schema] ErrorBody),
            )*
        }
    };
}

errors! {
    /// How reads are refused.
    ReadErrors {
        BadRequest = 400 "A part of the request can't be read; the message names it.",
        Unauthorized = 401 "The specified token is invalid.",
        Forbidden = 403 "The token's role may not do this.",
        NotFound = 404 "There is nothing here that this token may see.",
        MethodNotAllowed = 405 "The path has other methods; `Allow` names them.",
        Internal = 500 "A fault of the service; the Request-Id names it in the log.",
        Unavailable = 503 "The store can't answer now; `Retry-After` says when to ask again.",
    }
}

errors! {
    /// How deletions are refused.
    DeleteErrors {
        BadRequest = 400 "A part of the request can't be read or is not supported; the message names it.",
        Unauthorized = 401 "The specified token is invalid.",
        Forbidden = 403 "The token's role may not delete, or the space has not switched the API on.",
        NotFound = 404 "No such profile (`not_found`), identifier (`eid_not_found`) or source (`source_id_not_found`).",
        MethodNotAllowed = 405 "The path has other methods; `Allow` names them.",
        Conflict = 409 "The Idempotency-Key was used for another request.",
        TooLarge = 413 "The body is over 16 KiB.",
        MediaType = 415 "The body is not declared as JSON.",
        RateLimited = 429 "Over the limit of deletions in a second; `Retry-After` says when to ask again.",
        Internal = 500 "A fault of the service; the Request-Id names it in the log.",
        Unavailable = 503 "The store can't answer now; `Retry-After` says when to ask again.",
    }
}

errors! {
    /// How jobs are refused.
    JobErrors {
        BadRequest = 400 "A part of the request can't be read or is not supported; the message names it.",
        Unauthorized = 401 "The specified token is invalid.",
        Forbidden = 403 "The token's role may not do this, or the space has not switched the API on.",
        NotFound = 404 "There is nothing here that this token may see.",
        MethodNotAllowed = 405 "The path has other methods; `Allow` names them.",
        Conflict = 409 "Not in the job's state (`invalid_state`), other rows under a page's number (`page_conflict`), or \
            another request under the key (`idempotency_conflict`).",
        TooLarge = 413 "The body is over 4 MiB, over 32 MiB inflated, or has over 100,000 rows.",
        MediaType = 415 "The body is not declared as JSON.",
        Internal = 500 "A fault of the service; the Request-Id names it in the log.",
        Unavailable = 503 "The store can't answer now; `Retry-After` says when to ask again.",
    }
}

errors! {
    /// How a workflow's page is refused.
    BulkErrors {
        BadRequest = 400 "The page can't be read as a whole; the message says why. A bad row is no reason.",
        Unauthorized = 401 "The specified token is invalid.",
        Forbidden = 403 "The token's role may not delete profiles.",
        NotFound = 404 "The header names no instance of the token's space (`instance_not_found`).",
        MethodNotAllowed = 405 "The path has other methods; `Allow` names them.",
        Conflict = 409 "The Idempotency-Key was used for another request.",
        TooLarge = 413 "The page is over 4 MiB, over 32 MiB inflated, or has over 100,000 rows.",
        MediaType = 415 "The page is declared as none of the formats.",
        Internal = 500 "A fault of the service; the Request-Id names it in the log.",
        Unavailable = 503 "The store can't answer now; `Retry-After` says when to ask again.",
    }
}
