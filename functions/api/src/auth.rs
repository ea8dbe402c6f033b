//! Who asks: the token of a request, opened for the space that its path names.

use std::sync::Arc;

use efface_core::{api_error::ApiError, path, role::Permission, space::SpaceId, token::Token};
use efface_engine::access::Access;

use crate::{
    RequestContext,
    response::store_failed,
    route::{Endpoint, Route},
    routes::delete_identifier::check_body,
};

/// Opens the space of the path with the request's token. Junk costs no request to the store; every other failure is
/// the same 401, so that it tells nothing about other spaces.
pub(crate) async fn authenticate(call: &RequestContext<'_>, route: &Route<'_>) -> Result<Arc<Access>, ApiError> {
    let header = call.request.header("authorization").map_err(|_| ApiError::Unauthorized)?;
    let token = header.and_then(Token::from_authorization).ok_or(ApiError::Unauthorized)?;
    let app = call.app;
    if route.endpoint == Endpoint::BulkDelete {
        let own = app.access.open_own(&app.store, &token, call.now).await.map_err(store_failed)?;
        return own.ok_or(ApiError::Unauthorized);
    }
    if route.space.is_empty() {
        // Whose space is missing can't be known: any valid token is told that the path is incomplete.
        let is_valid = app.access.is_valid(&app.store, &token, call.now).await.map_err(store_failed)?;
        if !is_valid {
            return Err(ApiError::Unauthorized);
        }
        if route.endpoint == Endpoint::DeleteIdentifier {
            check_body(call.request)?;
        }
        return Err(ApiError::MissingUrlParameters);
    }
    let space = path::decode(route.space, call.request.encoding).ok();
    let space = space.and_then(|space| SpaceId::parse(&space).ok()).ok_or(ApiError::Unauthorized)?;
    app.access.open(&app.store, &token, &space, call.now).await.map_err(store_failed)?.ok_or(ApiError::Unauthorized)
}

/// Refuses to delete in a space that has not switched deletions on.
pub(crate) fn check_activated(access: &Access) -> Result<(), ApiError> {
    if access.space.activated { Ok(()) } else { Err(ApiError::NotActivated(access.space_id.clone())) }
}

/// Refuses a role that may not do this.
pub(crate) fn authorise(access: &Access, permission: Permission) -> Result<(), ApiError> {
    if access.role.may(permission) { Ok(()) } else { Err(ApiError::RoleMayNot(permission)) }
}
