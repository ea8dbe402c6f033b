//! The proof that a log holds an entry.

use std::collections::BTreeSet;

use super::{
    ProofError, check_length,
    node::{self, Subtree, way},
};
use crate::log::{Hash, Tile, TileError, Tiles};

/// The question whether a log of some size holds an entry at an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    index: u64,
    size: u64,
    /// What the proof holds, from the entry's sibling up.
    path: Vec<Subtree>,
}

impl Inclusion {
    /// Asks for the entry with this index of a log of so many entries. [`ProofError::Index`] if it has no such entry.
    pub fn new(index: u64, size: u64) -> Result<Self, ProofError> {
        if index >= size {
            return Err(ProofError::Index { index, size });
        }
        let (_, path) = way(size, |_, split| Some(index < split));
        Ok(Self { index, size, path })
    }

    /// The tiles that the proof is built from, as a log of that size has them.
    pub fn tiles(&self) -> BTreeSet<Tile> {
        node::tiles(&self.path, self.size)
    }

    /// Builds the proof: the hashes beside the way from the entry to the root, the entry's sibling first.
    pub fn build(&self, tiles: &Tiles) -> Result<Vec<Hash>, TileError> {
        node::read(&self.path, self.size, tiles)
    }

    /// Verifies that the entry with this leaf hash ([`Hash::leaf`]) is at the index of the log with this root.
    pub fn verify(&self, leaf_hash: Hash, root: Hash, proof: &[Hash]) -> Result<(), ProofError> {
        check_length(proof, self.path.len())?;
        let found = self.path.iter().zip(proof).fold(leaf_hash, |below, (subtree, beside)| {
            if subtree.0.start > self.index { Hash::node(below, *beside) } else { Hash::node(*beside, below) }
        });
        if found == root { Ok(()) } else { Err(ProofError::Root) }
    }
}
