//! What a job notes of profiles and identifiers that it must leave as they are. A row of a dry run reserves what it would
//! delete, so that another row of it is a duplicate; a job that deletes `user_id`s notes them before it starts, so that
//! none of them guards another.

use efface_core::{
    job::{JobId, RowRef},
    key::IdHash,
    space::SpaceId,
    time::Time,
};
use serde::Deserialize;

use crate::store::{
    Item, Key, Store, StoreError,
    keys::targets_partition,
    read::{Query, read, sort_key},
    value::ToValue,
    write::{Write, Written},
};

/// Which row of a job reserved something first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// This row, now or in a run before.
    ThisRow,
    /// Another row.
    OtherRow,
}

#[derive(Deserialize)]
struct Reservation {
    job_row: RowRef,
}

impl Store {
    /// Reserves something for a row until a time, unless another row of the job has done so.
    pub async fn reserve(
        &self,
        space: &SpaceId,
        job: JobId,
        of: &str,
        row: RowRef,
        until: Time,
    ) -> Result<Reserved, StoreError> {
        let mut item = expiring(until);
        item.insert("job_row".to_owned(), row.to_value());
        let put = Write::put(Key::reservation(space, job, of), item).when("attribute_not_exists(pk)").returning_old();
        match self.write(put).await? {
            Written::Done(_) => Ok(Reserved::ThisRow),
            Written::Unmet(there) => {
                let there: Reservation = read(there.unwrap_or_default(), "reservation")?;
                Ok(if there.job_row == row { Reserved::ThisRow } else { Reserved::OtherRow })
            }
        }
    }

    /// Notes until a time the `user_id`s that a page's rows are to delete. The notes count for nothing until the page is committed.
    pub async fn note_targets(
        &self,
        space: &SpaceId,
        job: JobId,
        page: (u32, &str),
        targets: &[IdHash],
        until: Time,
    ) -> Result<(), StoreError> {
        let item = |target: &IdHash| {
            let mut item = expiring(until);
            item.extend(Item::from(Key::target(space, job, *target, page)));
            item
        };
        self.put_many(targets.iter().map(item)).await
    }

    /// The pages, by number and content, whose rows are to delete a `user_id`; committed or not.
    pub async fn pages_with_target(
        &self,
        space: &SpaceId,
        job: JobId,
        user_id: IdHash,
    ) -> Result<Vec<(u32, String)>, StoreError> {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let (items, more) = self.query(Query::all(targets_partition(space, job, user_id)).after(after)).await?;
            for item in items {
                let page = sort_key(&item)?.split_once('#');
                let page = page.and_then(|(page, content)| Some((page.parse().ok()?, content.to_owned())));
                pages.push(page.ok_or_else(|| StoreError::unreadable("note of a job's target"))?);
            }
            after = more;
            if after.is_none() {
                return Ok(pages);
            }
        }
    }
}

/// An item that goes with the job's rows.
pub(super) fn expiring(until: Time) -> Item {
    Item::from([("ttl".to_owned(), until.second().to_value())])
}
