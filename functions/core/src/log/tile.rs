//! The names of a log's files, as <https://c2sp.org/tlog-tiles> defines them: tiles of 256 hashes, and bundles of 256
//! entries. A file never changes: a tile that is not full yet has its width in its name.

use std::{collections::BTreeMap, ops::Range};

use thiserror::Error;

use super::{
    bundle::{self, BundleError},
    hash::Hash,
    row::{HEIGHT, LEVELS, Row},
};

/// How many hashes a full tile has, and how many entries a full bundle.
pub const WIDTH: u64 = 256;

/// The width of a full tile.
pub(super) const FULL: u16 = 256;

/// The place in its tile of the hash, or entry, with this number in its row: what is left of it over whole tiles.
pub(super) fn place(number: u64) -> u8 {
    let [place, ..] = number.to_le_bytes();
    place
}

/// The name of a tile or a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    row: Row,
    index: u64,
    width: u16,
}

/// Tiles and bundles that were read.
pub type Tiles = BTreeMap<Tile, Vec<u8>>;

/// What a reader of tiles may find wrong.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TileError {
    /// The tile was not read.
    #[error("{} is missing", .0.path())]
    Missing(Tile),
    /// The tile does not have the length that its name says.
    #[error("{} has a wrong length", .0.path())]
    Length(Tile),
    /// A bundle cannot be read.
    #[error("{}: {error}", .bundle.path())]
    Bundle {
        /// The bundle.
        bundle: Tile,
        /// What is wrong with it.
        error: BundleError,
    },
}

impl Tile {
    /// The tile with this number in its row, as a log of so many entries has it. `None` if that log has none.
    pub fn of(row: Row, index: u64, size: u64) -> Option<Self> {
        let first = index.checked_mul(WIDTH)?;
        (first < row.len(size)).then(|| Self::with_hash(row, first, size))
    }

    /// The tile with the hash, or the entry, that has this number in its row of a log of so many entries, which has it.
    pub(super) fn with_hash(row: Row, number: u64, size: u64) -> Self {
        let (index, len) = (number / WIDTH, row.len(size));
        Self::new(row, index, if index < len / WIDTH { FULL } else { place(len).into() })
    }

    /// The tiles and bundles that a log has at one size and did not have at a smaller one, bundles first. Each of them is
    /// written once. Partial ones are those at the right edge of the larger size.
    pub fn added(from: u64, to: u64) -> impl Iterator<Item = Self> {
        Row::all().flat_map(move |row| {
            let (old, new) = (row.len(from), row.len(to));
            let numbers = if old < new { old / WIDTH..new.div_ceil(WIDTH) } else { 0..0 };
            numbers.filter_map(move |index| Self::of(row, index, to))
        })
    }

    /// The partial tiles of a log of so many entries, from level 0: at most one a level. From them follow its
    /// [`Frontier`](super::Frontier) and its root; with the entries that are appended, also all tiles of a larger size.
    pub fn edge(size: u64) -> impl Iterator<Item = Self> {
        (0..LEVELS).filter_map(move |level| Self::partial(Row::Level(level), size))
    }

    /// The partial bundle of a log of so many entries; `None` if its last one is full.
    pub fn partial_bundle(size: u64) -> Option<Self> {
        Self::partial(Row::Entries, size)
    }

    /// The last tile of a row, if it is partial.
    pub(super) fn partial(row: Row, size: u64) -> Option<Self> {
        Self::of(row, row.len(size) / WIDTH, size)
    }

    /// The last tile of a row, if it is full.
    pub(super) fn last_if_full(row: Row, size: u64) -> Option<Self> {
        let last = row.len(size).checked_sub(1)?;
        Some(Self::with_hash(row, last, size)).filter(|tile| !tile.is_partial())
    }

    /// The full tile with this number in its row.
    pub(super) fn full_at(row: Row, index: u64) -> Self {
        Self::new(row, index, FULL)
    }

    /// The width is 1 to 256.
    pub(super) fn new(row: Row, index: u64, width: u16) -> Self {
        Self { row, index, width }
    }

    /// What the tile holds.
    pub fn row(&self) -> Row {
        self.row
    }

    /// Its number within its row.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes, or entries, it holds: 1 to 256.
    pub fn width(&self) -> usize {
        self.width.into()
    }

    /// Whether it holds less than 256.
    pub fn is_partial(&self) -> bool {
        self.width < FULL
    }

    /// Whether a log of so many entries has the full tile in the place of this partial one.
    pub fn is_superseded(&self, size: u64) -> bool {
        self.is_partial() && Self::of(self.row, self.index, size) == Some(self.full())
    }

    /// The full tile that a partial one becomes, and that holds all it holds: to be read where the partial one was removed.
    #[must_use]
    pub fn full(self) -> Self {
        Self::new(self.row, self.index, FULL)
    }

    /// The tile that holds the hash of this full tile, in a log of so many entries. `None` for a bundle, and for a tile that
    /// the log does not have.
    pub fn above(self, size: u64) -> Option<Self> {
        let Row::Level(level) = self.row else { return None };
        let row = Row::Level(level.checked_add(1)?);
        (self.index < row.len(size)).then(|| Self::with_hash(row, self.index, size))
    }

    /// The tile with the same number and width in another row.
    pub(super) fn with_row(self, row: Row) -> Self {
        Self::new(row, self.index, self.width)
    }

    /// The entries that the tile covers. Names exist of tiles beyond any log: there the range ends at [`u64::MAX`].
    pub fn entries(&self) -> Range<u64> {
        let level = if let Row::Level(level) = self.row { u32::from(level) } else { 0 };
        let scale = 1u64.checked_shl(u32::from(HEIGHT) * level).unwrap_or(u64::MAX);
        let first = self.index.saturating_mul(WIDTH);
        first.saturating_mul(scale)..first.saturating_add(self.width.into()).saturating_mul(scale)
    }

    /// What this partial tile, or bundle, holds, from the full one.
    pub fn cut(self, full: &[u8]) -> Result<Vec<u8>, TileError> {
        let read = Tiles::from([(self.full(), full.to_vec())]);
        match self.row {
            Row::Entries => Ok(bundle::encode(&bundle::entries(self, &read)?)),
            Row::Level(_) => Ok(self.hashes(&read)?.iter().flat_map(|hash| *hash.as_bytes()).collect()),
        }
    }

    /// This tile among those that were read, or the full tile that it became: partial ones are removed in the end.
    pub(super) fn find<'a>(&self, read: &'a Tiles) -> Result<(Self, &'a [u8]), TileError> {
        let found = |tile| Some((tile, read.get(&tile)?.as_slice()));
        found(*self).or_else(|| found(self.full())).ok_or(TileError::Missing(*self))
    }

    /// The hashes of this tile among those that were read: from itself, or from the full tile that it became.
    pub(super) fn hashes(&self, read: &Tiles) -> Result<Vec<Hash>, TileError> {
        let (found, bytes) = self.find(read)?;
        let hashes = Hash::list(bytes).filter(|hashes| hashes.len() == found.width());
        let mut hashes = hashes.ok_or(TileError::Length(found))?;
        hashes.truncate(self.width());
        Ok(hashes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::log::tests::large_log;

    fn theirs(tile: &tlog_tiles::Tile) -> String {
        tile.path().replacen("tile/8/", "tile/", 1)
    }

    #[test]
    fn a_size_has_the_tiles_of_the_specification() {
        let of = |level, index| Tile::of(Row::Level(level), index, 70_000).map(|tile| tile.width());
        assert_eq!([of(0, 272), of(0, 273), of(0, 274)], [Some(256), Some(112), None]);
        assert_eq!([of(1, 0), of(1, 1), of(2, 0), of(3, 0), of(63, 0)], [Some(256), Some(17), Some(1), None, None]);
        let paths = |tiles: &mut dyn Iterator<Item = Tile>| tiles.map(|tile| tile.path()).collect::<Vec<_>>();
        assert_eq!(paths(&mut Tile::edge(256)), ["tile/1/000.p/1"]);
        let edge = ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"];
        assert_eq!(paths(&mut Tile::edge(70_000)), edge);
        assert_eq!(Tile::partial_bundle(256), None);
        assert_eq!(Tile::partial_bundle(257).unwrap().path(), "tile/entries/001.p/1");
        let added = ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"];
        assert_eq!(paths(&mut Tile::added(255, 256)), added);
        assert_eq!(Tile::added(7, 7).chain(Tile::added(7, 6)).count(), 0);
    }

    #[test]
    fn a_full_tile_has_one_above_it() {
        for (name, above) in [("0/255", "1/000"), ("0/256", "1/001.p/17"), ("1/000", "2/000.p/1")] {
            assert_eq!(Tile::parse(name).unwrap().above(70_000), Tile::parse(above).ok(), "{name}");
        }
        for name in ["0/273", "1/001", "2/000", "63/000", "entries/000"] {
            assert_eq!(Tile::parse(name).unwrap().above(70_000), None, "{name}");
        }
    }

    #[test]
    fn a_partial_tile_is_superseded_by_the_full_one() {
        for (name, size, expected) in [
            ("0/000.p/7", 255, false),
            ("0/000.p/7", 256, true),
            ("entries/001.p/7", 511, false),
            ("entries/001.p/7", 512, true),
            ("1/000.p/1", 65_535, false),
            ("1/000.p/1", 65_536, true),
            ("0/000", 256, false),
        ] {
            assert_eq!(Tile::parse(name).unwrap().is_superseded(size), expected, "{name} {size}");
        }
    }

    #[test]
    fn a_partial_tile_is_cut_from_the_full_one() {
        for name in ["0/001.p/7", "entries/001.p/7", "1/000.p/3"] {
            let partial = Tile::parse(name).unwrap();
            let full = large_log(partial.full());
            assert_eq!(partial.cut(&full).unwrap(), large_log(partial), "{name}");
            assert!(partial.cut(&full[1..]).is_err() && partial.cut(&large_log(partial)).is_err(), "{name}");
        }
    }

    #[test]
    fn a_tile_knows_its_entries() {
        for (name, entries) in
            [("0/001.p/3", 256..259), ("entries/001", 256..512), ("1/002", 131_072..196_608), ("63/000", 0..u64::MAX)]
        {
            assert_eq!(Tile::parse(name).unwrap().entries(), entries, "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_is_added_is_what_others_add(from in 0u64..200_000, more in 0u64..200_000, shift in 0u32..35) {
            let (from, to) = (from << shift, (from << shift) + more);
            let ours: Vec<_> = Tile::added(from, to).filter(|tile| tile.row != Row::Entries).map(|tile| tile.path()).collect();
            let expected: Vec<_> = tlog_tiles::Tile::new_tiles(8, from, to).iter().map(theirs).collect();
            prop_assert_eq!(ours, expected);
        }

    }
}
