//! The proof that a log was only appended to.

use std::collections::BTreeSet;

use super::{
    ProofError, check_length,
    node::{self, Subtree, way},
};
use crate::log::{Hash, Tile, TileError, Tiles};

/// The question whether a log of one size is the beginning of a log of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    from: u64,
    to: u64,
    /// What the proof holds: where the way to the end of the older log ends, unless that is the whole older log, whose root
    /// the verifier has; then what stands beside the way up from there.
    proof: Vec<Subtree>,
    /// Whether the proof begins with where the way ends.
    has_end: bool,
}

impl Consistency {
    /// Asks about an older and a newer size. [`ProofError::Sizes`] if the older one is larger.
    pub fn new(from: u64, to: u64) -> Result<Self, ProofError> {
        if from > to {
            return Err(ProofError::Sizes { from, to });
        }
        // Nothing is to be proved of a log without entries: every log begins with it.
        let size = if from == 0 { 0 } else { to };
        let (end, mut proof) = way(size, |here, split| (here.end != from).then_some(from <= split));
        let has_end = end.start > 0;
        if has_end {
            proof.insert(0, Subtree(end));
        }
        Ok(Self { from, to, proof, has_end })
    }

    /// The tiles that the proof is built from, as the newer log has them.
    pub fn tiles(&self) -> BTreeSet<Tile> {
        node::tiles(&self.proof, self.to)
    }

    /// Builds the proof in the order of RFC 6962, section 2.1.2. It is empty where the sizes are equal or the older one is 0.
    pub fn build(&self, tiles: &Tiles) -> Result<Vec<Hash>, TileError> {
        node::read(&self.proof, self.to, tiles)
    }

    /// Verifies that the log with the newer root begins with the one with the older root.
    pub fn verify(&self, older: Hash, newer: Hash, proof: &[Hash]) -> Result<(), ProofError> {
        check_length(proof, self.proof.len())?;
        for (size, root, error) in [(self.from, older, ProofError::OlderRoot), (self.to, newer, ProofError::NewerRoot)]
        {
            if size == 0 && root != Hash::EMPTY_ROOT {
                return Err(error);
            }
        }
        if self.from == 0 {
            return Ok(());
        }
        let mut steps = self.proof.iter().zip(proof);
        let end = if self.has_end { steps.next().map_or(older, |(_, hash)| *hash) } else { older };
        let (found_older, found_newer) = steps.fold((end, end), |(old, new), (subtree, beside)| {
            // What stands on the right is not part of the older log.
            let is_new = subtree.0.start >= self.from;
            if is_new { (old, Hash::node(new, *beside)) } else { (Hash::node(*beside, old), Hash::node(*beside, new)) }
        });
        match (found_older == older, found_newer == newer) {
            (false, _) => Err(ProofError::OlderRoot),
            (true, false) => Err(ProofError::NewerRoot),
            (true, true) => Ok(()),
        }
    }
}
