//! Whole logs, and logs of which a byte was changed.

use proptest::prelude::*;

use super::*;
use crate::log::{
    TileError,
    checkpoint::tests::checkpoint,
    tests::{leaf_hash, log, their_root},
};

fn head(size: u64) -> Checkpoint {
    checkpoint("example.com/log", size, their_root(size))
}

/// Verifies the log that these files are. It reads of each only what it is asked for, as a program does.
fn run(mut audit: Audit, files: &Tiles) -> Result<(), AuditError> {
    let read = |names: Vec<Tile>| -> Tiles {
        let found = names.iter().flat_map(|tile| [*tile, tile.full()]);
        found.filter_map(|tile| Some((tile, files.get(&tile)?.clone()))).collect()
    };
    while let Some((bundle, tile)) = audit.needs() {
        audit.add(&read(vec![bundle, tile]))?;
        let names = audit.uncompared().collect();
        audit.compare(&read(names))?;
    }
    audit.finish()
}

fn audit(size: u64) -> Audit {
    Audit::new(&head(size), &[]).unwrap()
}

/// What is found after a file of a log was changed.
fn changed(size: u64, tile: Tile, change: impl FnOnce(&mut Vec<u8>)) -> Option<AuditError> {
    let mut files = log(size);
    change(files.get_mut(&tile).unwrap());
    run(audit(size), &files).err()
}

fn tile(name: &str) -> Tile {
    Tile::parse(name).unwrap()
}

#[test]
fn a_whole_log_holds() {
    for size in [0, 1, 255, 256, 257, 700, 65_793] {
        let earlier: Vec<_> = [0, 1, 2, 256, 300, size].into_iter().filter(|earlier| *earlier <= size).collect();
        let earlier: Vec<_> = earlier.into_iter().map(head).collect();
        assert_eq!(run(Audit::new(&head(size), &earlier).unwrap(), &log(size)), Ok(()), "{size}");
    }
}

#[test]
fn what_was_changed_is_named() {
    let (bundle, hashes, above) = (tile("entries/001"), tile("0/001"), tile("1/000.p/2"));
    let flip = |at: usize| move |bytes: &mut Vec<u8>| bytes[at] ^= 1;
    for (changed_file, at, error) in [
        (bundle, 2, AuditError::Entry { index: 256, bundle }),
        (hashes, 40, AuditError::OtherTile(hashes)),
        (above, 0, AuditError::OtherTile(above)),
    ] {
        assert_eq!(changed(600, changed_file, flip(at)), Some(error));
    }
    let shorter = |bytes: &mut Vec<u8>| drop(bytes.split_off(1));
    assert!(matches!(changed(600, bundle, shorter), Some(AuditError::Tile(TileError::Bundle { .. }))));
    for tile in [hashes, above] {
        assert_eq!(changed(600, tile, shorter), Some(AuditError::Tile(TileError::Length(tile))));
    }
}

#[test]
fn full_files_serve_in_the_place_of_partial_ones_that_were_removed() {
    let (small, large) = (600, 65_792);
    let mut files = log(small);
    files.retain(|tile, _| !tile.is_partial());
    files.extend(log(large).into_iter().filter(|(tile, _)| tile.row() != Row::Level(1) || !tile.is_partial()));
    assert!(files.contains_key(&tile("1/000")) && !files.contains_key(&tile("1/000.p/2")));
    assert_eq!(run(audit(small), &files), Ok(()));
    for (name, at) in [("entries/002", 2), ("0/002", 0), ("1/000", 0)] {
        let mut other = files.clone();
        other.get_mut(&tile(name)).unwrap()[at] ^= 1;
        assert!(run(audit(small), &other).is_err(), "{name}");
        other.get_mut(&tile(name)).unwrap().pop();
        assert!(matches!(run(audit(small), &other), Err(AuditError::Tile(_))), "{name}");
        other.remove(&tile(name));
        assert!(matches!(run(audit(small), &other), Err(AuditError::Tile(TileError::Missing(_)))), "{name}");
    }
}

#[test]
fn a_log_that_is_not_the_signed_one_is_found() {
    let (size, signed, found) = (300, leaf_hash("other"), their_root(300));
    let other = checkpoint("example.com/log", size, signed);
    let not_signed = || AuditError::Root { size, signed, found };
    assert_eq!(run(Audit::new(&other, &[]).unwrap(), &log(size)), Err(not_signed()));
    let earlier = Audit::new(&head(400), &[head(1), other.clone(), head(400)]).unwrap();
    assert_eq!(run(earlier, &log(400)), Err(not_signed()));
    assert_eq!(audit(size).finish(), Err(AuditError::Unfinished(0)));
}

#[test]
fn checkpoints_that_cannot_be_of_one_log_are_told_apart() {
    let (size, last, next) = (300, leaf_hash("other"), their_root(300));
    let (other, elsewhere) = (checkpoint("example.com/log", size, last), checkpoint("example.com/b", 1, their_root(1)));
    let conflict = |head: &Checkpoint, earlier: &[Checkpoint]| Audit::new(head, earlier).err();
    let two_roots = Conflict::OtherRoot { size, last, next };
    assert_eq!(conflict(&head(size), std::slice::from_ref(&other)), Some(two_roots));
    let two_roots = Conflict::OtherRoot { size, last, next };
    assert_eq!(conflict(&head(400), &[other, head(size)]), Some(two_roots));
    assert_eq!(conflict(&head(size), &[head(301)]), Some(Conflict::Smaller { last: 301, next: size }));
    let other_log = Conflict::OtherLog { last: elsewhere.origin().clone(), next: head(1).origin().clone() };
    assert_eq!(conflict(&head(size), &[elsewhere]), Some(other_log));
}

#[test]
fn a_tile_that_was_not_compared_is_named() {
    let (files, above) = (log(600), tile("1/000.p/2"));
    let mut audit = audit(600);
    while audit.needs().is_some() {
        audit.add(&files).unwrap();
    }
    assert_eq!(audit.uncompared().collect::<Vec<_>>(), [above]);
    assert_eq!(audit.compare(&Tiles::new()), Err(AuditError::Tile(TileError::Missing(above))));
    assert_eq!(audit.finish(), Err(AuditError::Uncompared(above)));
}

proptest! {
    #[test]
    fn a_changed_byte_is_found_and_its_file_named(size in 1u64..700, file: prop::sample::Index, at: prop::sample::Index, bit in 0..8u8) {
        let tiles: Vec<_> = log(size).into_keys().collect();
        let tile = *file.get(&tiles);
        let error = changed(size, tile, |bytes| {
            let place = at.index(bytes.len());
            bytes[place] ^= 1 << bit;
        });
        let named = match error {
            Some(AuditError::Tile(TileError::Bundle { bundle, .. }) | AuditError::Entry { bundle, .. }) => Some(bundle),
            Some(AuditError::OtherTile(tile)) => Some(tile),
            _ => None,
        };
        prop_assert_eq!(named, Some(tile));
    }
}
