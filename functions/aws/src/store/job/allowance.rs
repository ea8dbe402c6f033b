//! What a job with a limit may delete: chunks reserve deletions before they make them, and give back what is left.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use efface_core::{job::JobId, space::SpaceId, time::Time};
use serde::Deserialize;

use super::{Chunk, adding, unreadable};
use crate::{
    queue::ChunkId,
    store::{Item, Key, Store, StoreError, number},
};

/// Deletions that a job with a limit has reserved, and may reserve.
#[derive(Default, Deserialize)]
struct Allowance {
    granted: i64,
    limit: i64,
}

impl Store {
    /// Reserves up to so many deletions of a job's limit for a begun chunk; the chunk with what it got, which may be
    /// nothing. `None` where somebody else reported meanwhile.
    pub async fn grant(
        &self,
        space: &SpaceId,
        job: &JobId,
        id: ChunkId,
        chunk: &Chunk,
        wanted: i64,
        now: Time,
    ) -> Result<Option<Chunk>, StoreError> {
        let key = Key::allowance(space, job);
        for _ in 0..super::CONFLICT_ATTEMPTS {
            let Allowance { granted, limit } = self.allowance(space, job).await?;
            let got = wanted.min(limit - granted).max(0);
            if got == 0 {
                return Ok(Some(Chunk { grant: Some(0), ..chunk.clone() }));
            }
            let next = Chunk { grant: Some(got), version: chunk.version + 1, begun_at: now, ..chunk.clone() };
            let add = adding(Update::builder(), &[("granted", got)]).ok_or_else(unreadable)?;
            let add = add
                .table_name(&self.table)
                .set_key(Some(key.clone().into()))
                .condition_expression("granted <= :most")
                .expression_attribute_values(":most", number(limit - got));
            let writes = vec![
                self.write_chunk(space, job, id, &next, chunk),
                TransactWriteItem::builder().set_update(add.build().ok()).build(),
            ];
            match self.transact_or_reasons(writes).await? {
                None => return Ok(Some(next)),
                Some(refused) if refused.first().is_some_and(Option::is_some) => return Ok(None),
                Some(_) => {}
            }
        }
        Err(StoreError::Unavailable("the allowance is contended".to_owned()))
    }

    /// Whether a job's limit is used up.
    pub async fn is_used_up(&self, space: &SpaceId, job: &JobId) -> Result<bool, StoreError> {
        let Allowance { granted, limit } = self.allowance(space, job).await?;
        Ok(granted >= limit)
    }

    /// What allows a job whose limit is used up as many deletions again; nothing where it is not.
    pub(super) async fn renewed_allowance(
        &self,
        space: &SpaceId,
        job: &JobId,
        most: i64,
    ) -> Result<Option<TransactWriteItem>, StoreError> {
        let Allowance { granted, limit } = self.allowance(space, job).await?;
        if granted < limit {
            return Ok(None);
        }
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::allowance(space, job).into()))
            .update_expression("SET #limit = :next")
            .condition_expression("granted = :granted AND #limit = :limit")
            .expression_attribute_names("#limit", "limit")
            .expression_attribute_values(":next", number(granted + most))
            .expression_attribute_values(":granted", number(granted))
            .expression_attribute_values(":limit", number(limit));
        Ok(Some(TransactWriteItem::builder().set_update(update.build().ok()).build()))
    }

    /// The allowance of a new job.
    pub(super) fn first_allowance(&self, space: &SpaceId, job: &JobId, most: i64) -> TransactWriteItem {
        let mut item = Item::from(Key::allowance(space, job));
        item.insert("granted".to_owned(), number(0));
        item.insert("limit".to_owned(), number(most));
        self.put_item(item)
    }

    async fn allowance(&self, space: &SpaceId, job: &JobId) -> Result<Allowance, StoreError> {
        Ok(self.get(Key::allowance(space, job)).await?.unwrap_or_default())
    }
}
