//! The limits of a space in a clock second. Those that the table counts are exact over all instances, and free of requests
//! while they are used up. Reads are counted by each instance for itself.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use efface_aws::{Store, StoreError};
use efface_core::{
    api_error::ApiError,
    limit::{Limit, Quota},
    space::SpaceId,
    time::Time,
};
use quick_cache::sync::Cache;

use crate::{Caller, Engine, Error};

/// Used-up seconds that one instance remembers at most.
const REMEMBERED: usize = 1_024;

/// What one instance knows of the limits.
#[derive(Debug)]
pub struct Limiter {
    /// The second that is used up, so that a flood of requests over the limit writes nothing.
    used_up: Cache<(SpaceId, Limit), i64>,
    reads: Mutex<Reads>,
}

impl Default for Limiter {
    fn default() -> Self {
        Self { used_up: Cache::new(REMEMBERED), reads: Mutex::default() }
    }
}

/// The reads of one clock second.
#[derive(Debug, Default)]
struct Reads {
    second: i64,
    counts: HashMap<SpaceId, u32>,
}

impl Reads {
    /// How many are counted, this one included; `None` if it is not admitted.
    fn admit(&mut self, space: &SpaceId, most: u32, at: Time) -> Option<u32> {
        if self.second != at.second() {
            *self = Self { second: at.second(), counts: HashMap::new() };
        }
        let count = self.counts.entry(space.clone()).or_default();
        let is_admitted = *count < most;
        *count += u32::from(is_admitted);
        is_admitted.then_some(*count)
    }
}

impl Limiter {
    /// Whether this instance knows already that the second of `at` is used up.
    pub fn is_used_up(&self, space: &SpaceId, limit: Limit, at: Time) -> bool {
        self.used_up.get(&(space.clone(), limit)) == Some(at.second())
    }

    /// Admits one request into the clock second of `at`: at most `most` are, over all instances, or where it reads, over
    /// this one. Returns what is left of the limit; `None` if the request is not admitted.
    pub async fn admit(
        &self,
        store: &Store,
        space: &SpaceId,
        limit: Limit,
        most: u32,
        at: Time,
    ) -> Result<Option<Quota>, StoreError> {
        let quota = |counted: u32| Quota::after(limit, most, counted);
        if limit == Limit::Reads {
            let counted = self.reads.lock().unwrap_or_else(PoisonError::into_inner).admit(space, most, at);
            return Ok(counted.map(quota));
        }
        if self.is_used_up(space, limit, at) {
            return Ok(None);
        }
        let counted = store.count(space, limit, most, at).await?;
        if counted.is_none() {
            self.used_up.insert((space.clone(), limit), at.second());
        }
        Ok(counted.map(quota))
    }
}

impl Engine {
    /// Counts a request against a limit of its space other than that of single deletions. Returns what is left of it.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`], or a failure of the store.
    pub async fn admit(&self, caller: &Caller<'_>, limit: Limit) -> Result<Quota, Error> {
        let (space, most) = (&caller.access.space_id, caller.access.space.limit(limit));
        let quota = self.limiter.admit(&self.store, space, limit, most, caller.now).await?;
        quota.ok_or_else(|| ApiError::TooManyRequests(limit, most).into())
    }
}
