//! Who asks, and in which space: tokens and settings, remembered for half a minute.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use efface_aws::{Store, StoreError};
use efface_core::{
    identifier::{IdentifierType, IdentifierValue},
    key::{IdHash, MasterKey, SpaceKey},
    role::Role,
    space::{SourceState, Space, SpaceId},
    time::Time,
    token::{Token, TokenHash, TokenId, is_use_due},
    token_record::TokenRecord,
};
use quick_cache::sync::Cache;
use tokio::time::timeout;

/// How long a token and its space are remembered, in seconds. Contract: 60 s after a revocation nothing is accepted any
/// more. A page may be committed 25 s after its request came, so that the rest must be for requests under way.
pub const REMEMBERED_SECONDS: i64 = 30;

/// Tokens that one instance remembers at most.
const REMEMBERED_TOKENS: usize = 1_024;

/// The longest that a request is held up for by the note that its token was used. The note is made beside the request's own
/// work, which nearly always takes longer.
const USE_TIME: Duration = Duration::from_millis(500);

/// A token that opens a space, and the space's settings.
#[derive(Debug)]
pub struct Access {
    /// The space.
    pub space_id: SpaceId,
    /// Its settings.
    pub space: Space,
    /// Whether an operator has stopped what deletes, there or in the whole stack.
    pub is_stopped: bool,
    /// The key of its identifiers.
    pub key: SpaceKey,
    /// What the token may do.
    pub role: Role,
    /// The token's name in records.
    pub token_id: TokenId,
    record: TokenRecord,
    read_at: Time,
    /// Whether the first request that takes it has to keep that the token was used.
    use_is_due: AtomicBool,
}

impl Access {
    /// The hash of an identifier of the space.
    pub fn hash(&self, id_type: &IdentifierType, value: &IdentifierValue) -> IdHash {
        self.key.identifier(id_type, &self.space.identifier_types.normalise(id_type, value))
    }

    /// The token's record, as it was read.
    pub fn token(&self) -> &TokenRecord {
        &self.record
    }

    fn is_fresh(&self, now: Time) -> bool {
        let age = now.millis() - self.read_at.millis();
        (0..REMEMBERED_SECONDS * 1_000).contains(&age) && self.record.is_valid(now)
    }
}

/// The remembered tokens of one instance. A token opens one space.
#[derive(Debug)]
pub struct AccessCache {
    master: MasterKey,
    remembered: Cache<TokenHash, Arc<Access>>,
}

impl AccessCache {
    /// An empty cache.
    pub fn new(master: MasterKey) -> Self {
        Self { master, remembered: Cache::new(REMEMBERED_TOKENS) }
    }

    /// What a token opens in a space; `None` where it is unknown, revoked, expired or another space's.
    pub async fn open(
        &self,
        store: &Store,
        token: &Token,
        space_id: &SpaceId,
        now: Time,
    ) -> Result<Option<Arc<Access>>, StoreError> {
        let hash = token.hash();
        if let Some(access) = self.fresh(&hash, now) {
            return Ok((access.space_id == *space_id).then_some(access));
        }
        let (record, space) = store.token_and_space(&hash, Some(space_id)).await?;
        let record = record.filter(|record| record.is_valid(now) && record.space_id == *space_id);
        let (Some(record), Some((space, stops))) = (record, space) else {
            self.remembered.remove(&hash);
            return Ok(None);
        };
        let access = Arc::new(Access {
            space_id: space_id.clone(),
            space,
            is_stopped: stops.halt().is_some(),
            key: self.master.space_key(space_id),
            role: record.role,
            token_id: record.token_id.clone(),
            use_is_due: is_use_due(record.last_used_at, now).into(),
            record,
            read_at: now,
        });
        self.remembered.insert(hash, Arc::clone(&access));
        Ok(Some(access))
    }

    /// What a token opens in its own space, where the request does not name the space.
    pub async fn open_own(&self, store: &Store, token: &Token, now: Time) -> Result<Option<Arc<Access>>, StoreError> {
        let hash = token.hash();
        if let Some(access) = self.fresh(&hash, now) {
            return Ok(Some(access));
        }
        match store.token_and_space(&hash, None).await? {
            (Some(record), _) => self.open(store, token, &record.space_id, now).await,
            (None, _) => Ok(None),
        }
    }

    /// Whether a token opens any space at all.
    pub async fn is_valid(&self, store: &Store, token: &Token, now: Time) -> Result<bool, StoreError> {
        let (record, _) = store.token_and_space(&token.hash(), None).await?;
        Ok(record.is_some_and(|record| record.is_valid(now)))
    }

    /// Keeps that a token was used: at most once for each time that it is read into the cache, and only where the last use
    /// that is known is an hour old. It never fails a request: what could not be kept is tried again when the token is read
    /// next.
    pub async fn keep_use(&self, store: &Store, access: &Access, now: Time) {
        if !access.use_is_due.swap(false, Ordering::Relaxed) {
            return;
        }
        match timeout(USE_TIME, store.keep_token_use(&access.record.hash, now)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the use of a token is not kept"),
            Err(_) => tracing::warn!("the use of a token is not kept in time"),
        }
    }

    /// Whether the space's source may be used. The first request that may delete, singly or in a job, makes the source.
    pub async fn source_state(&self, store: &Store, access: &Access, now: Time) -> Result<SourceState, StoreError> {
        if let Some(source) = &access.space.source {
            return Ok(source.state);
        }
        let source = store.attach_source(&access.space_id, &access.space, &access.token_id, now).await?;
        // The remembered settings have no source.
        self.remembered.retain(|_, remembered| remembered.space_id != access.space_id);
        Ok(source.state)
    }

    fn fresh(&self, token: &TokenHash, now: Time) -> Option<Arc<Access>> {
        self.remembered.get(token).filter(|access| access.is_fresh(now))
    }
}
