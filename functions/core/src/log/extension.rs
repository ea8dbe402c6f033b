//! What a log publishes next: the files that new entries add, and the checkpoint to sign over them. It is decided before
//! anything is written: neither a file nor a signature can be taken back.

use thiserror::Error;

use super::{
    checkpoint::{Checkpoint, Origin},
    entry::Entry,
    frontier::{Frontier, LogFull},
    proof::ProofError,
    succession::{Conflict, NotCommitted, Succession},
    tile::{Tile, TileError, Tiles},
    writer::{ResumeError, Writer},
};

/// Why entries do not extend a log. Each of these means that log and journal are not of one history, or that a file was
/// changed: nothing may be signed until a person has found out which.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ExtensionError {
    /// The log cannot be continued from its files.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// The log takes no more entries.
    #[error(transparent)]
    Full(#[from] LogFull),
    /// The entries are not those that the journal has committed.
    #[error(transparent)]
    NotCommitted(#[from] NotCommitted),
    /// The checkpoint cannot follow the last one.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// A file that the proof of consistency needs is missing or cannot be read.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// The log with the new entries is not the old one with more entries.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// What new entries add to a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// The files, each of which is written once. All of them must be readable before the checkpoint is signed.
    pub files: Tiles,
    /// The checkpoint to sign.
    pub checkpoint: Checkpoint,
    /// What the log is continued from after it: see [`Writer::needs`].
    pub edge: Tiles,
}

impl Extension {
    /// Appends entries to the log that a checkpoint is of, with the files that [`Writer::needs`] names for its size; to the
    /// log without entries where there is none. The tree must be the one that the journal has committed, and must begin
    /// with that of the last checkpoint.
    pub fn new(
        origin: &Origin,
        last: Option<&Checkpoint>,
        edge: &Tiles,
        entries: &[Entry],
        committed: &Frontier,
    ) -> Result<Self, ExtensionError> {
        let mut writer = last.map_or_else(|| Ok(Writer::new()), |last| Writer::resume(last, edge))?;
        let mut files = Tiles::new();
        for entry in entries {
            files.extend(writer.append(entry)?);
        }
        files.extend(writer.partial_files());
        let tree = writer.frontier();
        tree.check_committed(committed)?;
        let checkpoint = Checkpoint::of(origin.clone(), &tree);
        let find = |tile: Tile| tile.find(&files).or_else(|_| tile.find(edge)).ok();
        let read = |tiles: &mut dyn Iterator<Item = Tile>| -> Tiles {
            tiles.filter_map(find).map(|(tile, bytes)| (tile, bytes.to_vec())).collect()
        };
        if let Some(last) = last
            && let Succession::Larger(question) = last.followed_by(&checkpoint)?
        {
            let proof = question.build(&read(&mut question.tiles().into_iter()))?;
            question.verify(last.root(), checkpoint.root(), &proof)?;
        }
        let edge = read(&mut Writer::needs(checkpoint.size()));
        Ok(Self { files, checkpoint, edge })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{
        checkpoint::tests::{checkpoint, tree},
        tests::{entry, large_log, leaf_hash, their_root},
    };

    fn entries(from: u64, to: u64) -> Vec<Entry<'static>> {
        (from..to).map(entry).collect()
    }

    fn edge(size: u64) -> Tiles {
        Writer::needs(size).map(|tile| (tile, large_log(tile))).collect()
    }

    fn log() -> Origin {
        "log".parse().unwrap()
    }

    #[test]
    fn files_and_checkpoint_are_those_of_the_whole_log() {
        let mut last: Option<Checkpoint> = None;
        let mut known = Tiles::new();
        for size in [1, 7, 256, 300, 511, 512, 1_000, 65_535, 65_536, 65_793] {
            let from = last.as_ref().map_or(0, Checkpoint::size);
            let made = Extension::new(&log(), last.as_ref(), &known, &entries(from, size), &tree(size)).unwrap();
            assert_eq!(made.checkpoint, checkpoint("log", size, their_root(size)));
            let mut names: Vec<_> = Tile::added(from, size).collect();
            names.sort();
            assert_eq!(made.files.keys().copied().collect::<Vec<_>>(), names);
            assert!(made.files.iter().all(|(tile, bytes)| *bytes == large_log(*tile)));
            assert_eq!(made.edge, edge(size), "{size}");
            (last, known) = (Some(made.checkpoint), made.edge);
        }
    }

    #[test]
    fn another_history_is_never_signed() {
        let last = checkpoint("log", 300, their_root(300));
        let mut other = tree(309);
        other.push(leaf_hash("other")).unwrap();
        let extend = |last: &Checkpoint, edge: &Tiles, from, to, committed: &Frontier| {
            Extension::new(&log(), Some(last), edge, &entries(from, to), committed).unwrap_err()
        };
        let not_committed = ExtensionError::NotCommitted;
        let (found, committed) = (their_root(310), other.root());
        assert_eq!(
            extend(&last, &edge(300), 300, 310, &other),
            not_committed(NotCommitted::Other { size: 310, found, committed })
        );
        assert_eq!(
            extend(&last, &edge(300), 300, 309, &tree(310)),
            not_committed(NotCommitted::Fewer { found: 309, committed: 310 })
        );
        let elsewhere = checkpoint("b", 300, their_root(300));
        let conflict = Conflict::OtherLog { last: "b".parse().unwrap(), next: log() };
        assert_eq!(extend(&elsewhere, &edge(300), 300, 310, &tree(310)), ExtensionError::Conflict(conflict));
        let rewritten = checkpoint("log", 300, leaf_hash("other"));
        let resume = ResumeError::Root { expected: leaf_hash("other"), found: their_root(300) };
        assert_eq!(extend(&rewritten, &edge(300), 300, 310, &tree(310)), ExtensionError::Resume(resume));
        assert!(matches!(extend(&last, &Tiles::new(), 300, 310, &tree(310)), ExtensionError::Resume(_)));
    }

    #[test]
    fn a_full_file_serves_in_the_place_of_a_partial_one() {
        let full: Tiles = edge(300).into_keys().map(|tile| (tile.full(), large_log(tile.full()))).collect();
        let last = checkpoint("log", 300, their_root(300));
        let made = Extension::new(&log(), Some(&last), &full, &entries(300, 600), &tree(600)).unwrap();
        assert_eq!(made.checkpoint.root(), their_root(600));
    }
}
