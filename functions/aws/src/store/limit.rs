//! Counters of limits: one item for each limit of a space and each clock second, deleted by the table's TTL.

use aws_sdk_dynamodb::types::ReturnValue;
use efface_core::{limit::Limit, space::SpaceId, time::Time};
use serde::Deserialize;

use super::{
    Key, Store, StoreError,
    read::read,
    write::{Write, Written},
};

/// How long a second's count is kept: long enough for any clock to agree that it is over.
const KEPT_SECONDS: i64 = 3_600;

/// What the counter's update returns.
#[derive(Deserialize)]
struct Counted {
    requests: u32,
}

impl Store {
    /// Counts one request in the clock second of `at`, unless `most` are counted there already. One write. Returns how many
    /// are counted now, this one included; `None` if it is not admitted.
    ///
    /// A second has an item of its own, so that its count is exact whatever the clocks of other instances show. A write
    /// that is repeated after a lost reply counts twice: too few are admitted then, never too many.
    pub async fn count(&self, space: &SpaceId, limit: Limit, most: u32, at: Time) -> Result<Option<u32>, StoreError> {
        let count = Write::update(Key::count(space, limit, at.second()), "SET #ttl = :ttl ADD requests :one")
            .when("attribute_not_exists(requests) OR requests < :most")
            .value(":ttl", at.second() + KEPT_SECONDS)
            .value(":one", 1_i64)
            .value(":most", most);
        match self.write_returning(count, ReturnValue::UpdatedNew).await? {
            Written::Done(item) => Ok(Some(read::<Counted>(item.unwrap_or_default(), "a counter")?.requests)),
            Written::Unmet(_) => Ok(None),
        }
    }
}
