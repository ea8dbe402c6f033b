//! The head of a space's journal, and how a pack is committed.
//!
//! A pack is put first, under the number that the head says comes next, if there is none yet. One conditional update of the
//! head then commits it. So a pack that stands at the head's number is not committed yet, and whoever finds it there
//! **adopts** it: commits it before anything else. Of two writers one puts the pack, and either commits it.
//!
//! The index and the counts of a committed pack are written afterwards, behind a cursor in the head: first the index, which
//! may be written again, then the counts, day by day ([`counts`](super::counts)), then the cursor. Before event ids are looked
//! up, all packs must be behind the cursor ([`Head::undrained`]): else a committed event would not be found.
//!
//! Nobody writes a head whole. A commit writes `n`, `frontier` and `dirty`, where `n` and `dirty` still are as they were
//! read; it never writes `indexed`, or it would move the cursor back. A drain writes `indexed` alone, where it is as it was
//! read. The publisher clears `dirty` alone, where `n` and `dirty` are as they were read ([`Head::rests_at`]).
//!
//! So no entry waits without anybody who knows. A commit that finds `dirty` set relies on a publisher that comes after it:
//! were `dirty` cleared between its reading and its writing, it fails. A commit that finds `dirty` not set puts the space's
//! item for the publisher's schedule in the same transaction, and the publisher removes that item in one transaction with
//! clearing `dirty`: so the item is there exactly where `dirty` is set.

use std::{
    collections::{BTreeSet, HashSet},
    ops::Range,
};

use thiserror::Error;

use super::{EventId, Pack};
use crate::log::{Frontier, LogFull};

/// Why a head cannot be read, or a pack not be committed on it.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum HeadError {
    /// The head contradicts itself: its frontier is of another number of entries, or its cursor is beyond them.
    #[error("the head of a journal contradicts itself")]
    Contradiction,
    /// The pack is not the next one.
    #[error("the pack begins at {first}, and the next entry is {n}")]
    NotNext {
        /// The number that the next pack begins with.
        n: u64,
        /// The number that this one begins with.
        first: u64,
    },
    /// The log takes no more entries.
    #[error(transparent)]
    Full(#[from] LogFull),
}

/// The head of a space's journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    frontier: Frontier,
    indexed: u64,
    dirty: bool,
}

/// What a commit of a pack writes, beside setting `dirty`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The number of committed entries afterwards.
    pub n: u64,
    /// The frontier of their log.
    pub frontier: Frontier,
    /// Whether no pointer to the publisher is under way: the space's item for the publisher's schedule must be put in one
    /// transaction with the commit, and the pointer be sent after it.
    pub wakes: bool,
}

impl Head {
    /// A head as it is stored. `n` is the number of committed entries, `indexed` the number that index and counts are
    /// complete up to, `dirty` whether a pointer to the log's publisher is under way.
    pub fn new(n: u64, frontier: Frontier, indexed: u64, dirty: bool) -> Result<Self, HeadError> {
        let fits = frontier.size() == n && indexed <= n;
        if fits { Ok(Self { frontier, indexed, dirty }) } else { Err(HeadError::Contradiction) }
    }

    /// How many entries are committed: the number of the next one.
    pub fn n(&self) -> u64 {
        self.frontier.size()
    }

    /// The frontier of the log that they make.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// The cursor: index and counts of all entries before this one are written.
    pub fn indexed(&self) -> u64 {
        self.indexed
    }

    /// Whether a pointer to the log's publisher is under way.
    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// What the commit of the next pack writes, if `n` and `dirty` still are those of this head.
    pub fn commit(&self, pack: &Pack) -> Result<Commit, HeadError> {
        if pack.first() != self.n() {
            return Err(HeadError::NotNext { n: self.n(), first: pack.first() });
        }
        let mut frontier = self.frontier.clone();
        for entry in pack.entries() {
            frontier.push(entry.leaf_hash())?;
        }
        Ok(Commit { n: frontier.size(), frontier, wakes: !self.dirty })
    }

    /// The packs whose index and counts may not be written yet, by the numbers that they begin with: they are read from the
    /// start of this range on, one after the other. Empty where there are none.
    pub fn undrained(&self) -> Range<u64> {
        self.indexed..self.n()
    }

    /// The cursor after the index and the counts of this pack were written; `None` where it must not move, because the pack
    /// is not the first that is left, or not committed. It may be written only if the cursor still is where it was.
    pub fn drained(&self, pack: &Pack) -> Option<u64> {
        (pack.first() == self.indexed && pack.end() <= self.n()).then(|| pack.end())
    }

    /// Whether `dirty` may be cleared once the log has so many entries: only if it is set and these are all. It may be
    /// cleared only if `n` and `dirty` still are those of this head.
    pub fn rests_at(&self, log_size: u64) -> bool {
        self.dirty && log_size == self.n()
    }
}

/// Those of some entries, or events, that the journal has not, each once, in the order in which they came. `known` are the ids
/// that were found in the index, of which all must be drained.
pub fn unknown<T>(all: Vec<T>, id: impl Fn(&T) -> &EventId, known: &HashSet<EventId>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    all.into_iter().filter(|one| !known.contains(id(one)) && seen.insert(id(one).clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        journal::samples::{job_entries, removed},
        log::Hash,
    };

    fn pack(first: u64, entries: usize) -> Pack {
        Pack::new(first, job_entries(entries)).unwrap()
    }

    /// A head with so many entries, all but the last pack of which are drained.
    fn head(packs: &[usize]) -> Head {
        packs.iter().fold(Head::default(), |head, entries| {
            let Commit { n, frontier, .. } = head.commit(&pack(head.n(), *entries)).unwrap();
            Head::new(n, frontier, head.n(), true).unwrap()
        })
    }

    #[test]
    fn a_commit_appends_the_leaves() {
        let (head, first, pack) = (head(&[3]), pack(0, 1), pack(3, 5));
        let Commit { n, frontier: next, wakes } = head.commit(&pack).unwrap();
        let mut frontier = head.frontier().clone();
        pack.entries().iter().for_each(|entry| frontier.push(Hash::leaf(entry.leaf_json())).unwrap());
        assert_eq!((n, next, wakes), (8, frontier, false), "a pointer is under way since the first commit");
        let quiet = Head { dirty: false, ..head };
        assert!(quiet.commit(&pack).unwrap().wakes);
        assert!(Head::default().commit(&first).unwrap().wakes);
    }

    #[test]
    fn only_the_next_pack_is_committed() {
        let head = head(&[3, 5]);
        assert!(head.commit(&pack(8, 2)).is_ok());
        for first in [0, 3, 9] {
            assert_eq!(head.commit(&pack(first, 5)), Err(HeadError::NotNext { n: 8, first }));
        }
    }

    #[test]
    fn only_all_entries_are_enough_for_the_publisher_to_rest() {
        let head = head(&[3, 5]);
        assert_eq!([0, 3, 8, 9].map(|size| head.rests_at(size)), [false, false, true, false]);
        assert!(!Head { dirty: false, ..head }.rests_at(8), "there is nothing to clear");
    }

    #[test]
    fn packs_are_drained_one_after_the_other() {
        let head = head(&[3, 5]);
        assert_eq!(head.undrained(), 3..8);
        for (first, entries, expected) in [(3, 5, Some(8)), (0, 3, None), (8, 1, None), (3, 6, None)] {
            assert_eq!(head.drained(&pack(first, entries)), expected, "{first} {entries}");
        }
        assert!(Head { indexed: 8, ..head }.undrained().is_empty());
        assert!(Head::default().undrained().is_empty());
    }

    #[test]
    fn a_head_does_not_contradict_itself() {
        let head = head(&[3, 5]);
        let stored = |n, indexed| Head::new(n, head.frontier().clone(), indexed, true);
        assert_eq!(stored(8, 3), Ok(head.clone()));
        for (n, indexed) in [(7, 3), (9, 3), (8, 9)] {
            assert_eq!(stored(n, indexed), Err(HeadError::Contradiction), "{n} {indexed}");
        }
        assert_eq!(Head::new(0, Frontier::new(), 0, false), Ok(Head::default()));
    }

    #[test]
    fn an_event_is_taken_once() {
        let [a, b, c] = [removed(1), removed(2), removed(3)];
        let events = vec![a.clone(), b.clone(), a.clone(), c.clone()];
        assert_eq!(unknown(events.clone(), |event| &event.id, &HashSet::new()), [a.clone(), b.clone(), c.clone()]);
        assert_eq!(unknown(events, |event| &event.id, &[b.id].into()), [a, c]);
    }
}
