//! The key of a request that may be sent again.

use efface_aws::store::idempotency::KeyClaim;
use efface_core::{api_error::ApiError, path, profile::RequestId};
use efface_engine::access::Access;

use crate::{RequestContext, event::Request, response::store_failed};

/// The request's key, where it has one.
pub(super) fn key(request: &Request) -> Result<Option<&str>, ApiError> {
    let Some(key) = request.header("idempotency-key")? else { return Ok(None) };
    let fits = (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    let refusal = || ApiError::BadRequest("The Idempotency-Key must be 1 to 255 visible ASCII characters.".to_owned());
    fits.then_some(Some(key)).ok_or_else(refusal)
}

/// What the request's key stands for; without a key every request is a new one.
pub(super) async fn claim(call: &RequestContext<'_>, access: &Access, key: Option<&str>) -> Result<KeyClaim, ApiError> {
    let Some(key) = key else { return Ok(KeyClaim::First) };
    let request = call.request;
    // Doors that decode and doors that don't must come to the same content.
    let path = path::decode(&request.path, request.encoding).unwrap_or_else(|_| request.path.clone());
    let content = access.key.request_content(&request.method, &path, &request.body);
    let key = access.key.idempotency_key(key);
    call.app.store.claim_key(&access.space_id, &key, &content, &call.id, call.now).await.map_err(store_failed)
}

/// The request that counts: this one, or the first one that was sent with its key. Whether there was one before.
pub(super) async fn settle(call: &RequestContext<'_>, access: &Access) -> Result<(RequestId, bool), ApiError> {
    match claim(call, access, key(call.request)?).await? {
        KeyClaim::First => Ok((call.id.clone(), false)),
        KeyClaim::Again(id) => Ok((id, true)),
        KeyClaim::Conflict => Err(ApiError::IdempotencyConflict),
    }
}

/// The same for something that is recognised by what it says: within the group, a page is posted once.
pub(super) async fn settle_page(
    call: &RequestContext<'_>,
    access: &Access,
    id: RequestId,
    group: &str,
    content: &str,
) -> Result<RequestId, ApiError> {
    // No client's key holds a zero byte.
    let key = access.key.idempotency_key(&format!("group\0{group}\0{content}"));
    let claim = call.app.store.claim_key(&access.space_id, &key, content, &id, call.now).await;
    Ok(if let KeyClaim::Again(first) = claim.map_err(store_failed)? { first } else { id })
}
