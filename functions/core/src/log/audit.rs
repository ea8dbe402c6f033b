//! The verification of a whole log: every entry, every tile, and the roots that were signed.

mod error;

use std::collections::BTreeMap;

use super::{
    bundle,
    checkpoint::Checkpoint,
    frontier::Frontier,
    hash::Hash,
    row::Row,
    succession::Conflict,
    tile::{Tile, Tiles},
    writer::Writer,
};
pub use error::AuditError;

/// The verification of a whole log, which reads it once from its first entry. Its caller does the reading:
///
/// 1. While [`needs`](Self::needs) names a bundle and its tile of level 0, read both and give them to [`add`](Self::add).
/// 2. After each `add`, read the tiles that [`uncompared`](Self::uncompared) names and give them to
///    [`compare`](Self::compare).
/// 3. Ask [`finish`](Self::finish).
///
/// Where a partial tile or bundle is not there any more, the full one serves in its place.
#[derive(Debug)]
pub struct Audit {
    head: Checkpoint,
    /// The roots that were signed, by size.
    signed: BTreeMap<u64, Hash>,
    /// The log as its entries make it.
    entries: Writer,
    /// The tree over the leaf hashes that its tiles of level 0 have.
    hashes: Frontier,
    /// Tiles as the entries make them, which are to be compared.
    made: Tiles,
    difference: Option<Difference>,
    other_tile: Option<Tile>,
    other_root: Option<AuditError>,
}

/// The first entry that does not have the leaf hash that its tile has: one of the two was changed.
#[derive(Debug)]
struct Difference {
    index: u64,
    bundle: Tile,
    tile: Tile,
}

impl Audit {
    /// The verification of the log that a checkpoint is of, and of having begun as the earlier checkpoints say. All of them
    /// were [opened](Checkpoint::open). An error if an earlier one is of another log or of more entries, or if two have one
    /// size and different roots: such two are evidence against whoever signed them.
    pub fn new(head: &Checkpoint, earlier: &[Checkpoint]) -> Result<Self, Conflict> {
        let mut signed = BTreeMap::from([(head.size(), head.root())]);
        for checkpoint in earlier {
            checkpoint.followed_by(head)?;
            let (size, next) = (checkpoint.size(), checkpoint.root());
            match signed.insert(size, next) {
                Some(last) if last != next => return Err(Conflict::OtherRoot { size, last, next }),
                _ => {}
            }
        }
        Ok(Self {
            head: head.clone(),
            signed,
            entries: Writer::new(),
            hashes: Frontier::new(),
            made: Tiles::new(),
            difference: None,
            other_tile: None,
            other_root: None,
        })
    }

    /// The bundle to read next and its tile of level 0. `None` if all were read.
    pub fn needs(&self) -> Option<(Tile, Tile)> {
        let (next, size) = (self.entries.size(), self.head.size());
        let of = |row| Tile::with_hash(row, next, size);
        (next < size).then(|| (of(Row::Entries), of(Row::Level(0))))
    }

    /// Takes what [`needs`](Self::needs) named. Nothing was taken if it returns an error.
    pub fn add(&mut self, read: &Tiles) -> Result<(), AuditError> {
        let Some((bundle, tile)) = self.needs() else { return Ok(()) };
        let (entries, hashes) = (bundle::entries(bundle, read)?, tile.hashes(read)?);
        for (entry, hash) in entries.into_iter().zip(hashes) {
            if Hash::leaf(&entry) != hash {
                let index = self.entries.size();
                self.difference.get_or_insert(Difference { index, bundle, tile });
            }
            self.hashes.push(hash)?;
            self.made.extend(self.entries.append(&entry)?);
            self.check_root();
        }
        if self.entries.size() == self.head.size() {
            self.made.extend(self.entries.partial_files());
        }
        self.made.retain(|tile, _| !matches!(tile.row(), Row::Entries | Row::Level(0)));
        Ok(())
    }

    /// Compares the root with that of a checkpoint, if there is one of the size reached.
    fn check_root(&mut self) {
        let size = self.entries.size();
        if let Some(&signed) = self.signed.get(&size) {
            let found = self.entries.frontier().root();
            if found != signed {
                self.other_root.get_or_insert(AuditError::Root { size, signed, found });
            }
        }
    }

    /// The tiles to compare now.
    pub fn uncompared(&self) -> impl Iterator<Item = Tile> {
        self.made.keys().copied()
    }

    /// Compares what [`uncompared`](Self::uncompared) named with what the log has. [`AuditError::Tile`] if one of
    /// them was not read or has a wrong length: it is still to be compared.
    pub fn compare(&mut self, read: &Tiles) -> Result<(), AuditError> {
        while let Some(made) = self.made.first_entry() {
            let tile = *made.key();
            let stored = tile.hashes(read)?;
            if Hash::list(&made.remove()).is_none_or(|hashes| hashes != stored) {
                self.other_tile.get_or_insert(tile);
            }
        }
        Ok(())
    }

    /// The end: the whole log holds, or the first thing that does not.
    pub fn finish(self) -> Result<(), AuditError> {
        let (signed, found) = (self.head.root(), self.entries.frontier().root());
        let (read, size) = (self.entries.size(), self.head.size());
        if read < size {
            return Err(AuditError::Unfinished(read));
        }
        let fault = match self.difference {
            Some(Difference { tile, .. }) if found == signed => Some(AuditError::OtherTile(tile)),
            Some(Difference { index, bundle, .. }) if self.hashes.root() == signed => {
                Some(AuditError::Entry { index, bundle })
            }
            _ if found != signed => Some(AuditError::Root { size, signed, found }),
            _ => self.other_root.or(self.other_tile.map(AuditError::OtherTile)),
        };
        let uncompared = self.made.into_keys().next().map(AuditError::Uncompared);
        fault.or(uncompared).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests;
