//! The limit of single deletions: exact by the store's counters, cheap while denied.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use efface_core::{space::SpaceId, time::Time};

use efface_aws::{Store, StoreError};

/// Remembers which second is used up, so that a flood of refused requests writes nothing.
#[derive(Debug, Default)]
pub struct Limiter {
    used_up: Mutex<HashMap<String, i64>>,
}

/// Spaces and profiles that one instance remembers at most.
const REMEMBERED: usize = 1_024;

impl Limiter {
    /// Whether this instance knows already that the second of `at` is used up.
    pub fn is_used_up(&self, space: &SpaceId, at: Time) -> bool {
        self.knows(&scope(space, None), at)
    }

    /// Admits one deletion into the clock second of `at`: at most `limit` are, over all instances.
    pub async fn admit(
        &self,
        store: &Store,
        space: &SpaceId,
        profile: Option<&str>,
        limit: u32,
        at: Time,
    ) -> Result<bool, StoreError> {
        let scope = scope(space, profile);
        if self.knows(&scope, at) {
            return Ok(false);
        }
        let admitted = store.count_deletion(space, profile, limit, at).await?;
        if !admitted {
            let mut used_up = self.used_up.lock().unwrap_or_else(PoisonError::into_inner);
            if used_up.len() >= REMEMBERED {
                used_up.clear();
            }
            used_up.insert(scope, at.second());
        }
        Ok(admitted)
    }

    fn knows(&self, scope: &str, at: Time) -> bool {
        self.used_up.lock().unwrap_or_else(PoisonError::into_inner).get(scope) == Some(&at.second())
    }
}

fn scope(space: &SpaceId, profile: Option<&str>) -> String {
    format!("{space}#{}", profile.unwrap_or_default())
}
