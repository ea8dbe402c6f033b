//! The record of a deletion.

use efface_core::{
    api_error::ApiError,
    deletion::{Identifier, IdentifierState},
    list,
    role::Permission,
    time::Time,
};
use efface_engine::access::Access;
use serde::Serialize;
use utoipa::ToSchema;

use super::profile;
use crate::{
    RequestContext,
    auth::authorise,
    response::{Response, store_failed},
    route::Route,
};

/// The record of a deleted identifier.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletionBody {
    /// The record.
    deletion: DeletionRecord,
}

/// Who deleted an identifier, when and why. The identifier itself is not in it: it is gone.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletionRecord {
    /// The identifier's type.
    r#type: String,
    /// Always `deleted`.
    status: &'static str,
    /// When.
    #[schema(value_type = Option<String>, format = DateTime)]
    deleted_at: Option<Time>,
    /// The request that asked; its answer had this `Request-Id`.
    request_id: Option<String>,
    /// The token that asked.
    token_id: Option<String>,
    /// `request`, or `job`.
    #[schema(value_type = Option<String>)]
    reason: Option<&'static str>,
    /// The job, where one asked.
    job_id: Option<String>,
}

/// Reads the record of a deleted identifier. An identifier that is active, again or still, has none.
#[utoipa::path(get, path = "/v1/spaces/{space_id}/deletions/{identifier}",
    tag = "deletions",
    params(crate::openapi::IdentifierParams),
    responses((status = 200, description = "The record.", body = DeletionBody), crate::openapi::ReadErrors))]
pub(crate) async fn get(call: &RequestContext<'_>, access: &Access, route: &Route<'_>) -> Result<Response, ApiError> {
    let selector = route.profile().parse(call.request.encoding)?;
    list::no_query_but(&call.request.query, &[])?;
    authorise(access, Permission::ReadDeletions)?;
    let id_type = access.space.identifier_types.find(&selector.id_type).ok_or(ApiError::DeletionNotFound)?;
    let hash = profile::hash(access, &id_type, &selector.value);
    let found = call.app.store.identifier(&access.space_id, &hash).await.map_err(store_failed)?;
    let deleted = found.filter(|identifier| identifier.state == IdentifierState::Deleted);
    let deletion = record(deleted.ok_or(ApiError::DeletionNotFound)?);
    Response::ok(&DeletionBody { deletion })
}

fn record(identifier: Identifier) -> DeletionRecord {
    DeletionRecord {
        r#type: identifier.r#type,
        status: "deleted",
        deleted_at: identifier.deleted_at,
        request_id: identifier.request_id,
        token_id: identifier.token_id,
        reason: identifier.reason.map(efface_core::deletion::Reason::as_str),
        job_id: identifier.job_id,
    }
}
