//! Marks: what a job notes of profiles and identifiers that it must leave as they are. A dry run marks what it would
//! take; a job that deletes `user_id`s marks them before it starts, so that none of them vouches for another.

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use efface_core::{job::JobId, key::IdHash, space::SpaceId, time::Time};
use serde::Deserialize;

use super::ROWS_KEPT_SECONDS;
use crate::store::{Item, Key, Store, StoreError, number, read, text};

/// Whether a row marked something first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// This row did, now or in a delivery before.
    ThisRow,
    /// Another row of the job did.
    OtherRow,
}

impl Store {
    /// Marks something for a row, unless another row of the job has done so.
    pub async fn mark(
        &self,
        space: &SpaceId,
        job: &JobId,
        of: &str,
        row: &str,
        now: Time,
    ) -> Result<Marked, StoreError> {
        #[derive(Deserialize)]
        struct Mark {
            job_row: String,
        }
        let put = self.client.put_item().table_name(&self.table).set_item(Some(mark(space, job, of, row, now)));
        let put = put
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure("ALL_OLD".into());
        let Err(error) = put.send().await else { return Ok(Marked::ThisRow) };
        match error.as_service_error() {
            Some(aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failed)) => {
                let there: Mark = read(failed.item.clone().unwrap_or_default())?;
                Ok(if there.job_row == row { Marked::ThisRow } else { Marked::OtherRow })
            }
            _ => Err(error.into()),
        }
    }

    /// Marks the `user_id`s that a job is to delete.
    pub async fn mark_targets(
        &self,
        space: &SpaceId,
        job: &JobId,
        targets: &[&IdHash],
        now: Time,
    ) -> Result<(), StoreError> {
        let writes = targets.iter().filter_map(|target| {
            let put =
                PutRequest::builder().set_item(Some(mark(space, job, &target_mark(target), "", now))).build().ok()?;
            Some(WriteRequest::builder().put_request(put).build())
        });
        self.write_many(writes.collect()).await
    }

    /// Whether a job is to delete each of these `user_id`s, by their order.
    pub async fn are_targets(
        &self,
        space: &SpaceId,
        job: &JobId,
        user_ids: &[&IdHash],
    ) -> Result<Vec<bool>, StoreError> {
        let mut marked = std::collections::HashSet::new();
        for user_ids in user_ids.chunks(100) {
            let items = self.get_many(user_ids.iter().map(|id| Key::mark(space, job, &target_mark(id)))).await?;
            marked.extend(items.iter().map(|item| crate::store::partition_key(item).to_owned()));
        }
        Ok(user_ids.iter().map(|id| marked.contains(&Key::mark(space, job, &target_mark(id)).pk)).collect())
    }
}

/// Apart from what a dry run marks.
fn target_mark(target: &IdHash) -> String {
    format!("target#{}", target.as_str())
}

fn mark(space: &SpaceId, job: &JobId, of: &str, row: &str, now: Time) -> Item {
    let mut item = Item::from(Key::mark(space, job, of));
    item.insert("job_row".to_owned(), text(row));
    item.insert("ttl".to_owned(), number(now.plus_seconds(ROWS_KEPT_SECONDS).second()));
    item
}
