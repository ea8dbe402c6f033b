//! Idempotency keys: a request that is sent again is recognised.

use efface_aws::store::idempotency::KeyClaim;
use efface_core::{api_error::ApiError, path, profile::RequestId};

use crate::{context::RequestContext, event::Request, response::store_failed};

/// The request's key, where it has one.
pub(crate) fn key(request: &Request) -> Result<Option<&str>, ApiError> {
    let Some(key) = request.header("idempotency-key")? else { return Ok(None) };
    let fits = (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    let error = || ApiError::BadRequest("The Idempotency-Key must be 1 to 255 visible ASCII characters.".to_owned());
    fits.then_some(Some(key)).ok_or_else(error)
}

/// Claims the request's key for its content. Without a key every request is a first one.
pub(crate) async fn claim(cx: &RequestContext<'_>, key: Option<&str>) -> Result<KeyClaim, ApiError> {
    let Some(key) = key else { return Ok(KeyClaim::First) };
    let request = cx.request;
    // Event sources that decode paths and those that do not must lead to the same content.
    let path = path::decode(&request.path, request.encoding).unwrap_or_else(|_| request.path.clone());
    let content = cx.access.key.request_content(&request.method, &path, &request.body);
    let key = cx.access.key.idempotency_key(key);
    cx.app.store.claim_key(&cx.access.space_id, &key, &content, &cx.id, cx.now).await.map_err(store_failed)
}

/// The request that counts: this one, or the first one with its key; and whether there was an earlier one.
pub(crate) async fn first_request(cx: &RequestContext<'_>) -> Result<(RequestId, bool), ApiError> {
    match claim(cx, key(cx.request)?).await? {
        KeyClaim::First => Ok((cx.id.clone(), false)),
        KeyClaim::Again(id) => Ok((id, true)),
        KeyClaim::Conflict => Err(ApiError::IdempotencyConflict),
    }
}

/// The request that counts for a page with a group: the first one with the same content within the group.
pub(crate) async fn first_of_page(
    cx: &RequestContext<'_>,
    id: RequestId,
    group: &str,
    content: &str,
) -> Result<RequestId, ApiError> {
    // No client's key holds a zero byte.
    let key = cx.access.key.idempotency_key(&format!("group\0{group}\0{content}"));
    let claim = cx.app.store.claim_key(&cx.access.space_id, &key, content, &id, cx.now).await;
    Ok(if let KeyClaim::Again(first) = claim.map_err(store_failed)? { first } else { id })
}
