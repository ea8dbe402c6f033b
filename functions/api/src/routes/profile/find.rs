//! The profile that a read is about.

use efface_core::{
    api_error::ApiError,
    id::ProfileId,
    identifier::SEGMENT_ID,
    list::{self, ListQuery},
    profile::Head,
    request::Selector,
};
use efface_engine::Error;
use serde::de::DeserializeOwned;

use crate::context::RequestContext;

/// A request for a list of a profile that goes on at a cursor `C`.
pub(in crate::routes) struct ProfileList<C> {
    pub(in crate::routes) selector: Selector,
    pub(in crate::routes) query: ListQuery,
    pub(in crate::routes) start: Option<C>,
}

impl<C: DeserializeOwned> ProfileList<C> {
    /// Reads the path, then the query.
    pub(in crate::routes) fn parse(cx: &RequestContext<'_>) -> Result<Self, ApiError> {
        let selector = cx.path.profile().parse(cx.request.encoding)?;
        let query = ListQuery::parse(&cx.request.query)?;
        let start = query.next.as_deref().map(list::decode_cursor).transpose()?;
        Ok(Self { selector, query, start })
    }
}

/// Examples of the errors of requests on a profile.
pub(in crate::routes) fn errors() -> Vec<ApiError> {
    let collection = ApiError::InvalidCollection("accounts".to_owned());
    vec![ApiError::MissingUrlParameters, collection, ApiError::ProfileNotFound]
}

/// Finds the merged profile that has an identifier. Its head is the root's.
pub(in crate::routes) async fn find(cx: &RequestContext<'_>, selector: &Selector) -> Result<Head, Error> {
    let profile = profile_id(cx, selector).await?.ok_or(ApiError::ProfileNotFound)?;
    let head = cx.app.store.active_root(&cx.access.space_id, profile).await?;
    Ok(head.ok_or(ApiError::ProfileNotFound)?)
}

async fn profile_id(cx: &RequestContext<'_>, selector: &Selector) -> Result<Option<ProfileId>, Error> {
    if selector.id_type == SEGMENT_ID {
        return Ok(selector.value.expose().parse().ok());
    }
    let Some(id_type) = cx.access.space.identifier_types.find(&selector.id_type) else { return Ok(None) };
    let hash = cx.access.hash(&id_type, &selector.value);
    let found = cx.app.store.identifier(&cx.access.space_id, hash).await?;
    Ok(found.and_then(|identifier| identifier.active_profile()))
}
