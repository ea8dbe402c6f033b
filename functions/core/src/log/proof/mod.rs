//! Proofs about a log, as RFC 6962, sections 2.1.1 and 2.1.2, defines them: that it holds an entry, and that it was only
//! appended to.
//!
//! A proof is built in two steps, so that reading the tiles is left to the caller: [`Inclusion::tiles`] says which are
//! needed, [`Inclusion::build`] takes them. What was built from tiles that may be damaged must be verified before it is
//! handed out.

mod consistency;
mod inclusion;
mod node;

use thiserror::Error;

pub use consistency::Consistency;
pub use inclusion::Inclusion;

/// Why a proof cannot be asked for, or does not hold.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ProofError {
    /// The entry's index is not below the size of the log.
    #[error("entry {index} is not among the first {size}")]
    Index {
        /// The entry.
        index: u64,
        /// The size of the log.
        size: u64,
    },
    /// The older log is the larger one.
    #[error("a log of {from} entries cannot have become one of {to}")]
    Sizes {
        /// The size of the older log.
        from: u64,
        /// The size of the newer one.
        to: u64,
    },
    /// More or fewer hashes than a proof about this entry and size has.
    #[error("the proof has {found} hashes, not {expected}")]
    Length {
        /// The hashes that it must have.
        expected: usize,
        /// The hashes that it has.
        found: usize,
    },
    /// The proof leads from the entry to another root.
    #[error("the entry is not at this index of the log with this root")]
    Root,
    /// The proof leads to another root of the older log.
    #[error("the proof is not about the older root")]
    OlderRoot,
    /// The proof leads to another root of the newer log: it is not the older one with more entries.
    #[error("the newer log does not begin with the older one")]
    NewerRoot,
}

/// A proof must have as many hashes as this.
fn check_length(proof: &[super::Hash], expected: usize) -> Result<(), ProofError> {
    if proof.len() == expected { Ok(()) } else { Err(ProofError::Length { expected, found: proof.len() }) }
}

#[cfg(test)]
mod tests;
