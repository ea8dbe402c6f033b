//! A log of some size to test with, made by an implementation that others wrote.

use std::sync::LazyLock;

use tlog_tiles::HashReader;

use super::{Entry, Hash, Row, Tile, Tiles, Writer, bundle};

/// Entries of the largest log of the tests: more than a full tile of level 1.
pub(crate) const LARGE: u64 = 65_793;

/// The entry with this index.
pub(crate) fn entry(index: u64) -> Entry<'static> {
    Entry::new(format!("entry {index}")).unwrap()
}

/// The leaf hash of a text.
pub(crate) fn leaf_hash(text: &str) -> Hash {
    Hash::leaf(&Entry::new(text).unwrap())
}

/// Its leaf hash.
pub(crate) fn leaf_hash_at(index: u64) -> Hash {
    Hash::leaf(&entry(index))
}

/// The hashes of the largest log, in the order in which `tlog_tiles` numbers them.
pub(crate) struct Theirs(Vec<tlog_tiles::Hash>);

impl HashReader for Theirs {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[usize::try_from(*index).unwrap()]).collect())
    }
}

pub(crate) static THEIRS: LazyLock<Theirs> = LazyLock::new(|| {
    let mut theirs = Theirs(Vec::new());
    for index in 0..LARGE {
        let hashes = tlog_tiles::stored_hashes(index, entry(index).as_bytes(), &theirs).unwrap();
        theirs.0.extend(hashes);
    }
    theirs
});

/// The root of the first so many entries.
pub(crate) fn their_root(size: u64) -> Hash {
    Hash::from_bytes(tlog_tiles::tree_hash(size, &*THEIRS).unwrap().0)
}

/// The content of a tile or bundle of the largest log.
pub(crate) fn large_log(tile: Tile) -> Vec<u8> {
    let Row::Level(level) = tile.row() else {
        let entries: Vec<_> = tile.entries().map(entry).collect();
        return bundle::encode(&entries);
    };
    let width = u32::try_from(tile.width()).unwrap();
    tlog_tiles::Tile::new(8, level, tile.index(), width, false).read_data(&*THEIRS).unwrap()
}

/// All files of a log of so many entries, as our writer makes them at once.
pub(crate) fn log(size: u64) -> Tiles {
    let mut writer = Writer::new();
    let mut files: Vec<_> = (0..size).flat_map(|index| writer.append(&entry(index)).unwrap()).collect();
    files.extend(writer.partial_files());
    files.into_iter().collect()
}
