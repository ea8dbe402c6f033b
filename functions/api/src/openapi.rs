//! The OpenAPI document, made from the routes themselves; `infra/openapi.json` is its committed copy.

use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, IntoResponses, Modify, OpenApi, ToSchema,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};

use crate::{door::Request, routes};

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
