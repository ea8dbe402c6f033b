//! Idempotency keys: which request a key stood for, for 24 hours.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use efface_core::{profile::RequestId, space::SpaceId, time::Time};
use serde::Deserialize;

use super::{Item, Key, Store, StoreError, number, read, text};

/// How long a key stands for its request.
pub const KEPT_SECONDS: i64 = 24 * 3_600;

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyClaim {
    /// This request is the first with the key, or it has none.
    First,
    /// The same request came before, under this id.
    Again(RequestId),
    /// Another request came before.
    Conflict,
}

#[derive(Deserialize)]
struct KeyItem {
    content: String,
    request_id: String,
}

impl Store {
    /// Claims a key for a request, unless it is claimed already. One write, whatever the answer.
    ///
    /// `key` and `content` are keyed hashes: the table never holds what a client sent.
    pub async fn claim_key(
        &self,
        space: &SpaceId,
        key: &str,
        content: &str,
        request: &RequestId,
        now: Time,
    ) -> Result<KeyClaim, StoreError> {
        let expires_at = now.plus_seconds(KEPT_SECONDS);
        let mut item = Item::from(Key::idempotency(space, key));
        item.insert("content".to_owned(), text(content));
        item.insert("request_id".to_owned(), text(request.to_string()));
        item.insert("expires_at".to_owned(), text(expires_at.to_string()));
        item.insert("ttl".to_owned(), number(expires_at.second()));
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            // The TTL deletes late; what has expired counts as gone.
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":now", text(now.to_string()))
            .return_values_on_condition_check_failure("ALL_OLD".into())
            .send()
            .await;
        let Err(error) = put else { return Ok(KeyClaim::First) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                let old: KeyItem = read(failed.item.clone().unwrap_or_default())?;
                old.judge(content, request)
            }
            _ => Err(error.into()),
        }
    }
}

impl KeyItem {
    fn judge(self, content: &str, request: &RequestId) -> Result<KeyClaim, StoreError> {
        if self.content != content {
            return Ok(KeyClaim::Conflict);
        }
        let first = RequestId::parse(&self.request_id).map_err(|_| StoreError::Internal("request id".to_owned()))?;
        // Our own write, whose reply was lost and which the SDK sent again.
        Ok(if first == *request { KeyClaim::First } else { KeyClaim::Again(first) })
    }
}
