//! Reads of packs and of the index backwards, and of a job's entries by pack: for searches, which tell the newest first, and
//! for receipts.

use efface_core::{
    id::RequestId,
    job::JobId,
    journal::{
        EventId, Noun, Pack,
        index::{Numbers, job_partition, noun_partition, number_key, request_partition},
    },
    space::SpaceId,
};

use super::{
    Journal, Paged,
    index::{KIND, StoredNumbers, entry, id},
    keys,
    pack::pack_of,
};
use crate::{
    StoreError,
    items::{
        Item,
        read::{Query, read, sort_key},
    },
};

impl Journal {
    /// A page of the entries about a noun, in the descending order of their events, before the one with this sort key: their
    /// events and numbers. Entries of packs that are not drained are not among them.
    pub async fn entries_before(
        &self,
        space: &SpaceId,
        noun: &Noun,
        before: Option<String>,
        limit: i32,
    ) -> Result<Paged<(EventId, u64), EventId>, StoreError> {
        let query = Query::all(noun_partition(space, noun)).newest_first().after(before).limit(limit);
        let (items, more) = self.items.query(query).await?;
        let entries = items.into_iter().map(|item| entry(noun, item)).collect::<Result<_, _>>()?;
        Ok((entries, more.map(|last| id(noun, &last)).transpose()?))
    }

    /// Up to so many packs that begin before this number, the last one first; fewer where one request does not return more.
    /// Empty only if there are none. All entries before the number must be committed.
    pub async fn packs_before(&self, space: &SpaceId, before: u64, limit: i32) -> Result<Vec<Pack>, StoreError> {
        let Some(last) = before.checked_sub(1) else { return Ok(Vec::new()) };
        let query = Query::between(keys::packs(space), number_key(0), number_key(last)).newest_first().limit(limit);
        let (items, _) = self.items.query(query).await?;
        items.into_iter().map(|item| pack_of(space, item)).collect()
    }

    /// The numbers of a job's entries before this number, by pack, the last pack first: of up to so many packs.
    pub async fn job_packs_before(
        &self,
        space: &SpaceId,
        job: JobId,
        before: Option<u64>,
        packs: i32,
    ) -> Result<Vec<Numbers>, StoreError> {
        self.packs_of(Query::before(job_partition(space, job), before).limit(packs)).await
    }

    /// The same of a request's entries.
    pub async fn request_packs_before(
        &self,
        space: &SpaceId,
        request: RequestId,
        before: Option<u64>,
        packs: i32,
    ) -> Result<Vec<Numbers>, StoreError> {
        self.packs_of(Query::before(request_partition(space, request), before).limit(packs)).await
    }

    /// The numbers of a job's entries by pack, in order: of up to so many packs, from the one on that begins with this number.
    pub async fn job_packs(
        &self,
        space: &SpaceId,
        job: JobId,
        from: u64,
        packs: i32,
    ) -> Result<Vec<Numbers>, StoreError> {
        let query = Query::between(job_partition(space, job), number_key(from), number_key(u64::MAX));
        self.packs_of(query.limit(packs)).await
    }

    async fn packs_of(&self, query: Query) -> Result<Vec<Numbers>, StoreError> {
        let (items, _) = self.items.query(query).await?;
        items.into_iter().map(numbers).collect()
    }
}

impl Query {
    /// Of a partition with numbers as sort keys, those before a number, the last one first.
    fn before(partition: String, before: Option<u64>) -> Self {
        let last = before.map_or(u64::MAX, |before| before.saturating_sub(1));
        Self::between(partition, number_key(0), number_key(last)).newest_first()
    }
}

fn numbers(item: Item) -> Result<Numbers, StoreError> {
    let first = sort_key(&item)?.parse().map_err(|_| StoreError::unreadable(KIND))?;
    let StoredNumbers { mut numbers } = read(item, KIND)?;
    numbers.sort_unstable();
    Ok(Numbers { first, numbers })
}
