//! Requests that may be sent again: what their idempotency key stands for.

use efface_aws::store::idempotency::KeyClaim;
use efface_core::{api_error::ApiError, id::RequestId, key::GroupHash};

use crate::{Caller, Engine, Error};

/// A request's idempotency key, and what it stands for.
#[derive(Debug, Clone)]
pub struct KeyedRequest<'a> {
    /// The key, as the client sent it.
    pub key: &'a str,
    /// The method.
    pub method: &'a str,
    /// The decoded path: every event source must come to the same content.
    pub path: String,
    /// The body's bytes, as sent.
    pub body: &'a [u8],
}

impl Engine {
    /// What the key of a request stands for. Without a key every request is a new one.
    pub(crate) async fn claim(&self, caller: &Caller<'_>, keyed: Option<KeyedRequest<'_>>) -> Result<KeyClaim, Error> {
        let Some(KeyedRequest { key, method, path, body }) = keyed else { return Ok(KeyClaim::First) };
        let space_key = &caller.access.key;
        let (key, content) = (space_key.idempotency_key(key), space_key.request_content(method, &path, body));
        Ok(self.store.claim_key(&caller.access.space_id, &key, &content, caller.request, caller.now).await?)
    }

    /// The request that counts, and whether it came before: this one, or the first one that was sent with its key.
    pub async fn resolve(
        &self,
        caller: &Caller<'_>,
        keyed: Option<KeyedRequest<'_>>,
    ) -> Result<(RequestId, bool), Error> {
        match self.claim(caller, keyed).await? {
            KeyClaim::First => Ok((caller.request, false)),
            KeyClaim::Again(first) => Ok((first, true)),
            KeyClaim::Conflict => Err(ApiError::IdempotencyConflict.into()),
        }
    }

    /// The same for a page that is recognised by its content: within a group the same page is one request.
    pub async fn resolve_page(
        &self,
        caller: &Caller<'_>,
        request: RequestId,
        group: GroupHash,
        content: &str,
    ) -> Result<RequestId, Error> {
        // No client's key holds a zero byte.
        let key = caller.access.key.idempotency_key(&format!("group\0{group}\0{content}"));
        let claim = self.store.claim_key(&caller.access.space_id, &key, content, request, caller.now).await?;
        Ok(if let KeyClaim::Again(first) = claim { first } else { request })
    }
}
