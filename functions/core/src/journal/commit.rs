//! The head of a space's journal, and how a pack is committed.
//!
//! A pack is put first, under the number that the head says comes next, if there is none yet. One conditional update of the
//! head then commits it. So a pack that stands at the head's number is not committed yet, and whoever finds it there commits
//! it before anything else ([`place`]). Of two writers one puts the pack, and either commits it.
//!
//! The index and the counts of a committed pack are written afterwards, behind a cursor in the head: first the index, which
//! may be written again, then the counts, in one transaction with the cursor, so that they are added once. Before event ids
//! are looked up, all packs must be behind the cursor ([`Head::undrained`]): else a committed event would not be found.

use std::{
    collections::{BTreeSet, HashSet},
    ops::Range,
};

use thiserror::Error;

use super::{Event, EventId, Pack};
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

/// What a commit of a pack changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The head afterwards. It may be written only if the head still has the number that it had.
    pub head: Head,
    /// Whether the log's publisher must be sent a pointer: none is under way.
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

    /// What the commit of the next pack changes.
    pub fn commit(&self, pack: &Pack) -> Result<Commit, HeadError> {
        if pack.first() != self.n() {
            return Err(HeadError::NotNext { n: self.n(), first: pack.first() });
        }
        let mut frontier = self.frontier.clone();
        for entry in pack.entries() {
            frontier.push(entry.leaf_hash())?;
        }
        Ok(Commit { head: Self { frontier, dirty: true, ..self.clone() }, wakes: !self.dirty })
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
}

/// Where a pack stands that was found in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is committed.
    Committed,
    /// It is the next one: commit it, whoever put it.
    Next,
    /// The head is older than the pack: read the head again.
    Ahead,
    /// It overlaps with what is committed: the journal is damaged.
    Astray,
}

/// Decides where a pack stands.
pub fn place(head: &Head, pack: &Pack) -> Place {
    let n = head.n();
    match pack.first() {
        first if first == n => Place::Next,
        first if first > n => Place::Ahead,
        _ if pack.end() <= n => Place::Committed,
        _ => Place::Astray,
    }
}

/// Those of some events that the journal has not, each once, in the order in which they came. `known` are the ids that were
/// found in the index, of which all must be drained.
pub fn unknown(events: Vec<Event>, known: &HashSet<EventId>) -> Vec<Event> {
    let mut seen = BTreeSet::new();
    events.into_iter().filter(|event| !known.contains(&event.id) && seen.insert(event.id.clone())).collect()
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
            let next = head.commit(&pack(head.n(), *entries)).unwrap().head;
            Head { indexed: head.n(), ..next }
        })
    }

    #[test]
    fn a_commit_appends_the_leaves() {
        let (head, first, pack) = (head(&[3]), pack(0, 1), pack(3, 5));
        let Commit { head: next, wakes } = head.commit(&pack).unwrap();
        let mut frontier = head.frontier().clone();
        pack.entries().iter().for_each(|entry| frontier.push(Hash::leaf(entry.leaf_json())).unwrap());
        assert_eq!((next.n(), next.frontier(), next.indexed()), (8, &frontier, 0));
        assert_eq!((next.is_dirty(), wakes), (true, false), "a pointer is under way since the first commit");
        let quiet = Head { dirty: false, ..head };
        assert!(quiet.commit(&pack).unwrap().wakes);
        assert!(Head::default().commit(&first).unwrap().wakes);
    }

    #[test]
    fn only_the_next_pack_is_committed() {
        let head = head(&[3, 5]);
        for (first, entries, expected) in [
            (8, 2, Place::Next),
            (0, 3, Place::Committed),
            (3, 5, Place::Committed),
            (3, 6, Place::Astray),
            (9, 1, Place::Ahead),
        ] {
            let pack = pack(first, entries);
            assert_eq!(place(&head, &pack), expected, "{first} {entries}");
            let committed = head.commit(&pack);
            assert_eq!(committed.is_ok(), expected == Place::Next, "{first} {entries}");
            if let Err(error) = committed {
                assert_eq!(error, HeadError::NotNext { n: 8, first });
            }
        }
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
        assert_eq!(unknown(events.clone(), &HashSet::new()), [a.clone(), b.clone(), c.clone()]);
        assert_eq!(unknown(events, &[b.id].into()), [a, c]);
    }
}
