//! When a profile came to be and changed last.

use efface_core::{api_error::ApiError, list, time::Time};
use efface_engine::access::Access;
use serde::Serialize;
use utoipa::ToSchema;

use super::profile;
use crate::{
    RequestContext,
    response::{Response, store_failed},
    route::Route,
};

/// A profile's metadata.
#[derive(Debug, Serialize, ToSchema)]
pub struct MetadataBody {
    /// The metadata.
    metadata: Metadata,
}

/// What is known of a profile itself; unknown is null.
#[derive(Debug, Serialize, ToSchema)]
pub struct Metadata {
    /// When the oldest of its merged profiles was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// When any of them was last added to.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
    /// Profiles do not expire.
    expires_at: Option<String>,
    /// The first message that named it.
    first_message_id: Option<String>,
    /// That message's source.
    first_source_id: Option<String>,
    /// The last message that named it.
    last_message_id: Option<String>,
    /// That message's source.
    last_source_id: Option<String>,
}

/// Reads when a profile was made and last added to.
#[utoipa::path(get, path = "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/metadata",
    tag = "profiles",
    params(crate::openapi::ProfileParams),
    responses((status = 200, description = "The metadata.", body = MetadataBody), crate::openapi::ReadErrors))]
pub(crate) async fn get(call: &RequestContext<'_>, access: &Access, route: &Route<'_>) -> Result<Response, ApiError> {
    list::no_query_but(&call.request.query, &[])?;
    let (whole, _) = profile::find(call, access, route).await?;
    let heads = call.app.store.list_heads(&access.space_id, &whole).await.map_err(store_failed)?;
    let metadata = Metadata {
        created_at: heads.iter().map(|head| head.created_at).min().unwrap_or(whole.created_at),
        updated_at: heads.iter().map(|head| head.updated_at).max().unwrap_or(whole.updated_at),
        expires_at: None,
        first_message_id: None,
        first_source_id: None,
        last_message_id: None,
        last_source_id: None,
    };
    Response::ok(&MetadataBody { metadata })
}
