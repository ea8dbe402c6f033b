//! Logs that are read from their checkpoints down.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::log::{
    checkpoint::tests::checkpoint,
    tests::{LARGE, large_log, leaf_hash, log, their_root},
};

fn head(size: u64) -> Checkpoint {
    checkpoint("example.com/log", size, their_root(size))
}

/// Verifies every file of a log of which `read` has the files, or returns what is wrong.
fn descend(size: u64, read: impl Fn(Tile) -> Vec<u8>) -> Result<Tiles, AuditError> {
    let of = |tile: Tile| Tiles::from([(tile, read(tile))]);
    let mut left = KnownTile::edge(&head(size), &Tile::edge(size).flat_map(of).collect())?;
    let mut files = Tiles::new();
    while let Some(known) = left.pop() {
        files.insert(known.tile(), known.to_bytes());
        if let Some(bundle) = known.bundle() {
            files.insert(bundle, known.check_bundle(&of(bundle))?);
        }
        for below in known.below() {
            left.push(below.check(&read(below.tile()))?);
        }
    }
    Ok(files)
}

#[test]
fn every_file_of_a_log_is_below_its_checkpoint() {
    for size in [0, 1, 255, 256, 257, 700] {
        let files = log(size);
        assert_eq!(descend(size, |tile| files[&tile].clone()), Ok(files.clone()), "{size}");
    }
    let found: BTreeSet<Tile> = descend(LARGE, large_log).unwrap().into_keys().collect();
    assert_eq!(found, Tile::added(0, LARGE).collect());
}

#[test]
fn the_root_of_a_smaller_size_follows_from_the_tiles_at_its_edge() {
    let files = log(700);
    let tile = |name: &str| Tile::parse(name).unwrap();
    let known = |name: &str| KnownTile { tile: tile(name), hashes: tile(name).hashes(&files).unwrap() };
    let all = ["0/000", "0/001", "0/002.p/188", "1/000.p/2"].map(known);
    for size in [0, 1, 255, 256, 257, 511, 512, 600, 700] {
        assert_eq!(KnownTile::root_at(size, &all), Ok(their_root(size)), "{size}");
    }
    assert_eq!(KnownTile::root_at(300, &all[2..]), Err(TileError::Missing(tile("0/001.p/44"))));
    assert_eq!(KnownTile::root_at(701, &all), Err(TileError::Missing(tile("0/002.p/189"))));
}

#[test]
fn full_files_serve_in_the_place_of_partial_ones() {
    let (small, large) = (log(600), log(768));
    let stored = |tile: Tile| large.get(&tile).or_else(|| small.get(&tile)).unwrap().clone();
    let names = ["0/002", "1/000.p/2", "entries/002"].map(|name| Tile::parse(name).unwrap());
    let mut read: Tiles = names.map(|tile| (tile, stored(tile))).into();
    let edge = KnownTile::edge(&head(600), &read).unwrap();
    let partial = Tile::parse("entries/002.p/88").unwrap();
    assert_eq!(edge[0].to_bytes(), small[&Tile::parse("0/002.p/88").unwrap()]);
    assert_eq!(edge[0].check_bundle(&read), Ok(small[&partial].clone()));
    assert_eq!((edge[0].bundle(), edge[1].bundle()), (Some(partial), None));
    read.clear();
    assert!(matches!(KnownTile::edge(&head(600), &read), Err(AuditError::Tile(TileError::Missing(_)))));
}

#[test]
fn the_tiles_of_another_log_have_another_root() {
    let (signed, found) = (leaf_hash("other"), their_root(300));
    let other = checkpoint("example.com/log", 300, signed);
    assert_eq!(KnownTile::edge(&other, &log(300)), Err(AuditError::Root { size: 300, signed, found }));
}

proptest! {
    #[test]
    fn a_changed_byte_is_found_and_its_file_named(size in 1u64..700, file: prop::sample::Index, at: prop::sample::Index, bit in 0..8u8) {
        let mut files = log(size);
        let changed = *file.get(&files.keys().copied().collect::<Vec<_>>());
        let bytes = files.get_mut(&changed).unwrap();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let named = match descend(size, |tile| files[&tile].clone()).unwrap_err() {
            AuditError::Tile(TileError::Bundle { bundle, .. }) | AuditError::Entry { bundle, .. } => Some(bundle),
            AuditError::OtherTile(tile) => Some(tile),
            // The root is that of all tiles at the edge.
            AuditError::Root { .. } => changed.is_partial().then_some(changed),
            _ => None,
        };
        prop_assert_eq!(named, Some(changed));
    }
}
