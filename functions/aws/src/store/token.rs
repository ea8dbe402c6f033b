//! Tokens: made, listed and revoked by administrators; read by every request that a cache cannot answer. Such a request
//! also keeps when the token was used, at most once an hour.

use std::collections::HashMap;

use efface_core::{
    role::Role,
    space::{Space, SpaceId},
    stop::Stops,
    time::Time,
    token::{Token, TokenHash, TokenId, USE_KEPT_SECONDS},
    token_label::TokenLabel,
    token_record::TokenRecord,
};

use super::{
    Key, Store, StoreError,
    keys::{LISTED_TOKENS, space_partition},
    read::{Query, partition_key, read},
    stop::note,
    write::{FEW, Transacted, Write},
};
use crate::clock;

pub(super) const KIND: &str = "token";

/// What makes a token, beside its space.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What it may do.
    pub role: Role,
    /// What people call it.
    pub label: Option<TokenLabel>,
    /// When it stops by itself.
    pub expires_at: Option<Time>,
}

impl Store {
    /// Makes a token without a label.
    pub async fn create_token(
        &self,
        space: &SpaceId,
        role: Role,
        now: Time,
        expires_at: Option<Time>,
    ) -> Result<(Token, TokenRecord), StoreError> {
        self.create_labelled_token(space, NewToken { role, label: None, expires_at }, now).await
    }

    /// Makes a token for a space that exists. Only the caller ever has the token itself.
    pub async fn create_labelled_token(
        &self,
        space: &SpaceId,
        new: NewToken,
        now: Time,
    ) -> Result<(Token, TokenRecord), StoreError> {
        let token = clock::token();
        let NewToken { role, label, expires_at } = new;
        let record = TokenRecord {
            token_id: clock::token_id(),
            hash: token.hash(),
            space_id: space.clone(),
            role,
            created_at: now,
            expires_at,
            revoked_at: None,
            label,
            last_used_at: None,
        };
        let keys = [Key::token(&record.hash), Key::listed_token(space, &record.token_id)];
        let writes = keys.into_iter().map(|key| Write::put_record(key, &record)).collect::<Result<_, _>>()?;
        self.transact(writes, FEW).await?;
        Ok((token, record))
    }

    /// Every token of a space, oldest first, revoked ones too.
    pub async fn list_tokens(&self, space: &SpaceId) -> Result<Vec<TokenRecord>, StoreError> {
        let mut records: Vec<TokenRecord> = Vec::new();
        let mut after = None;
        loop {
            let query = Query::prefix(space_partition(space), LISTED_TOKENS).after(after);
            let (items, more) = self.query(query).await?;
            for item in items {
                records.push(read(item, KIND)?);
            }
            after = more;
            if after.is_none() {
                break;
            }
        }
        let keys = records.iter().map(|record| Key::token(&record.hash));
        let used = self.get_many(keys).await?.into_iter().map(|item| {
            let record: TokenRecord = read(item, KIND)?;
            Ok((record.hash, record.last_used_at))
        });
        let mut used: HashMap<TokenHash, Option<Time>> = used.collect::<Result<_, StoreError>>()?;
        for record in &mut records {
            record.last_used_at = used.remove(&record.hash).flatten();
        }
        records.sort_by_key(|record| record.created_at);
        Ok(records)
    }

    /// Keeps that a token was used, unless a use of the last hour is kept already.
    pub async fn keep_token_use(&self, hash: &TokenHash, now: Time) -> Result<(), StoreError> {
        self.write(last_use(Key::token(hash), now, now.plus_seconds(-USE_KEPT_SECONDS))).await.map(drop)
    }

    /// Revokes a token; its record, or `None` where the space has no such token. Revoking twice keeps the first time.
    pub async fn revoke_token(
        &self,
        space: &SpaceId,
        token_id: &str,
        now: Time,
    ) -> Result<Option<TokenRecord>, StoreError> {
        let Ok(token_id) = token_id.parse::<TokenId>() else { return Ok(None) };
        let listed = Key::listed_token(space, &token_id);
        let Some(listed_record) = self.get::<TokenRecord>(listed.clone(), KIND).await? else { return Ok(None) };
        let record = self.get(Key::token(&listed_record.hash), KIND).await?.unwrap_or(listed_record);
        let revoked_at = record.revoked_at.unwrap_or(now);
        let revoke = |key| {
            let write = Write::update(key, "SET revoked_at = :at").when("attribute_exists(pk)");
            write.value(":at", revoked_at)
        };
        let writes = vec![revoke(Key::token(&record.hash)), revoke(listed)];
        match self.transact(writes, FEW).await? {
            Transacted::Done => Ok(Some(TokenRecord { revoked_at: Some(revoked_at), ..record })),
            Transacted::Unmet(_) => Err(StoreError::Internal("a listed token that does not exist".to_owned())),
        }
    }

    /// Reads a token and, where a request names one, the space and whether anything is stopped there: one request, one read
    /// unit each.
    pub async fn token_and_space(
        &self,
        hash: &TokenHash,
        space: Option<&SpaceId>,
    ) -> Result<(Option<TokenRecord>, Option<(Space, Stops)>), StoreError> {
        let token_key = Key::token(hash);
        let of_space = |space| [Key::space(space), Key::stop(), Key::listed_space(space)];
        let keys = std::iter::once(token_key.clone()).chain(space.into_iter().flat_map(of_space));
        let (mut token, mut settings, mut stops) = (None, None, Stops::default());
        for item in self.get_many(keys).await? {
            match partition_key(&item)? {
                pk if pk == token_key.pk => token = Some(read(item, KIND)?),
                pk if pk.starts_with("S#") => settings = Some(read(item, "space")?),
                _ => note(&mut stops, item)?,
            }
        }
        Ok((token, settings.map(|settings| (settings, stops))))
    }
}

/// Sets when a token was used last, where that is not known, or was at `before` or earlier. It never makes an item.
pub(super) fn last_use(key: Key, at: Time, before: Time) -> Write {
    Write::update(key, "SET last_used_at = :at")
        .when("attribute_exists(pk) AND (attribute_not_exists(last_used_at) OR last_used_at <= :before)")
        .value(":at", at)
        .value(":before", before)
}
