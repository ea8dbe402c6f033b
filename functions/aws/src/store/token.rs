//! Tokens: made, listed and revoked by administrators; read by every request that a cache can't answer.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use efface_core::{
    role::Role,
    space::{Space, SpaceId},
    time::Time,
    token::{Token, TokenHash},
};
use serde::{Deserialize, Serialize};

use super::{Item, Key, Store, StoreError, keys::space_partition, partition_key, read, text};
use crate::clock;

/// A token as the table holds it: never the token itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// The name under which records and administrators know it.
    pub token_id: String,
    /// SHA-256 of the token.
    pub hash: String,
    /// The one space that it opens.
    pub space_id: String,
    /// What it may do there.
    pub role: Role,
    /// When it was made.
    pub created_at: Time,
    /// When it stops by itself.
    pub expires_at: Option<Time>,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
}

impl TokenRecord {
    /// Whether it opens anything.
    pub fn is_valid(&self, now: Time) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires| now < expires)
    }
}

impl Store {
    /// Makes a token for a space that exists. The token is in nobody's hands but the caller's.
    pub async fn create_token(
        &self,
        space: &SpaceId,
        role: Role,
        now: Time,
        expires_at: Option<Time>,
    ) -> Result<(Token, TokenRecord), StoreError> {
        let token = clock::token();
        let record = TokenRecord {
            token_id: clock::short_id("tok_"),
            hash: token.hash().as_str().to_owned(),
            space_id: space.as_str().to_owned(),
            role,
            created_at: now,
            expires_at,
            revoked_at: None,
        };
        let keys = [Key::token(&token.hash()), Key::listed_token(space, &record.token_id)];
        let mut transaction = self.client.transact_write_items();
        for key in keys {
            let mut item: Item = serde_dynamo::to_item(&record).map_err(|_| unreadable())?;
            item.extend(Item::from(key));
            let put = Put::builder().table_name(&self.table).set_item(Some(item)).build().ok();
            transaction = transaction.transact_items(TransactWriteItem::builder().set_put(put).build());
        }
        transaction.send().await?;
        Ok((token, record))
    }

    /// Every token of a space, oldest first, revoked ones too.
    pub async fn list_tokens(&self, space: &SpaceId) -> Result<Vec<TokenRecord>, StoreError> {
        let mut records = Vec::new();
        let mut start: Option<Item> = None;
        loop {
            let reply = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND begins_with(sk, :tokens)")
                .expression_attribute_values(":pk", text(space_partition(space)))
                .expression_attribute_values(":tokens", text("T#"))
                .set_exclusive_start_key(start)
                .consistent_read(true)
                .send()
                .await?;
            let items = reply.items.unwrap_or_default();
            records.extend(items.into_iter().map(read).collect::<Result<Vec<TokenRecord>, _>>()?);
            start = reply.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        records.sort_by_key(|record| record.created_at);
        Ok(records)
    }

    /// Revokes a token; its record, or `None` where the space has no such token. Revoking twice keeps the first time.
    pub async fn revoke_token(
        &self,
        space: &SpaceId,
        token_id: &str,
        now: Time,
    ) -> Result<Option<TokenRecord>, StoreError> {
        let listed = Key::listed_token(space, token_id);
        let Some(record) = self.get::<TokenRecord>(listed.clone()).await? else { return Ok(None) };
        let hash = TokenHash::from_stored(record.hash.clone());
        let mut transaction = self.client.transact_write_items();
        for key in [Key::token(&hash), listed] {
            let update = Update::builder()
                .table_name(&self.table)
                .set_key(Some(key.into()))
                .update_expression("SET revoked_at = :now")
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_values(":now", text(record.revoked_at.unwrap_or(now).to_string()))
                .build()
                .ok();
            transaction = transaction.transact_items(TransactWriteItem::builder().set_update(update).build());
        }
        transaction.send().await?;
        Ok(Some(TokenRecord { revoked_at: record.revoked_at.or(Some(now)), ..record }))
    }

    /// Reads a token and, unless its id is empty, the space that a request names: one request, two read units.
    pub async fn token_and_space(
        &self,
        hash: &TokenHash,
        space: Option<&SpaceId>,
    ) -> Result<(Option<TokenRecord>, Option<Space>), StoreError> {
        let token_key = Key::token(hash);
        let keys = std::iter::once(token_key.clone()).chain(space.map(Key::space));
        let (mut token, mut settings) = (None, None);
        for item in self.get_many(keys).await? {
            if partition_key(&item) == token_key.pk {
                token = Some(read(item)?);
            } else {
                settings = Some(read(item)?);
            }
        }
        Ok((token, settings))
    }
}

fn unreadable() -> StoreError {
    StoreError::Internal("a token of an unknown shape".to_owned())
}
