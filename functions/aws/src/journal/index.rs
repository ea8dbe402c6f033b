//! The index: entries by what they are about, by job and by request. All of it follows from packs, and to write it again
//! changes nothing.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::{
    id::RequestId,
    job::JobId,
    journal::{
        EventId, Noun, Pack,
        index::{IndexItem, index, job_partition, noun_partition, number_key, request_partition},
    },
    space::SpaceId,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use super::{Journal, Paged, keys};
use crate::{
    StoreError,
    items::{
        Item,
        read::{Query, partition_key, read, sort_key},
        value::ToValue,
    },
};

pub(super) const KIND: &str = "item of a journal's index";

/// Items that are written in one batch, and batches that are under way at once.
const BATCH: usize = 25;
const BATCHES_AT_ONCE: usize = 4;

#[derive(Deserialize)]
struct StoredNumber {
    number: u64,
}

#[derive(Deserialize)]
pub(super) struct StoredNumbers {
    pub(super) numbers: Vec<u64>,
}

impl Journal {
    /// Writes all items of the index that follow from a pack, which must be committed: one for each entry, job and request.
    pub async fn put_index(&self, pack: &Pack) -> Result<(), StoreError> {
        let items: Vec<Item> = index(pack).iter().map(|item| stored(pack.space(), item)).collect();
        let batches = items.chunks(BATCH).map(|batch| self.items.put_many(batch.to_vec())).collect::<Vec<_>>();
        stream::iter(batches).buffer_unordered(BATCHES_AT_ONCE).try_collect().await
    }

    /// Those of some events that the index has, as of the last acknowledged writes. 1 read unit each. The events of packs
    /// that are not drained may be missing.
    pub async fn known(&self, space: &SpaceId, ids: &[EventId]) -> Result<HashSet<EventId>, StoreError> {
        let mut wanted: HashMap<(String, String), &EventId> = HashMap::new();
        for id in ids {
            let key = keys::event(space, id);
            wanted.insert((key.pk, key.sk), id);
        }
        let found = self.items.get_many(wanted.values().map(|id| keys::event(space, id))).await?;
        let id = |item: &Item| {
            let key = (partition_key(item)?.to_owned(), sort_key(item)?.to_owned());
            wanted.get(&key).copied().cloned().ok_or_else(|| StoreError::unreadable(KIND))
        };
        found.iter().map(id).collect()
    }

    /// A page of the entries about a noun, in the order in which its events happened, after one: their events and numbers.
    /// Entries of packs that are not drained are not among them.
    pub async fn entries_of(
        &self,
        space: &SpaceId,
        noun: &Noun,
        after: Option<&EventId>,
        limit: i32,
    ) -> Result<Paged<(EventId, u64), EventId>, StoreError> {
        let query = Query::all(noun_partition(space, noun)).after(after.map(EventId::sort_key)).limit(limit);
        let (items, more) = self.items.query(query).await?;
        let entries = items.into_iter().map(|item| entry(noun, item)).collect::<Result<_, _>>()?;
        Ok((entries, more.map(|last| id(noun, &last)).transpose()?))
    }

    /// The last entries about a noun, the last one first. Entries of packs that are not drained are not among them.
    pub async fn last_entries_of(
        &self,
        space: &SpaceId,
        noun: &Noun,
        limit: i32,
    ) -> Result<Vec<(EventId, u64)>, StoreError> {
        let query = Query::all(noun_partition(space, noun)).newest_first().limit(limit);
        let (items, _) = self.items.query(query).await?;
        items.into_iter().map(|item| entry(noun, item)).collect()
    }

    /// A page of the numbers of a job's entries: all of up to so many packs, in order, after the pack whose first entry has
    /// this number; and that of the last pack, to go on after.
    pub async fn numbers_of_job(
        &self,
        space: &SpaceId,
        job: JobId,
        after: Option<u64>,
        packs: i32,
    ) -> Result<Paged<u64, u64>, StoreError> {
        self.numbers(job_partition(space, job), after, packs).await
    }

    /// The same of a request's entries.
    pub async fn numbers_of_request(
        &self,
        space: &SpaceId,
        request: RequestId,
        after: Option<u64>,
        packs: i32,
    ) -> Result<Paged<u64, u64>, StoreError> {
        self.numbers(request_partition(space, request), after, packs).await
    }

    async fn numbers(&self, partition: String, after: Option<u64>, packs: i32) -> Result<Paged<u64, u64>, StoreError> {
        let (items, more) = self.items.query(Query::all(partition).after(after.map(number_key)).limit(packs)).await?;
        let mut found = Vec::new();
        for item in items {
            let StoredNumbers { mut numbers } = read(item, KIND)?;
            numbers.sort_unstable();
            found.append(&mut numbers);
        }
        let first = |key: String| key.parse().map_err(|_| StoreError::unreadable(KIND));
        Ok((found, more.map(first).transpose()?))
    }
}

pub(super) fn id(noun: &Noun, sort_key: &str) -> Result<EventId, StoreError> {
    format!("{noun}#{sort_key}").parse().map_err(|_| StoreError::unreadable(KIND))
}

pub(super) fn entry(noun: &Noun, item: Item) -> Result<(EventId, u64), StoreError> {
    let id = id(noun, sort_key(&item)?)?;
    Ok((id, read::<StoredNumber>(item, KIND)?.number))
}

/// An item of the index as it is stored. Several numbers are a set: of equal sets nobody sees a difference.
fn stored(space: &SpaceId, item: &IndexItem) -> Item {
    let (name, value) = match item {
        IndexItem::Event { number, .. } => ("number", number.to_value()),
        IndexItem::Job { of, .. } | IndexItem::Request { of, .. } => {
            ("numbers", AttributeValue::Ns(of.numbers.iter().map(u64::to_string).collect()))
        }
    };
    let mut stored = Item::from(keys::index_item(space, item));
    stored.insert(name.to_owned(), value);
    stored
}
