//! Authentication: the token of a request opens the space that the path names.

use std::sync::Arc;

use efface_core::{api_error::ApiError, path, space::SpaceId, time::Time, token::Token};
use efface_engine::{Error, access::Access};

use crate::{App, event::Request, path::PathValues};

/// Opens a space with the request's token: the space of the path or, where the path names none, the token's own.
/// `None` where the token is valid and the path's space is empty: nobody can tell which space was meant.
///
/// A malformed token is rejected without a request to the store. Every failure is the same 401, so that it tells
/// nothing about other spaces.
pub(crate) async fn authenticate(
    app: &App,
    request: &Request,
    path: &PathValues<'_>,
    now: Time,
) -> Result<Option<Arc<Access>>, Error> {
    let header = request.header("authorization").map_err(|_| ApiError::Unauthorized)?;
    let token = header.and_then(Token::from_authorization).ok_or(ApiError::Unauthorized)?;
    let access = match path.space {
        None => app.access.open_own(&app.store, &token, now).await,
        Some("") => {
            let is_valid = app.access.is_valid(&app.store, &token, now).await?;
            return if is_valid { Ok(None) } else { Err(ApiError::Unauthorized.into()) };
        }
        Some(space) => {
            let space = path::decode(space, request.encoding).ok();
            let space = space.and_then(|space| SpaceId::parse(&space).ok()).ok_or(ApiError::Unauthorized)?;
            app.access.open(&app.store, &token, &space, now).await
        }
    };
    Ok(Some(access?.ok_or(ApiError::Unauthorized)?))
}
