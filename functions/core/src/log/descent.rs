//! The verification of single files of a log, from its checkpoint down: each tile by the hash that the tile above it has
//! for it. So a copy of a log can verify each file before it keeps it, in any order, and holds only a few at a time.

use super::{
    audit::AuditError,
    bundle,
    checkpoint::Checkpoint,
    entry::Entry,
    frontier::Frontier,
    hash::Hash,
    row::Row,
    tile::{Tile, TileError, Tiles, WIDTH},
    writer::{concat, subtrees},
};

/// A tile that is known to be that of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownTile {
    tile: Tile,
    hashes: Vec<Hash>,
}

/// A tile below a known one: its name, and the root that its hashes must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileBelow {
    tile: Tile,
    root: Hash,
}

impl KnownTile {
    /// The partial tiles of the log that a checkpoint is of ([`Tile::edge`]), among those that were read. The checkpoint's
    /// root follows from them, and all other tiles are below them. [`AuditError::Root`] if another root follows.
    pub fn edge(checkpoint: &Checkpoint, read: &Tiles) -> Result<Vec<Self>, AuditError> {
        let size = checkpoint.size();
        let known = |tile: Tile| Ok(Self { tile, hashes: tile.hashes(read)? });
        let edge: Vec<Self> = Tile::edge(size).map(known).collect::<Result<_, TileError>>()?;
        let (signed, found) = (checkpoint.root(), Self::root_at(size, &edge)?);
        if found == signed { Ok(edge) } else { Err(AuditError::Root { size, signed, found }) }
    }

    /// The root of the log's first `size` entries, by known tiles that hold its right edge at that size: those that
    /// [`Tile::edge`] names, or what they have become. [`TileError::Missing`] if one of them is not there.
    pub fn root_at(size: u64, known: &[Self]) -> Result<Hash, TileError> {
        let hashes = |edge: Tile| {
            let place = |one: &&Self| (one.tile.row(), one.tile.index()) == (edge.row(), edge.index());
            let found = known.iter().find(place).and_then(|one| one.hashes.get(..edge.width()));
            found.map(subtrees).ok_or(TileError::Missing(edge))
        };
        let levels: Vec<Vec<Hash>> = Tile::edge(size).map(hashes).collect::<Result<_, _>>()?;
        Ok(Frontier::of_subtrees(size, levels.into_iter().rev().flatten().collect()).root())
    }

    /// The tile's name.
    pub fn tile(&self) -> Tile {
        self.tile
    }

    /// The content of its file.
    pub fn to_bytes(&self) -> Vec<u8> {
        concat(&self.hashes)
    }

    /// The tiles below it, in order: full ones, one for each of its hashes. None below level 0.
    pub fn below(&self) -> impl DoubleEndedIterator<Item = TileBelow> + ExactSizeIterator {
        let level = if let Row::Level(level) = self.tile.row() { level.checked_sub(1) } else { None };
        let (first, hashes) = (self.tile.index() * WIDTH, if level.is_some() { &self.hashes[..] } else { &[] });
        let row = Row::Level(level.unwrap_or_default());
        (0..hashes.len()).map(move |at| TileBelow { tile: Tile::full_at(row, first + at as u64), root: hashes[at] })
    }

    /// The bundle with the entries of a tile of level 0.
    pub fn bundle(&self) -> Option<Tile> {
        (self.tile.row() == Row::Level(0)).then(|| self.tile.with_row(Row::Entries))
    }

    /// Verifies the [bundle](Self::bundle) among the files that were read. Returns the content of its file.
    /// [`AuditError::Entry`] names the first entry that is not the one that was signed.
    pub fn check_bundle(&self, read: &Tiles) -> Result<Vec<u8>, AuditError> {
        let bundle = self.tile.with_row(Row::Entries);
        let entries: Vec<Entry> = bundle::entries(bundle, read)?;
        let numbered = self.tile.entries().zip(entries.iter().zip(&self.hashes));
        for (index, (entry, hash)) in numbered {
            if Hash::leaf(entry) != *hash {
                return Err(AuditError::Entry { index, bundle });
            }
        }
        Ok(bundle::encode(&entries))
    }
}

impl TileBelow {
    /// The tile's name.
    pub fn tile(&self) -> Tile {
        self.tile
    }

    /// Verifies the content of its file. [`TileError::Length`] or [`AuditError::OtherTile`] if it is not that tile.
    pub fn check(&self, bytes: &[u8]) -> Result<KnownTile, AuditError> {
        let tile = self.tile;
        let hashes = Hash::list(bytes).filter(|hashes| hashes.len() == tile.width()).ok_or(TileError::Length(tile))?;
        if Hash::root(&hashes) == self.root { Ok(KnownTile { tile, hashes }) } else { Err(AuditError::OtherTile(tile)) }
    }
}

#[cfg(test)]
mod tests;
