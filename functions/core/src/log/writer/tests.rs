//! Logs that grow, against logs that others made.

use proptest::prelude::*;

use super::*;
use crate::log::{
    bundle::BundleError,
    checkpoint::tests::checkpoint,
    tests::{entry, large_log, leaf_hash, log, their_root},
};

/// Grows a log from size to size, each time from what the last time left, as runs of a function do.
fn grow(steps: &[u64]) -> Tiles {
    let (mut stored, mut size, mut root) = (Tiles::new(), 0, Hash::EMPTY_ROOT);
    for step in steps {
        let read = Writer::needs(size).map(|tile| (tile, stored[&tile].clone())).collect();
        let mut writer = Writer::resume(&checkpoint("log", size, root), &read).unwrap();
        let mut files = Vec::new();
        for index in size..size + step {
            files.extend(writer.append(&entry(index)).unwrap());
        }
        files.extend(writer.partial_files());
        let mut names: Vec<Tile> = files.iter().map(|(tile, _)| *tile).collect();
        (size, root) = (writer.size(), writer.frontier().root());
        assert_eq!(root, their_root(size));
        let mut expected: Vec<Tile> = Tile::added(size - step, size).collect();
        names.sort();
        expected.sort();
        assert_eq!(names, expected);
        for (tile, bytes) in files {
            assert!(stored.insert(tile, bytes).is_none(), "{} is written once", tile.path());
        }
    }
    stored
}

/// What is wrong with a log of this size, whose files are changed before it is continued.
fn resumed(size: u64, change: impl FnOnce(&mut Tiles)) -> Option<ResumeError> {
    let mut read: Tiles = Writer::needs(size).map(|tile| (tile, large_log(tile))).collect();
    change(&mut read);
    Writer::resume(&checkpoint("log", size, their_root(size)), &read).err()
}

fn shorten(read: &mut Tiles, tile: Tile) {
    read.get_mut(&tile).unwrap().pop();
}

fn tile(name: &str) -> Tile {
    Tile::parse(name).unwrap()
}

#[test]
fn tiles_are_those_of_others() {
    for size in [1, 255, 256, 257, 65_536] {
        for (tile, bytes) in log(size) {
            assert_eq!(bytes, large_log(tile), "{size} {}", tile.path());
        }
    }
    let needs: Vec<_> = Writer::needs(70_000).map(|tile| tile.path()).collect();
    let edge = ["tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"];
    assert_eq!(needs, edge);
}

#[test]
fn a_log_grows_over_the_end_of_a_tile_of_level_1() {
    for steps in [&[65_535, 1, 1][..], &[65_530, 3, 10, 250]] {
        for (tile, bytes) in grow(steps) {
            assert_eq!(bytes, large_log(tile), "{}", tile.path());
        }
    }
}

#[test]
fn an_edge_is_not_continued_unless_it_fits() {
    assert_eq!(resumed(70, |_| ()), None);
    assert_eq!(resumed(65_793, |_| ()), None);
    let (zero, bundle) = (tile("0/000.p/70"), tile("entries/000.p/70"));
    let missing = |tile| Some(ResumeError::Tile(TileError::Missing(tile)));
    assert_eq!(resumed(70, Tiles::clear), missing(zero));
    assert_eq!(resumed(70, |read| read.retain(|tile, _| *tile != bundle)), missing(bundle));
    let shorter = resumed(70, |read| shorten(read, zero));
    assert_eq!(shorter, Some(ResumeError::Tile(TileError::Length(zero))));
    let shorter = resumed(70, |read| shorten(read, bundle));
    let error = BundleError::Truncated(69);
    assert_eq!(shorter, Some(ResumeError::Tile(TileError::Bundle { bundle, error })));
    let other = resumed(70, |read| read.get_mut(&bundle).unwrap()[2] ^= 1);
    assert_eq!(other, Some(ResumeError::Entry(0)));
    let other = resumed(70, |read| read.get_mut(&zero).unwrap()[31] ^= 1);
    assert!(matches!(other, Some(ResumeError::Root { .. })));
}

#[test]
fn a_full_tile_serves_in_the_place_of_a_partial_one() {
    let full = resumed(70, |read| {
        *read = read.keys().map(|tile| (tile.full(), large_log(tile.full()))).collect();
    });
    assert_eq!(full, None);
}

#[test]
fn the_files_of_a_log_of_one_entry() {
    let mut writer = Writer::new();
    writer.append(&Entry::new("a").unwrap()).unwrap();
    assert_eq!((writer.size(), writer.frontier().root()), (1, leaf_hash("a")));
    let (bundle, hashes) = (vec![0, 1, b'a'], leaf_hash("a").as_bytes().to_vec());
    assert_eq!(writer.partial_files(), [(tile("entries/000.p/1"), bundle), (tile("0/000.p/1"), hashes)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn growing_in_steps_writes_what_growing_at_once_writes(steps in proptest::collection::vec(0u64..300, 1..8)) {
        let (stored, size) = (grow(&steps), steps.iter().sum());
        for (tile, bytes) in log(size) {
            prop_assert_eq!(&stored[&tile], &bytes, "{}", tile.path());
        }
    }
}
