//! The header `Idempotency-Key`, by which a request that is sent again is recognised.

use efface_core::{api_error::ApiError, path};
use efface_engine::idempotency::KeyedRequest;

use crate::event::Request;

/// The request's key with what it stands for; `None` where it has no key.
pub(crate) fn keyed(request: &Request) -> Result<Option<KeyedRequest<'_>>, ApiError> {
    let Some(key) = request.header("idempotency-key")? else { return Ok(None) };
    let fits = (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if !fits {
        let text = "The Idempotency-Key must be 1 to 255 visible ASCII characters.";
        return Err(ApiError::bad_request(text, &[]));
    }
    // Event sources that decode paths and those that do not must lead to the same content.
    let path = path::decode(&request.path, request.encoding).unwrap_or_else(|_| request.path.clone());
    Ok(Some(KeyedRequest { key, method: &request.method, path, body: &request.body }))
}
