//! What a log may sign next. These decisions keep it append-only: they are made before a signature, which cannot be taken
//! back.

use std::cmp::Ordering;

use thiserror::Error;

use super::{
    checkpoint::{Checkpoint, Origin},
    frontier::Frontier,
    hash::Hash,
    proof::Consistency,
};

/// How a checkpoint follows another one of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Succession {
    /// It says the same: there is nothing to sign.
    Same,
    /// It is of more entries. It follows only if the proof that answers this question holds.
    Larger(Consistency),
}

/// Why a checkpoint cannot follow another one.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Conflict {
    /// They are of different logs.
    #[error("a checkpoint of {next} cannot follow one of {last}")]
    OtherLog {
        /// The log of the earlier checkpoint.
        last: Origin,
        /// That of the later one.
        next: Origin,
    },
    /// It is of fewer entries: an old run, or a journal that has lost some.
    #[error("a checkpoint of {next} entries cannot follow one of {last}")]
    Smaller {
        /// The size of the earlier checkpoint.
        last: u64,
        /// That of the later one.
        next: u64,
    },
    /// They have the same size and different roots. If both are signed, that proves that the log shows different people
    /// different entries, which nothing can mend.
    #[error("two checkpoints of {size} entries have different roots: {last} and {next}")]
    OtherRoot {
        /// The size of both.
        size: u64,
        /// The root of the earlier checkpoint.
        last: Hash,
        /// That of the later one.
        next: Hash,
    },
}

impl Checkpoint {
    /// Whether another checkpoint may follow this one, which was the last one signed.
    pub fn followed_by(&self, next: &Self) -> Result<Succession, Conflict> {
        if self.origin() != next.origin() {
            return Err(Conflict::OtherLog { last: self.origin().clone(), next: next.origin().clone() });
        }
        let (last_size, size) = (self.size(), next.size());
        let question =
            Consistency::new(last_size, size).map_err(|_| Conflict::Smaller { last: last_size, next: size })?;
        match (last_size == size, self.root() == next.root()) {
            (false, _) => Ok(Succession::Larger(question)),
            (true, true) => Ok(Succession::Same),
            (true, false) => Err(Conflict::OtherRoot { size, last: self.root(), next: next.root() }),
        }
    }
}

/// Why the entries that a journal has yielded are not those that its head has committed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotCommitted {
    /// Entries are missing.
    #[error("the journal has yielded {found} entries, and its head has committed {committed}")]
    Fewer {
        /// How many were yielded.
        found: u64,
        /// How many were committed.
        committed: u64,
    },
    /// There are more: the head was read before they were committed, or they never were.
    #[error("the journal has yielded {found} entries, and its head has committed only {committed}")]
    More {
        /// How many were yielded.
        found: u64,
        /// How many were committed.
        committed: u64,
    },
    /// There are as many, but not the same.
    #[error("the {size} entries of the journal have the root {found}, and its head has committed {committed}")]
    Other {
        /// How many.
        size: u64,
        /// The root of those that were yielded.
        found: Hash,
        /// The root of those that were committed.
        committed: Hash,
    },
}

impl Frontier {
    /// Whether this tree, that of the entries which a journal has yielded
    /// ([`Writer::frontier`](super::Writer::frontier)), is the one that the journal's head has committed.
    pub fn check_committed(&self, committed: &Self) -> Result<(), NotCommitted> {
        let sizes = (self.size(), committed.size());
        match sizes.0.cmp(&sizes.1) {
            Ordering::Less => Err(NotCommitted::Fewer { found: sizes.0, committed: sizes.1 }),
            Ordering::Greater => Err(NotCommitted::More { found: sizes.0, committed: sizes.1 }),
            Ordering::Equal if self == committed => Ok(()),
            Ordering::Equal => {
                Err(NotCommitted::Other { size: sizes.0, found: self.root(), committed: committed.root() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{
        checkpoint::tests::{checkpoint, tree},
        tests::{leaf_hash, their_root},
    };

    #[test]
    fn only_a_larger_checkpoint_of_the_log_is_signed() {
        let (other, root) = (leaf_hash("other"), their_root(5));
        let larger = Succession::Larger(Consistency::new(5, 6).unwrap());
        let from_nothing = Succession::Larger(Consistency::new(0, 5).unwrap());
        let other_log = Conflict::OtherLog { last: "log".parse().unwrap(), next: "b".parse().unwrap() };
        let at = |size, root| checkpoint("log", size, root);
        for (last, next, expected) in [
            (at(5, root), at(5, root), Ok(Succession::Same)),
            (at(5, root), at(6, their_root(6)), Ok(larger)),
            (at(0, Hash::EMPTY_ROOT), at(5, root), Ok(from_nothing)),
            (at(5, root), at(5, other), Err(Conflict::OtherRoot { size: 5, last: root, next: other })),
            (at(5, root), at(4, their_root(4)), Err(Conflict::Smaller { last: 5, next: 4 })),
            (at(5, root), checkpoint("b", 6, their_root(6)), Err(other_log)),
        ] {
            assert_eq!(last.followed_by(&next), expected, "{last}{next}");
        }
    }

    #[test]
    fn a_journal_yields_what_its_head_has_committed() {
        let mut other = tree(5);
        other.push(leaf_hash("other")).unwrap();
        let (found, committed) = (other.root(), their_root(6));
        for (yielded, expected) in [
            (tree(6), Ok(())),
            (tree(5), Err(NotCommitted::Fewer { found: 5, committed: 6 })),
            (tree(7), Err(NotCommitted::More { found: 7, committed: 6 })),
            (other, Err(NotCommitted::Other { size: 6, found, committed })),
        ] {
            assert_eq!(yielded.check_committed(&tree(6)), expected);
        }
    }
}
