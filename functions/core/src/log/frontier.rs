//! The compact frontier of a tree: all that is needed to append to it and to tell its root.

use thiserror::Error;

use super::{decimal::MAX_SIZE, hash::Hash};

/// Why bytes are not a frontier.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FrontierError {
    /// Shorter than its size, or no whole number of hashes.
    #[error("a frontier is 8 bytes of size and hashes of 32 bytes")]
    Length,
    /// The size is over [`MAX_SIZE`]; holds it.
    #[error("a tree of {0} entries is too large")]
    TooLarge(u64),
    /// A tree of that size has another number of complete subtrees.
    #[error("a tree of {size} entries has a frontier of {} hashes, not {found}", .size.count_ones())]
    Count {
        /// Entries.
        size: u64,
        /// Hashes that were found.
        found: usize,
    },
}

/// The log has [`MAX_SIZE`] entries and takes no more.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a log has at most {MAX_SIZE} entries")]
pub struct LogFull;

/// The size of a log with one more entry.
pub(super) fn one_more(size: u64) -> Result<u64, LogFull> {
    if size < MAX_SIZE { Ok(size + 1) } else { Err(LogFull) }
}

/// The roots of the complete subtrees that make up a tree, the largest (leftmost) first: one for each 1 in the binary
/// form of its size, at most 63.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a tree without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// The frontier of a tree whose complete subtrees have these roots, the largest first: as many as its size has ones.
    pub(super) fn of_subtrees(size: u64, hashes: Vec<Hash>) -> Self {
        Self { size, hashes }
    }

    fn from_hashes(size: u64, hashes: Vec<Hash>) -> Result<Self, FrontierError> {
        if size > MAX_SIZE {
            return Err(FrontierError::TooLarge(size));
        }
        if u32::try_from(hashes.len()) != Ok(size.count_ones()) {
            return Err(FrontierError::Count { size, found: hashes.len() });
        }
        Ok(Self { size, hashes })
    }

    /// Entries of the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of its complete subtrees, the largest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Appends an entry by its leaf hash ([`Hash::leaf`]).
    pub fn push(&mut self, leaf_hash: Hash) -> Result<(), LogFull> {
        let size = one_more(self.size)?;
        let mut hash = leaf_hash;
        // Each 1 at the end of the size is a subtree that is as large as what was appended so far.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                hash = Hash::node(left, hash);
            }
        }
        self.hashes.push(hash);
        self.size = size;
        Ok(())
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        Hash::root_of_subtrees(self.hashes.iter().copied())
    }

    /// Its stored form: the size as 8 bytes, big endian, and the hashes. At most 2,024 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let hashes = self.hashes.iter().flat_map(Hash::as_bytes);
        self.size.to_be_bytes().iter().chain(hashes).copied().collect()
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let (size, hashes) = bytes.split_first_chunk().ok_or(FrontierError::Length)?;
        Self::from_hashes(u64::from_be_bytes(*size), Hash::list(hashes).ok_or(FrontierError::Length)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tests::{LARGE, leaf_hash_at, their_root};

    #[test]
    fn roots_are_those_of_others() {
        let mut frontier = Frontier::new();
        assert_eq!(frontier.root(), Hash::EMPTY_ROOT);
        for size in 1..=LARGE {
            frontier.push(leaf_hash_at(size - 1)).unwrap();
            assert_eq!((frontier.size(), frontier.hashes.len()), (size, size.count_ones() as usize));
            if size < 70 || [255, 256, 257, 511, 512, 65_535, 65_536, 65_537].contains(&size) {
                assert_eq!(frontier.root(), their_root(size), "{size}");
            }
        }
    }

    #[test]
    fn the_stored_form_is_read_back_or_is_an_error() {
        let mut frontier = Frontier::new();
        for size in 0..300 {
            let bytes = frontier.to_bytes();
            assert_eq!(Frontier::from_bytes(&bytes).as_ref(), Ok(&frontier));
            assert_eq!(Frontier::from_bytes(&[&bytes[..], &[0]].concat()), Err(FrontierError::Length));
            assert_eq!(Frontier::from_bytes(&bytes[..bytes.len() - 1]), Err(FrontierError::Length));
            let longer = Frontier::from_bytes(&[&bytes[..], &[0; 32]].concat());
            assert_eq!(longer, Err(FrontierError::Count { size, found: frontier.hashes.len() + 1 }));
            frontier.push(leaf_hash_at(size)).unwrap();
        }
        let huge = [&u64::MAX.to_be_bytes()[..], &[0; 64 * 32]].concat();
        assert_eq!(Frontier::from_bytes(&huge), Err(FrontierError::TooLarge(u64::MAX)));
        let largest = [&MAX_SIZE.to_be_bytes()[..], &[0; 63 * 32]].concat();
        let mut full = Frontier::from_bytes(&largest).unwrap();
        assert_eq!(full.push(leaf_hash_at(0)), Err(LogFull));
        assert_eq!(full.to_bytes(), largest);
    }
}
