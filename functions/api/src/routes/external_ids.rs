//! A profile's identifiers, page by page.

use efface_aws::store::profile::Position;
use efface_core::{api_error::ApiError, deletion::Identifier, list, profile::ProfileId, request::USERS, time::Time};
use efface_engine::access::Access;
use serde::Serialize;
use utoipa::ToSchema;

use super::profile;
use crate::{
    RequestContext,
    openapi::Cursor,
    response::{Response, store_failed},
    route::Route,
};

/// A page of a profile's identifiers.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExternalIds {
    /// The identifiers, in a stable order of their own.
    data: Vec<ExternalIdEntry>,
    /// Where to go on.
    cursor: Cursor,
}

/// One identifier of a profile.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExternalIdEntry {
    /// The source of the event that brought it; unknown is null.
    source_id: Option<String>,
    /// Always `users`.
    collection: &'static str,
    /// The identifier's value.
    id: String,
    /// The identifier's type.
    r#type: String,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// Always `none`.
    encoding: &'static str,
    /// The first message that named it; unknown is null.
    first_message_id: Option<String>,
    /// With `verbose=true`: the profile that carries it, which merges leave as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    segment_id: Option<String>,
}

/// Lists a profile's identifiers. Deleted ones are gone from the list at once.
#[utoipa::path(get, path = "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/external_ids",
    tag = "profiles",
    params(crate::openapi::ProfileParams, crate::openapi::ListParams),
    responses((status = 200, description = "A page of identifiers.", body = ExternalIds), crate::openapi::ReadErrors))]
pub(crate) async fn get(call: &RequestContext<'_>, access: &Access, route: &Route<'_>) -> Result<Response, ApiError> {
    let (whole, query) = profile::find(call, access, route).await?;
    let start = query.next.as_deref().map(list::decode_cursor::<Position>).transpose()?;
    if start.as_ref().is_some_and(|start| !start.is_in(&whole)) {
        return Err(list::bad_cursor());
    }
    let (identifiers, next) = call
        .app
        .store
        .list_identifiers(&access.space_id, &whole, query.include.as_deref(), start, query.limit)
        .await
        .map_err(store_failed)?;
    let data = identifiers.into_iter().map(|identifier| entry(identifier, query.verbose)).collect();
    Response::ok(&ExternalIds { data, cursor: Cursor::new(call.request, next.as_ref().map(list::encode_cursor)) })
}

fn entry(identifier: Identifier, verbose: bool) -> ExternalIdEntry {
    let segment_id = ProfileId::parse(&identifier.profile_id).ok().filter(|_| verbose);
    ExternalIdEntry {
        source_id: None,
        collection: USERS,
        id: identifier.value.unwrap_or_default(),
        r#type: identifier.r#type,
        created_at: identifier.created_at,
        encoding: "none",
        first_message_id: None,
        segment_id: segment_id.map(|id| id.as_str().to_owned()),
    }
}
