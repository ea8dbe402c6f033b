//! Counters of single deletions: one item for each space and clock second, deleted by the table's TTL.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use efface_core::{space::SpaceId, time::Time};

use super::{Key, Store, StoreError, number};

/// How long a second's count is kept: long enough for any clock to agree that it is over.
const KEPT_SECONDS: i64 = 3_600;

impl Store {
    /// Counts one deletion in the clock second of `at`, unless `limit` are counted there already. One write.
    ///
    /// A second has its own item, so that the count of a second is exact whatever the clocks of other instances
    /// show. A repeated write after a lost reply counts twice: too few are admitted then, never too many.
    pub async fn count_deletion(
        &self,
        space: &SpaceId,
        profile: Option<&str>,
        limit: u32,
        at: Time,
    ) -> Result<bool, StoreError> {
        let counted = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::count(space, profile, at.second()).into()))
            .update_expression("SET #ttl = :ttl ADD deletions :one")
            .condition_expression("attribute_not_exists(deletions) OR deletions < :limit")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", number(at.second() + KEPT_SECONDS))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":limit", number(limit))
            .send()
            .await;
        match counted {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(error.into()),
            },
        }
    }
}
