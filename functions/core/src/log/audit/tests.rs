//! Whole logs, and logs of which a byte was changed.

use proptest::prelude::*;

use super::*;
use crate::log::{
    Tiles,
    checkpoint::tests::checkpoint,
    tests::{leaf_hash, log, their_root},
};

fn head(size: u64) -> Checkpoint {
    checkpoint("example.com/log", size, their_root(size))
}

/// Verifies the log that these files are.
fn run(mut audit: Audit, files: &Tiles) -> Result<(), AuditError> {
    while let Some((bundle, leaves)) = audit.needs() {
        for made in audit.add(&files[&bundle], &files[&leaves])? {
            audit.compare(&made, &files[&made.0]);
        }
    }
    audit.finish()
}

/// What is found after a file of a log was changed.
fn changed(size: u64, tile: Tile, change: impl FnOnce(&mut Vec<u8>)) -> Option<AuditError> {
    let mut files = log(size);
    change(files.get_mut(&tile).unwrap());
    run(Audit::new(&head(size)), &files).err()
}

fn tile(name: &str) -> Tile {
    Tile::parse(name).unwrap()
}

#[test]
fn a_whole_log_holds() {
    for size in [0, 1, 255, 256, 257, 700, 65_793] {
        let mut audit = Audit::new(&head(size));
        for earlier in [0, 1, 2, 256, 300, size].into_iter().filter(|earlier| *earlier <= size) {
            audit = audit.with_earlier(&head(earlier)).unwrap();
        }
        assert_eq!(run(audit, &log(size)), Ok(()), "{size}");
    }
}

#[test]
fn what_was_changed_is_named() {
    let (bundle, leaves, above) = (tile("entries/001"), tile("0/001"), tile("1/000.p/2"));
    let flip = |at: usize| move |bytes: &mut Vec<u8>| bytes[at] ^= 1;
    for (changed_file, at, error) in [
        (bundle, 2, AuditError::Entry { index: 256, bundle }),
        (leaves, 40, AuditError::OtherTile(leaves)),
        (above, 0, AuditError::OtherTile(above)),
    ] {
        assert_eq!(changed(600, changed_file, flip(at)), Some(error));
    }
    let shorter = |bytes: &mut Vec<u8>| drop(bytes.split_off(1));
    assert!(matches!(changed(600, bundle, shorter), Some(AuditError::Bundle { .. })));
    assert_eq!(changed(600, leaves, shorter), Some(AuditError::Tile(TileError::Length(leaves))));
    assert_eq!(changed(600, above, shorter), Some(AuditError::OtherTile(above)));
}

#[test]
fn a_log_that_is_not_the_signed_one_is_found() {
    let (size, signed, found) = (300, leaf_hash("other"), their_root(300));
    let other = checkpoint("example.com/log", size, signed);
    let not_signed = || AuditError::Root { size, signed, found };
    assert_eq!(run(Audit::new(&other), &log(size)), Err(not_signed()));
    let earlier = Audit::new(&head(400)).with_earlier(&other).unwrap();
    assert_eq!(run(earlier, &log(400)), Err(not_signed()));
    assert_eq!(Audit::new(&head(size)).with_earlier(&other).err(), Some(ProofError::NewerRoot));
    let larger = Audit::new(&head(size)).with_earlier(&head(301)).err();
    assert_eq!(larger, Some(ProofError::Sizes { from: 301, to: size }));
    assert_eq!(Audit::new(&head(size)).finish(), Err(AuditError::Unfinished(0)));
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
            Some(AuditError::Bundle { bundle, .. } | AuditError::Entry { bundle, .. }) => Some(bundle),
            Some(AuditError::OtherTile(tile)) => Some(tile),
            _ => None,
        };
        prop_assert_eq!(named, Some(tile));
    }
}
