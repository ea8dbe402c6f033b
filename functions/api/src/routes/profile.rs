//! The profile that a read is about.

use efface_aws::store::profile::Head;
use efface_core::{
    api_error::ApiError,
    identifier::{IdentifierType, IdentifierValue, SEGMENT_ID},
    key::IdHash,
    list::ListQuery,
    profile::ProfileId,
    role::Permission,
};
use efface_engine::access::Access;

use crate::{RequestContext, auth::authorise, response::store_failed, route::Route};

/// Checks a read's path, query and role, in this order, and finds the merged whole that it is about.
pub(super) async fn find(
    call: &RequestContext<'_>,
    access: &Access,
    route: &Route<'_>,
) -> Result<(Head, ListQuery), ApiError> {
    let selector = route.profile().parse(call.request.encoding)?;
    let query = ListQuery::parse(&call.request.query)?;
    authorise(access, Permission::ReadProfiles)?;
    let profile = profile_id(call, access, &selector.id_type, &selector.value).await?;
    let profile = profile.ok_or(ApiError::ProfileNotFound)?;
    let whole = call.app.store.whole(&access.space_id, &profile).await.map_err(store_failed)?;
    Ok((whole.ok_or(ApiError::ProfileNotFound)?, query))
}

async fn profile_id(
    call: &RequestContext<'_>,
    access: &Access,
    id_type: &str,
    value: &IdentifierValue,
) -> Result<Option<ProfileId>, ApiError> {
    if id_type == SEGMENT_ID {
        return Ok(ProfileId::parse(value.expose()).ok());
    }
    let Some(id_type) = access.space.identifier_types.find(id_type) else { return Ok(None) };
    let hash = hash(access, &id_type, value);
    let found = call.app.store.identifier(&access.space_id, &hash).await.map_err(store_failed)?;
    Ok(found.and_then(|identifier| identifier.active_profile()))
}

/// Where an identifier of the space lives.
pub(super) fn hash(access: &Access, id_type: &IdentifierType, value: &IdentifierValue) -> IdHash {
    access.key.identifier(id_type, &access.space.identifier_types.normalise(id_type, value))
}
