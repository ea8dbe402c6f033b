//! Keyed hashes: how an identifier becomes a key of the table that does not reveal it.

use std::fmt;

use base64::{
    Engine,
    display::Base64Display,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

use crate::{
    identifier::IdentifierType,
    job::{Group, JobGroup},
    space::SpaceId,
    text::serde_as_text,
};

/// The text is not a master key.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the identifier key must be 32 random bytes in base64, as `openssl rand -base64 32` prints them")]
pub struct BadMasterKey;

/// The one secret of a site: 32 random bytes from which every space's key is derived. It must outlive the stack: without
/// it no tombstone can be found again.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// Reads 32 bytes in standard base64.
    pub fn from_base64(text: &str) -> Result<Self, BadMasterKey> {
        secret_bytes(text).map(Self).ok_or(BadMasterKey)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key of one space: `HMAC(master, "space" ‖ 0 ‖ id)`, so that equal identifiers of two spaces differ.
    pub fn space_key(&self, space: &SpaceId) -> SpaceKey {
        SpaceKey(mac(&self.0, &[b"space", space.as_str().as_bytes()]))
    }

    /// A value that identifies this key without revealing it; kept in the table, to notice a wrong key.
    pub fn check_value(&self) -> String {
        URL_SAFE_NO_PAD.encode(mac(&self.0, &[b"check"]))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// The key under which one space's identifiers are hashed.
#[derive(Clone)]
pub struct SpaceKey([u8; 32]);

impl SpaceKey {
    /// The hash of an identifier: `HMAC(K, type ‖ 0 ‖ value)`. The value must be normalised for its type already.
    pub fn identifier(&self, id_type: &IdentifierType, normalised: &str) -> IdHash {
        IdHash(mac(&self.0, &[id_type.as_str().as_bytes(), normalised.as_bytes()]))
    }

    /// The hash of an `Idempotency-Key`. The empty first part keeps it apart from the hash of any identifier.
    pub fn idempotency_key(&self, key: &str) -> String {
        URL_SAFE_NO_PAD.encode(mac(&self.0, &[b"", b"idempotency", key.as_bytes()]))
    }

    /// A group with its hash, as records hold it.
    pub fn group(&self, label: Group) -> JobGroup {
        let hash = GroupHash(mac(&self.0, &[b"", b"group", label.as_str().as_bytes()]));
        JobGroup { label, hash }
    }

    /// A hash of a request's method, decoded path and body, by which another request under the same key is recognised.
    pub fn request_content(&self, method: &str, path: &str, body: &[u8]) -> String {
        let length = path.len().to_be_bytes();
        URL_SAFE_NO_PAD.encode(mac(&self.0, &[b"", b"content", method.as_bytes(), &length, path.as_bytes(), body]))
    }
}

impl fmt::Debug for SpaceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpaceKey(…)")
    }
}

/// The keyed hash of an identifier: its key in the table, 43 characters of base64url, whatever the identifier was.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdHash([u8; 32]);

impl IdHash {
    /// Takes a hash as the rows of a chunk hold it.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, as the rows of a chunk hold them.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The keyed hash of a group's label, which is a client's text: records keep it in the place of the label.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupHash([u8; 32]);

/// A hash as text: 43 characters of base64url.
macro_rules! hash_as_text {
    ($type:ident, $kind:literal) => {
        impl std::str::FromStr for $type {
            type Err = $crate::id::BadId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::key::hash_bytes(text).map(Self).ok_or($crate::id::BadId($kind))
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::key::hash_text(&self.0).fmt(f)
            }
        }
    };
}

/// `Debug` of a hash: its first 8 characters.
macro_rules! debug_as_fingerprint {
    ($type:ident) => {
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($type), "({:.8}…)"), self.to_string())
            }
        }
    };
}

pub(crate) use {debug_as_fingerprint, hash_as_text};

hash_as_text!(IdHash, "identifier hash");
hash_as_text!(GroupHash, "group hash");
debug_as_fingerprint!(IdHash);
debug_as_fingerprint!(GroupHash);
serde_as_text!(IdHash, GroupHash);

/// The text of a hash.
pub(crate) fn hash_text(hash: &[u8; 32]) -> impl fmt::Display {
    Base64Display::new(hash, &URL_SAFE_NO_PAD)
}

/// The hash that a text is.
pub(crate) fn hash_bytes(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// 32 bytes of a secret in standard base64, as `openssl rand -base64 32` prints them.
pub(crate) fn secret_bytes(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text.trim()).ok()?.try_into().ok()
}

/// HMAC-SHA-256 over the parts, each followed by a zero byte but the last.
pub(crate) fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // A key shorter than SHA-256's block is padded with zeros (RFC 2104, section 2).
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            mac.update(&[0]);
        }
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SpaceKey {
        MasterKey([7; 32]).space_key(&SpaceId::parse("spa_demo").unwrap())
    }

    #[test]
    fn every_identifier_has_a_hash_of_its_own_of_43_characters() {
        let email = IdentifierType::parse("email").unwrap();
        let phone = IdentifierType::parse("phone").unwrap();
        let hashes = [
            key().identifier(&email, "a"),
            key().identifier(&email, "A"),
            key().identifier(&phone, "a"),
            key().identifier(&email, &"x".repeat(2_048)),
            key().identifier(&email, "\0"),
        ];
        for (i, hash) in hashes.iter().enumerate() {
            assert_eq!(hash.to_string().len(), 43);
            assert_eq!(hash.to_string().parse().as_ref(), Ok(hash));
            assert!(hashes[i + 1..].iter().all(|other| other != hash));
        }
    }

    #[test]
    fn spaces_do_not_share_hashes() {
        let email = IdentifierType::parse("email").unwrap();
        let other = MasterKey([7; 32]).space_key(&SpaceId::parse("spa_other").unwrap());
        assert_ne!(key().identifier(&email, "a"), other.identifier(&email, "a"));
    }

    #[test]
    fn content_is_unambiguous() {
        assert_ne!(key().request_content("POST", "/a\0b", b"c"), key().request_content("POST", "/a", b"b\0c"));
    }

    #[test]
    fn a_master_key_is_32_bytes() {
        assert!(MasterKey::from_base64(&STANDARD.encode([1; 32])).is_ok());
        for bad in ["", "AAAA", "not base64!", &STANDARD.encode([1; 33])] {
            assert!(MasterKey::from_base64(bad).is_err(), "{bad}");
        }
    }
}
