//! Who asks, and in which space: tokens and settings, remembered for less than a minute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use efface_core::{
    key::{MasterKey, SpaceKey},
    role::Role,
    space::{Space, SpaceId},
    time::Time,
    token::{Token, TokenHash},
};

use efface_aws::{Store, StoreError, store::token::TokenRecord};

/// How long a token and its space are remembered. Contract: a revoked token stops within 60 s; the rest is for a request
/// that is under way.
pub const REMEMBERED_SECONDS: i64 = 55;

/// Tokens that one instance remembers at most.
const REMEMBERED_TOKENS: usize = 1_024;

/// A token that opens a space, and what the space is set to.
#[derive(Debug)]
pub struct Access {
    /// The space.
    pub space_id: SpaceId,
    /// Its settings.
    pub space: Space,
    /// The key of its identifiers.
    pub key: SpaceKey,
    /// What the token may do.
    pub role: Role,
    /// The token's name in records.
    pub token_id: String,
    record: TokenRecord,
    read_at: Time,
}

impl Access {
    fn is_fresh(&self, now: Time) -> bool {
        let age = now.millis() - self.read_at.millis();
        (0..REMEMBERED_SECONDS * 1_000).contains(&age) && self.record.is_valid(now)
    }
}

/// The remembered tokens.
#[derive(Debug)]
pub struct AccessCache {
    master: MasterKey,
    remembered: Mutex<HashMap<(TokenHash, SpaceId), Arc<Access>>>,
}

impl AccessCache {
    /// Remembers nothing yet.
    pub fn new(master: MasterKey) -> Self {
        Self { master, remembered: Mutex::default() }
    }

    /// What a token opens in a space: nothing, where it is unknown, revoked, expired or another space's.
    pub async fn open(
        &self,
        store: &Store,
        token: &Token,
        space_id: &SpaceId,
        now: Time,
    ) -> Result<Option<Arc<Access>>, StoreError> {
        let key = (token.hash(), space_id.clone());
        if let Some(access) = self.lock().get(&key).filter(|access| access.is_fresh(now)) {
            return Ok(Some(Arc::clone(access)));
        }
        let (record, space) = store.token_and_space(&key.0, Some(space_id)).await?;
        let record = record.filter(|record| record.is_valid(now) && record.space_id == space_id.as_str());
        let (Some(record), Some(space)) = (record, space) else {
            self.lock().remove(&key);
            return Ok(None);
        };
        let access = Arc::new(Access {
            space_id: space_id.clone(),
            space,
            key: self.master.space_key(space_id),
            role: record.role,
            token_id: record.token_id.clone(),
            record,
            read_at: now,
        });
        let mut remembered = self.lock();
        if remembered.len() >= REMEMBERED_TOKENS {
            remembered.clear();
        }
        remembered.insert(key, Arc::clone(&access));
        Ok(Some(access))
    }

    /// The one space that a token opens, where the request does not name it.
    pub async fn open_own(&self, store: &Store, token: &Token, now: Time) -> Result<Option<Arc<Access>>, StoreError> {
        let hash = token.hash();
        if let Some(access) = self.remembered(&hash, now) {
            return Ok(Some(access));
        }
        let (record, _) = store.token_and_space(&hash, None).await?;
        let space = record.and_then(|record| SpaceId::parse(&record.space_id).ok());
        match space {
            Some(space) => self.open(store, token, &space, now).await,
            None => Ok(None),
        }
    }

    /// Whether a token opens any space at all.
    pub async fn is_valid(&self, store: &Store, token: &Token, now: Time) -> Result<bool, StoreError> {
        let (record, _) = store.token_and_space(&token.hash(), None).await?;
        Ok(record.is_some_and(|record| record.is_valid(now)))
    }

    /// Forgets what a space was set to, because it has just changed.
    pub fn forget(&self, space_id: &SpaceId) {
        self.lock().retain(|(_, space), _| space != space_id);
    }

    fn remembered(&self, token: &TokenHash, now: Time) -> Option<Arc<Access>> {
        let remembered = self.lock();
        let mut known = remembered.iter().filter(|((known, _), access)| known == token && access.is_fresh(now));
        known.next().map(|(_, access)| Arc::clone(access))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(TokenHash, SpaceId), Arc<Access>>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
