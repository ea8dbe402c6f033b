//! The index: by it an event is found that the journal has already, and the entries of a noun, of a job, of a request. All of
//! it follows from a pack, and is written once the pack is committed; to write it again changes nothing.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{Entry, EventId, Noun, Pack};
use crate::{id::RequestId, job::JobId, space::SpaceId};

/// An item of the index of a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexItem {
    /// An entry, by its event.
    Event {
        /// The event.
        id: EventId,
        /// The entry's number.
        number: u64,
    },
    /// The entries of a pack that are of one job.
    Job {
        /// The job.
        job: JobId,
        /// Those entries.
        of: Numbers,
    },
    /// The entries of a pack that are of one request.
    Request {
        /// The request.
        request: RequestId,
        /// Those entries.
        of: Numbers,
    },
}

/// Some entries of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// The number of the pack's first entry.
    pub first: u64,
    /// Their numbers, in order.
    pub numbers: Vec<u64>,
}

impl IndexItem {
    /// Its partition key.
    pub fn partition(&self, space: &SpaceId) -> String {
        match self {
            Self::Event { id, .. } => noun_partition(space, &id.noun),
            Self::Job { job, .. } => job_partition(space, *job),
            Self::Request { request, .. } => request_partition(space, *request),
        }
    }

    /// Its sort key: that of the event's id, or the number of the pack's first entry.
    pub fn sort_key(&self) -> String {
        match self {
            Self::Event { id, .. } => id.sort_key(),
            Self::Job { of, .. } | Self::Request { of, .. } => number_key(of.first),
        }
    }
}

/// The partition of a noun's entries.
pub fn noun_partition(space: &SpaceId, noun: &Noun) -> String {
    format!("N#{space}#{noun}")
}

/// The partition of a job's entries.
pub fn job_partition(space: &SpaceId, job: JobId) -> String {
    format!("J#{space}#{job}")
}

/// The partition of a request's entries.
pub fn request_partition(space: &SpaceId, request: RequestId) -> String {
    format!("R#{space}#{request}")
}

/// Shards of the list of spaces that have entries which are not published.
pub const SHARDS: u8 = 16;

/// The shard in which a space is listed: the first byte of the SHA-256 of its id, modulo [`SHARDS`].
pub fn waiting_shard(space: &SpaceId) -> u8 {
    let [first, ..]: [u8; 32] = Sha256::digest(space.as_str()).into();
    first % SHARDS
}

/// A number as a key that sorts: 20 digits.
pub fn number_key(number: u64) -> String {
    format!("{number:020}")
}

/// All items of the index that follow from a pack: one for each entry, one for each job, one for each request.
pub fn index(pack: &Pack) -> Vec<IndexItem> {
    let events = pack.numbered().map(|(number, entry)| IndexItem::Event { id: entry.id().clone(), number });
    let jobs = by(pack, Entry::job).into_iter().map(|(job, of)| IndexItem::Job { job, of });
    let requests = by(pack, Entry::request);
    let requests = requests.into_iter().map(|(request, of)| IndexItem::Request { request, of });
    events.chain(jobs).chain(requests).collect()
}

fn by<K: Ord>(pack: &Pack, key: impl Fn(&Entry) -> Option<K>) -> BTreeMap<K, Numbers> {
    let mut found: BTreeMap<K, Numbers> = BTreeMap::new();
    for (number, entry) in pack.numbered() {
        if let Some(key) = key(entry) {
            let of = found.entry(key).or_insert(Numbers { first: pack.first(), numbers: Vec::new() });
            of.numbers.push(number);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::journal::samples::{job_entries, request_entries, space, token_entry};

    fn keys(items: &[IndexItem]) -> BTreeSet<(String, String)> {
        items.iter().map(|item| (item.partition(&space()), item.sort_key())).collect()
    }

    #[test]
    fn every_entry_has_an_item_and_so_have_jobs_and_requests() {
        let entries = [job_entries(3), request_entries(2), vec![token_entry()], job_entries(4)[3..].to_vec()].concat();
        let ids: Vec<EventId> = entries.iter().map(|entry| entry.id().clone()).collect();
        let job = entries[0].job().unwrap();
        let of = |numbers: &[u64]| Numbers { first: 40, numbers: numbers.to_vec() };
        let request = |place: usize| entries[place].request().unwrap();
        let mut expected: Vec<IndexItem> =
            (40..).zip(ids).map(|(number, id)| IndexItem::Event { id, number }).collect();
        expected.push(IndexItem::Job { job, of: of(&[40, 41, 42, 46]) });
        let mut requests = [(request(0), of(&[40, 41, 42, 46])), (request(3), of(&[43])), (request(4), of(&[44]))];
        requests.sort_by_key(|(request, _)| *request);
        expected.extend(requests.map(|(request, of)| IndexItem::Request { request, of }));
        let items = index(&Pack::new(40, entries.clone()).unwrap());
        assert_eq!(items, expected);
        assert_eq!(keys(&items).len(), items.len(), "no two have one key");
    }

    #[test]
    fn spaces_are_spread_over_the_shards() {
        let shards = |count: usize| -> BTreeSet<u8> {
            (0..count).map(|number| waiting_shard(&format!("spa_{number}").parse().unwrap())).collect()
        };
        assert_eq!(shards(500), (0..SHARDS).collect());
        // Computed with Python's hashlib: a space stays in its shard.
        assert_eq!(waiting_shard(&space()), 0);
    }

    #[test]
    fn keys_sort_by_number() {
        let job = job_entries(1)[0].job().unwrap();
        let item = |first| IndexItem::Job { job, of: Numbers { first, numbers: vec![first] } };
        assert_eq!(item(7).partition(&space()), format!("J#spa_demo#{job}"));
        let noun = noun_partition(&space(), job_entries(1)[0].id().noun.to_string().parse::<Noun>().as_ref().unwrap());
        assert!(noun.starts_with("N#spa_demo#I#"), "{noun}");
        assert_eq!(item(7).sort_key(), "00000000000000000007");
        assert!(item(99).sort_key() < item(100).sort_key());
        assert!(item(0).sort_key() < item(u64::MAX).sort_key());
    }
}
