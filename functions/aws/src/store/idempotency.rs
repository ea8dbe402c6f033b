//! Idempotency keys: the request that a key stands for, for 24 hours.

use efface_core::{id::RequestId, space::SpaceId, time::Time};
use serde::{Deserialize, Serialize};

use super::{
    Key, Store, StoreError,
    read::read,
    write::{Write, Written},
};

/// How long a key stands for its request, in seconds. Contract.
pub const KEPT_SECONDS: i64 = 24 * 3_600;

/// What a key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyClaim {
    /// This request: it is the first with the key, or has none.
    First,
    /// The same request, which came before under this id.
    Again(RequestId),
    /// Another request.
    Conflict,
}

#[derive(Serialize, Deserialize)]
struct KeyItem {
    content: String,
    request_id: RequestId,
    expires_at: Time,
    ttl: i64,
}

impl Store {
    /// Claims a key for a request, unless it is claimed already. One write in every case.
    ///
    /// `key` and `content` are keyed hashes: the table never holds what a client sent.
    pub async fn claim_key(
        &self,
        space: &SpaceId,
        key: &str,
        content: &str,
        request: RequestId,
        now: Time,
    ) -> Result<KeyClaim, StoreError> {
        let expires_at = now.plus_seconds(KEPT_SECONDS);
        let own = KeyItem { content: content.to_owned(), request_id: request, expires_at, ttl: expires_at.second() };
        let put = Write::put_record(Key::idempotency(space, key), &own)?
            // The TTL deletes late; what has expired counts as gone.
            .when("attribute_not_exists(pk) OR expires_at <= :now")
            .value(":now", now)
            .returning_old();
        match self.write(put).await? {
            Written::Done(_) => Ok(KeyClaim::First),
            Written::Unmet(there) => Ok(claim(&read(there.unwrap_or_default(), "idempotency key")?, content, request)),
        }
    }
}

fn claim(there: &KeyItem, content: &str, request: RequestId) -> KeyClaim {
    if there.content != content {
        KeyClaim::Conflict
    } else if there.request_id == request {
        // This request's own write, whose reply was lost and which the SDK sent again.
        KeyClaim::First
    } else {
        KeyClaim::Again(there.request_id)
    }
}
