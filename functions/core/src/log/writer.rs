//! The writer of a log: from its right edge and new entries to the tiles and bundles that they add.

use thiserror::Error;

use super::{
    bundle,
    checkpoint::Checkpoint,
    entry::Entry,
    frontier::{Frontier, LogFull, one_more},
    hash::Hash,
    row::{LEVELS, Row},
    tile::{Tile, TileError, Tiles},
};

/// A tile or bundle with its content.
pub type File = (Tile, Vec<u8>);

/// Why a log cannot be continued from what was read of it.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ResumeError {
    /// A tile or bundle is missing or cannot be read.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// An entry of the partial bundle is not the one in the tile of level 0; holds its index in the log.
    #[error("entry {0} is not the one whose hash the log has")]
    Entry(u64),
    /// The tiles are not those of the tree with this root.
    #[error("the tiles have the root {found}, not {expected}")]
    Root {
        /// The root that they must have.
        expected: Hash,
        /// The root that they have.
        found: Hash,
    },
}

/// A log's right edge: the partial tile of each level and the partial bundle. It takes entries and gives out files; it
/// never holds more than 8 tiles and one bundle.
#[derive(Debug, Clone)]
pub struct Writer {
    from: u64,
    size: u64,
    levels: [Vec<Hash>; LEVELS as usize],
    bundle: Vec<u8>,
}

impl Writer {
    /// The writer of a log without entries.
    pub fn new() -> Self {
        Self { from: 0, size: 0, levels: Default::default(), bundle: Vec::new() }
    }

    /// What must be read to continue a log of so many entries: its partial tiles and its partial bundle, at most 9 files.
    pub fn needs(size: u64) -> impl Iterator<Item = Tile> {
        Tile::partial_bundle(size).into_iter().chain(Tile::edge(size))
    }

    /// Continues the log that a checkpoint is of from what [`needs`](Self::needs) names for its size. A full tile serves in
    /// the place of the partial one that it replaced.
    pub fn resume(checkpoint: &Checkpoint, read: &Tiles) -> Result<Self, ResumeError> {
        let size = checkpoint.size();
        let mut writer = Self { from: size, size, ..Self::new() };
        for (level, hashes) in (0..LEVELS).zip(&mut writer.levels) {
            if let Some(tile) = Tile::edge(size).find(|tile| tile.row() == Row::Level(level)) {
                *hashes = tile.hashes(read)?;
            }
        }
        let (expected, found) = (checkpoint.root(), writer.frontier().root());
        if found != expected {
            return Err(ResumeError::Root { expected, found });
        }
        if let Some(bundle) = Tile::partial_bundle(size) {
            writer.read_bundle(bundle, read)?;
        }
        Ok(writer)
    }

    /// Takes over the entries of the partial bundle, each of which must have its hash in the tile of level 0.
    fn read_bundle(&mut self, bundle: Tile, read: &Tiles) -> Result<(), ResumeError> {
        for ((index, entry), hash) in bundle.entries().zip(bundle::entries(bundle, read)?).zip(&self.levels[0]) {
            if Hash::leaf(&entry) != *hash {
                return Err(ResumeError::Entry(index));
            }
            bundle::append(&mut self.bundle, &entry);
        }
        Ok(())
    }

    /// Entries of the log.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends an entry. Returns the files that it completes: mostly none, else a bundle and a tile of each level from 0.
    pub fn append(&mut self, entry: &Entry) -> Result<Vec<File>, LogFull> {
        self.size = one_more(self.size)?;
        let mut files = Vec::new();
        bundle::append(&mut self.bundle, entry);
        if let Some(bundle) = Tile::last_if_full(Row::Entries, self.size) {
            files.push((bundle, std::mem::take(&mut self.bundle)));
        }
        let mut hash = Hash::leaf(entry);
        for (level, hashes) in (0..LEVELS).zip(&mut self.levels) {
            hashes.push(hash);
            let Some(tile) = Tile::last_if_full(Row::Level(level), self.size) else { break };
            let full = std::mem::take(hashes);
            hash = Hash::root(&full);
            files.push((tile, concat(&full)));
        }
        Ok(files)
    }

    /// The partial files of the size reached, without those that the log had already when it was continued.
    pub fn partial_files(&self) -> Vec<File> {
        let bundle = (Row::Entries, self.bundle.clone());
        let rows = (0..LEVELS).map(Row::Level).zip(self.levels.iter().map(|hashes| concat(hashes)));
        let grown = [bundle].into_iter().chain(rows).filter(|(row, _)| row.len(self.from) < row.len(self.size));
        grown.filter_map(|(row, bytes)| Some((Tile::partial(row, self.size)?, bytes))).collect()
    }

    /// The frontier of the tree, which tells its root.
    pub fn frontier(&self) -> Frontier {
        let hashes = self.levels.iter().rev().flat_map(|hashes| subtrees(hashes));
        Frontier::of_subtrees(self.size, hashes.collect())
    }
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

pub(super) fn concat(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(Hash::as_bytes).copied().collect()
}

/// The roots of the complete subtrees of a partial tile, the largest first.
pub(super) fn subtrees(mut hashes: &[Hash]) -> Vec<Hash> {
    let mut roots = Vec::new();
    while let Some(height) = hashes.len().checked_ilog2() {
        let (subtree, rest) = hashes.split_at(1 << height);
        roots.push(Hash::root(subtree));
        hashes = rest;
    }
    roots
}

#[cfg(test)]
mod tests;
