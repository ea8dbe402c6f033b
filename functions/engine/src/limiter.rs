//! The limit of single deletions: exact by the store's counters, and free of requests while it is used up.

use efface_aws::{Store, StoreError};
use efface_core::{id::ProfileId, space::SpaceId, time::Time};
use quick_cache::sync::Cache;

/// Spaces and profiles that one instance remembers at most.
const REMEMBERED: usize = 1_024;

/// Remembers which second is used up, so that a flood of requests over the limit writes nothing.
#[derive(Debug)]
pub struct Limiter {
    used_up: Cache<(SpaceId, Option<ProfileId>), i64>,
}

impl Default for Limiter {
    fn default() -> Self {
        Self { used_up: Cache::new(REMEMBERED) }
    }
}

impl Limiter {
    /// Whether this instance knows already that the second of `at` is used up for the space.
    pub fn is_used_up(&self, space: &SpaceId, at: Time) -> bool {
        self.knows(&(space.clone(), None), at)
    }

    /// Admits one deletion into the clock second of `at`, of the space or of one profile: at most `limit` are, over all
    /// instances.
    pub async fn admit(
        &self,
        store: &Store,
        space: &SpaceId,
        profile: Option<ProfileId>,
        limit: u32,
        at: Time,
    ) -> Result<bool, StoreError> {
        let scope = (space.clone(), profile);
        if self.knows(&scope, at) {
            return Ok(false);
        }
        let admitted = store.count_deletion(space, profile, limit, at).await?;
        if !admitted {
            self.used_up.insert(scope, at.second().into());
        }
        Ok(admitted)
    }

    fn knows(&self, scope: &(SpaceId, Option<ProfileId>), at: Time) -> bool {
        self.used_up.get(scope) == Some(at.second().into())
    }
}
