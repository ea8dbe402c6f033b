//! The verification of a whole log: every entry, every tile, and the roots that were signed.

use std::collections::BTreeMap;

use thiserror::Error;

use super::{
    bundle::{self, BundleError},
    checkpoint::Checkpoint,
    frontier::{Frontier, LogFull},
    hash::Hash,
    proof::ProofError,
    row::Row,
    tile::{Tile, TileError, WIDTH},
    writer::{File, Writer},
};

/// The first thing about a log that does not hold.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum AuditError {
    /// A bundle cannot be read.
    #[error("{}: {error}", .bundle.path())]
    Bundle {
        /// The bundle.
        bundle: Tile,
        /// What is wrong with it.
        error: BundleError,
    },
    /// A tile has a wrong length.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// An entry is not the one that was signed: the tiles lead to the signed root, but this entry does not have the hash
    /// that they have.
    #[error("entry {index} in {} is not the one that was signed", .bundle.path())]
    Entry {
        /// The entry's index in the log.
        index: u64,
        /// The bundle that holds it.
        bundle: Tile,
    },
    /// A tile is not that of the log's entries, which lead to the signed root.
    #[error("{} is not that of the log's entries", .0.path())]
    OtherTile(Tile),
    /// Neither the entries nor the tiles lead to the root that was signed.
    #[error("the first {size} entries have the root {found}, not {signed}")]
    Root {
        /// The size of the checkpoint.
        size: u64,
        /// Its root.
        signed: Hash,
        /// The root that the entries have.
        found: Hash,
    },
    /// The log is larger than any.
    #[error(transparent)]
    Full(#[from] LogFull),
    /// Not all entries were read; holds how many were.
    #[error("only {0} entries were read")]
    Unfinished(u64),
}

/// The verification of a whole log, which reads it once from its first entry. Its caller does the reading:
///
/// 1. While [`needs`](Self::needs) names a bundle and its tile of level 0, read both and give them to [`add`](Self::add).
/// 2. Read each tile that `add` returns, and give both to [`compare`](Self::compare).
/// 3. Ask [`finish`](Self::finish).
#[derive(Debug)]
pub struct Audit {
    size: u64,
    signed: BTreeMap<u64, Hash>,
    /// The log as its entries make it.
    entries: Writer,
    /// The log as its tiles of level 0 make it.
    leaves: Frontier,
    difference: Option<Difference>,
    other_tile: Option<Tile>,
    other_root: Option<AuditError>,
}

/// The first entry that does not have the hash that its tile has: one of the two was changed.
#[derive(Debug)]
struct Difference {
    index: u64,
    bundle: Tile,
    tile: Tile,
}

impl Audit {
    /// The verification of the log that a checkpoint is of. Its signature is for the caller to verify, with
    /// [`Checkpoint::open`].
    pub fn new(checkpoint: &Checkpoint) -> Self {
        Self {
            size: checkpoint.size(),
            signed: BTreeMap::from([(checkpoint.size(), checkpoint.root())]),
            entries: Writer::new(),
            leaves: Frontier::new(),
            difference: None,
            other_tile: None,
            other_root: None,
        }
    }

    /// Verifies also that the log begins with the one that an earlier checkpoint was of. [`ProofError::Sizes`] if that one
    /// was larger, and [`ProofError::NewerRoot`] if there is another checkpoint of its size with another root.
    pub fn with_earlier(mut self, earlier: &Checkpoint) -> Result<Self, ProofError> {
        if earlier.size() > self.size {
            return Err(ProofError::Sizes { from: earlier.size(), to: self.size });
        }
        match self.signed.insert(earlier.size(), earlier.root()) {
            Some(root) if root != earlier.root() => Err(ProofError::NewerRoot),
            _ => Ok(self),
        }
    }

    /// The bundle to read next and its tile of level 0. `None` if all were read.
    pub fn needs(&self) -> Option<(Tile, Tile)> {
        let index = self.entries.size() / WIDTH;
        let of = |row| Tile::of(row, index, self.size).filter(|_| self.entries.size() < self.size);
        of(Row::Entries).zip(of(Row::Level(0)))
    }

    /// Takes what [`needs`](Self::needs) named. Returns the tiles that must be compared now, as the entries make them.
    pub fn add(&mut self, bundle: &[u8], leaves: &[u8]) -> Result<Vec<File>, AuditError> {
        let Some((name, tile)) = self.needs() else { return Ok(Vec::new()) };
        let entries =
            bundle::decode(bundle, name.width()).map_err(|error| AuditError::Bundle { bundle: name, error })?;
        let leaves = Hash::list(leaves).filter(|hashes| hashes.len() == tile.width()).ok_or(TileError::Length(tile))?;
        let mut files = Vec::new();
        for (entry, leaf) in entries.into_iter().zip(leaves) {
            if Hash::leaf(&entry) != leaf {
                let index = self.entries.size();
                self.difference.get_or_insert(Difference { index, bundle: name, tile });
            }
            self.leaves.push(leaf)?;
            files.extend(self.entries.append(&entry)?);
            self.check_earlier();
        }
        if self.entries.size() == self.size {
            files.extend(self.entries.partial_files());
        }
        files.retain(|(tile, _)| !matches!(tile.row(), Row::Entries | Row::Level(0)));
        Ok(files)
    }

    /// Compares the root with that of an earlier checkpoint, if there is one of the size reached.
    fn check_earlier(&mut self) {
        let size = self.entries.size();
        if let Some(signed) = self.signed.get(&size).copied().filter(|_| size < self.size) {
            let found = self.entries.frontier().root();
            if found != signed {
                self.other_root.get_or_insert(AuditError::Root { size, signed, found });
            }
        }
    }

    /// Compares a tile as the entries make it with what the log has.
    pub fn compare(&mut self, made: &File, stored: &[u8]) {
        if made.1 != stored {
            self.other_tile.get_or_insert(made.0);
        }
    }

    /// The end: the whole log holds, or the first thing that does not.
    pub fn finish(self) -> Result<(), AuditError> {
        let Self { size, entries, leaves, difference, .. } = self;
        if entries.size() < size {
            return Err(AuditError::Unfinished(entries.size()));
        }
        let (signed, found) = (self.signed.get(&size).copied().unwrap_or(Hash::EMPTY_ROOT), entries.frontier().root());
        let fault = match difference {
            Some(Difference { tile, .. }) if found == signed => Some(AuditError::OtherTile(tile)),
            Some(Difference { index, bundle, .. }) if leaves.root() == signed => {
                Some(AuditError::Entry { index, bundle })
            }
            _ if found != signed => Some(AuditError::Root { size, signed, found }),
            _ => self.other_root.or(self.other_tile.map(AuditError::OtherTile)),
        };
        fault.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests;
