//! Counters of single deletions: one item for each space and clock second, deleted by the table's TTL.

use efface_core::{id::ProfileId, space::SpaceId, time::Time};

use super::{Key, Store, StoreError, write::Write};

/// How long a second's count is kept: long enough for any clock to agree that it is over.
const KEPT_SECONDS: i64 = 3_600;

impl Store {
    /// Counts one deletion in the clock second of `at`, unless `limit` are counted there already. One write.
    ///
    /// A second has an item of its own, so that its count is exact whatever the clocks of other instances show. A write
    /// that is repeated after a lost reply counts twice: too few are admitted then, never too many.
    pub async fn count_deletion(
        &self,
        space: &SpaceId,
        profile: Option<ProfileId>,
        limit: u32,
        at: Time,
    ) -> Result<bool, StoreError> {
        let count = Write::update(Key::count(space, profile, at.second()), "SET #ttl = :ttl ADD deletions :one")
            .when("attribute_not_exists(deletions) OR deletions < :limit")
            .value(":ttl", at.second() + KEPT_SECONDS)
            .value(":one", 1_i64)
            .value(":limit", limit);
        Ok(self.write(count).await?.is_done())
    }
}
