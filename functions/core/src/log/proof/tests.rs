//! Proofs of logs of all kinds of sizes, against those of implementations that others wrote.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

use super::*;
use crate::log::{
    Hash, MAX_SIZE, Tile, TileError, Tiles,
    tests::{LARGE, THEIRS, entry, large_log, leaf_hash, leaf_hash_at, their_root},
};

const BOUNDARIES: [u64; 13] = [1, 2, 3, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, LARGE];

fn read(tiles: impl IntoIterator<Item = Tile>) -> Tiles {
    tiles.into_iter().map(|tile| (tile, large_log(tile))).collect()
}

fn inclusion(index: u64, size: u64) -> Vec<Hash> {
    let question = Inclusion::new(index, size).unwrap();
    let proof = question.build(&read(question.tiles())).unwrap();
    assert_eq!(question.verify(leaf_hash_at(index), their_root(size), &proof), Ok(()), "{index} of {size}");
    proof
}

fn consistency(from: u64, to: u64) -> Vec<Hash> {
    let question = Consistency::new(from, to).unwrap();
    let proof = question.build(&read(question.tiles())).unwrap();
    assert_eq!(question.verify(their_root(from), their_root(to), &proof), Ok(()), "{from} to {to}");
    proof
}

fn ours(theirs: Vec<tlog_tiles::Hash>) -> Vec<Hash> {
    theirs.into_iter().map(|hash| Hash::from_bytes(hash.0)).collect()
}

fn in_tlog_tiles(index: u64, size: u64) -> (Vec<Hash>, Vec<Hash>) {
    let included = tlog_tiles::prove_record(size, index, &*THEIRS).unwrap();
    let appended = tlog_tiles::prove_tree(size, index + 1, &*THEIRS).unwrap();
    (ours(included), ours(appended))
}

/// A size from 1, mostly a small one, and an index below it.
fn index_and_size() -> impl Strategy<Value = (u64, u64)> {
    prop_oneof![1..700u64, 65_500..=LARGE].prop_flat_map(|size| (0..size, Just(size)))
}

#[test]
fn proofs_of_sizes_at_boundaries_are_those_of_others() {
    for size in BOUNDARIES {
        for index in BOUNDARIES.iter().map(|other| other - 1).filter(|index| *index < size) {
            assert_eq!((inclusion(index, size), consistency(index + 1, size)), in_tlog_tiles(index, size));
        }
    }
}

#[test]
fn every_proof_of_a_small_log_is_that_of_ct_merkle() {
    let mut tree = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for size in 1..=20 {
        tree.push(entry(size - 1).as_bytes().to_vec());
        assert_eq!(their_root(size).as_bytes()[..], tree.root().as_bytes()[..]);
        for index in 0..usize::try_from(size).unwrap() {
            let proof = inclusion(index as u64, size);
            assert_eq!(
                proof.iter().flat_map(Hash::as_bytes).copied().collect::<Vec<_>>(),
                tree.prove_inclusion(index).as_bytes()
            );
            let proof = consistency(size - index as u64, size);
            assert_eq!(
                proof.iter().flat_map(Hash::as_bytes).copied().collect::<Vec<_>>(),
                tree.prove_consistency(index).as_bytes()
            );
        }
    }
}

#[test]
fn questions_that_have_no_answer_are_errors() {
    for (index, size) in [(0, 0), (1, 1), (u64::MAX, u64::MAX), (MAX_SIZE, MAX_SIZE)] {
        assert_eq!(Inclusion::new(index, size), Err(ProofError::Index { index, size }));
    }
    assert_eq!(Consistency::new(2, 1), Err(ProofError::Sizes { from: 2, to: 1 }));
    // The largest logs have proofs that nobody can build.
    for size in [MAX_SIZE, u64::MAX] {
        let question = Inclusion::new(size - 1, size).unwrap();
        assert!(matches!(question.build(&Tiles::new()), Err(TileError::Missing(_))));
        assert_eq!(Consistency::new(size / 3, size).unwrap().tiles().len(), 15, "two a level");
    }
}

#[test]
fn a_log_begins_with_itself_and_with_nothing() {
    let (a, b) = (leaf_hash("a"), leaf_hash("b"));
    let verify = |from, to, older, newer| Consistency::new(from, to).unwrap().verify(older, newer, &[]);
    for (from, to, older, newer, expected) in [
        (0, 0, Hash::EMPTY_ROOT, Hash::EMPTY_ROOT, Ok(())),
        (0, 0, Hash::EMPTY_ROOT, a, Err(ProofError::NewerRoot)),
        (0, 0, a, a, Err(ProofError::OlderRoot)),
        (0, 5, Hash::EMPTY_ROOT, a, Ok(())),
        (0, 5, b, a, Err(ProofError::OlderRoot)),
        (5, 5, a, a, Ok(())),
        (5, 5, a, b, Err(ProofError::NewerRoot)),
        (4, 5, a, b, Err(ProofError::Length { expected: 1, found: 0 })),
    ] {
        assert_eq!(verify(from, to, older, newer), expected, "{from} {to}");
    }
}

#[test]
fn a_missing_or_short_tile_is_named() {
    let question = Inclusion::new(3, 300).unwrap();
    let tiles = read(question.tiles());
    assert_eq!(tiles.len(), 2);
    for tile in tiles.keys() {
        let mut missing = tiles.clone();
        missing.remove(tile);
        assert_eq!(question.build(&missing), Err(TileError::Missing(*tile)));
        missing.insert(*tile, tiles[tile][1..].to_vec());
        assert_eq!(question.build(&missing), Err(TileError::Length(*tile)));
        let full = tile.full();
        missing.remove(tile);
        missing.insert(full, large_log(full));
        assert_eq!(question.build(&missing), question.build(&tiles), "the full tile serves as well");
    }
}

proptest! {
    #[test]
    fn proofs_are_those_of_others((index, size) in index_and_size()) {
        prop_assert_eq!((inclusion(index, size), consistency(index + 1, size)), in_tlog_tiles(index, size));
    }

    #[test]
    fn a_changed_proof_does_not_hold((index, size) in index_and_size(), at: prop::sample::Index, bit in 0..8u8) {
        let change = |proof: &mut Vec<Hash>| {
            if !proof.is_empty() {
                let hash = at.index(proof.len());
                let mut bytes = *proof[hash].as_bytes();
                bytes[at.index(32)] ^= 1 << bit;
                proof[hash] = Hash::from_bytes(bytes);
            }
        };
        let (mut included, mut appended) = in_tlog_tiles(index, size);
        let question = Inclusion::new(index, size).unwrap();
        let root = their_root(size);
        let longer = [&included[..], &[root]].concat();
        prop_assert!(matches!(question.verify(leaf_hash_at(index), root, &longer), Err(ProofError::Length { .. })), "longer");
        prop_assert_eq!(question.verify(leaf_hash_at(index + 1), root, &included), Err(ProofError::Root));
        change(&mut included);
        prop_assert_eq!(question.verify(leaf_hash_at(index), root, &included).is_err(), size > 1);
        change(&mut appended);
        let question = Consistency::new(index + 1, size).unwrap();
        prop_assert_eq!(question.verify(their_root(index + 1), root, &appended).is_err(), index + 1 < size);
    }

    #[test]
    fn a_changed_tile_is_found_when_its_proof_is_verified((index, size) in index_and_size(), at: prop::sample::Index) {
        let question = Inclusion::new(index, size).unwrap();
        let mut tiles = read(question.tiles());
        let proof = question.build(&tiles).unwrap();
        if let Some(bytes) = tiles.values_mut().nth(at.index(2)) {
            let place = at.index(bytes.len());
            bytes[place] ^= 1;
        }
        let changed = question.build(&tiles).unwrap();
        let verified = question.verify(leaf_hash_at(index), their_root(size), &changed);
        prop_assert_eq!(verified.is_err(), changed != proof);
    }
}
