//! The hashes of a Merkle tree, as RFC 6962, section 2.1, defines them over SHA-256.

use std::{fmt, str::FromStr};

use base64::{Engine, display::Base64Display, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::entry::Entry;
use crate::text::serde_as_text;

/// The text is not 32 bytes in standard base64 with padding.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a hash: 44 characters of standard base64")]
pub struct BadHash;

/// A node of the tree, 32 bytes. Its text is standard base64 with padding, as checkpoints and proofs write it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The length of a hash in bytes.
    pub const BYTES: usize = 32;

    /// The root of a tree without entries: SHA-256 of nothing.
    pub const EMPTY_ROOT: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae,
        0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]);

    /// The leaf hash of an entry: `SHA-256(0x00 ‖ entry)`.
    pub fn leaf(entry: &Entry) -> Self {
        Self(Sha256::new().chain_update([0]).chain_update(entry.as_bytes()).finalize().into())
    }

    /// The hash of a node with two children: `SHA-256(0x01 ‖ left ‖ right)`.
    pub fn node(left: Self, right: Self) -> Self {
        Self(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
    }

    /// Takes the bytes of a hash.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Hashes that stand one after the other; `None` if the length is not a multiple of 32.
    pub(super) fn list(bytes: &[u8]) -> Option<Vec<Self>> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        rest.is_empty().then(|| hashes.iter().copied().map(Self).collect())
    }

    /// The root of the tree over these hashes of one height. It is split at the largest power of 2 below their number.
    pub(super) fn root(hashes: &[Self]) -> Self {
        match hashes {
            [] => Self::EMPTY_ROOT,
            [one] => *one,
            more => {
                let (left, right) = more.split_at(more.len().next_power_of_two() / 2);
                Self::node(Self::root(left), Self::root(right))
            }
        }
    }

    /// The root of the tree that is made up of complete subtrees with these roots, the largest first.
    pub(super) fn root_of_subtrees(roots: impl DoubleEndedIterator<Item = Self>) -> Self {
        roots.rev().reduce(|right, left| Self::node(left, right)).unwrap_or(Self::EMPTY_ROOT)
    }
}

impl FromStr for Hash {
    type Err = BadHash;

    fn from_str(text: &str) -> Result<Self, BadHash> {
        STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(BadHash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Base64Display::new(&self.0, &STANDARD).fmt(f)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

serde_as_text!(Hash);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tests::{leaf_hash, leaf_hash_at, their_root};

    #[test]
    fn hashes_are_those_of_the_rfc() {
        assert_eq!(Hash::EMPTY_ROOT.as_bytes()[..], Sha256::digest(b"")[..]);
        // Known from Certificate Transparency's test vectors: the leaf hash of an empty entry.
        assert_eq!(leaf_hash("").to_string(), "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=");
        let (left, right) = (leaf_hash("a"), leaf_hash("b"));
        let theirs = tlog_tiles::node_hash(tlog_tiles::record_hash(b"a"), tlog_tiles::record_hash(b"b"));
        assert_eq!(Hash::node(left, right).as_bytes(), &theirs.0);
    }

    #[test]
    fn the_text_has_one_form() {
        let text = Hash::EMPTY_ROOT.to_string();
        assert_eq!(text.parse(), Ok(Hash::EMPTY_ROOT));
        assert_eq!(serde_json::to_value(Hash::EMPTY_ROOT).unwrap(), text);
        let unpadded = text.trim_end_matches('=').to_owned();
        let other_end = format!("{}V=", &text[..42]);
        for bad in ["", &unpadded, &other_end, &format!("{text}\n"), &format!(" {text}"), "AAAA"] {
            assert_eq!(bad.parse::<Hash>(), Err(BadHash), "{bad}");
        }
    }

    #[test]
    fn a_root_is_that_of_others() {
        let hashes: Vec<Hash> = (0..300).map(leaf_hash_at).collect();
        for size in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 256, 257, 300] {
            assert_eq!(Hash::root(&hashes[..size]), their_root(size as u64), "{size}");
        }
    }
}
