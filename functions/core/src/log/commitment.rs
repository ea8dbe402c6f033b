//! Commitments: how the log names an identifier without telling it.
//!
//! An entry's `subject` is `SHA-256(nonce ‖ type ‖ 0x00 ‖ normalised value)`. Who has the value and the nonce can check it;
//! who has the log alone cannot even try values. The nonce is `HMAC-SHA-256(log key, id hash ‖ generation)`, the
//! generation as 8 bytes, big endian: so it can be made again as long as the log key exists.
//!
//! A life of an identifier begins with an activation and ends with a deletion, and both add one to the identifier's
//! generation. The nonce is made of the generation that the *activation* reached. The tombstone's is one more: who makes
//! the nonce of a deleted identifier takes one off.
//!
//! Two lives of one identifier have commitments that nobody can link by the log alone. Who has the receipts for both
//! and the value can. The item bears the commitment in clear text, so the table ties entries to items without the log
//! key. Once the log key is destroyed, nobody without the table or the journal can tie an entry to an identifier, and
//! no receipt can be made any more. Each that was handed out goes on tying its entry to a value, as it has its nonce in
//! it. What each holder can tell is listed in `docs/security-and-privacy.md`.

use std::fmt;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{
    identifier::IdentifierType,
    key::{IdHash, MasterKey, debug_as_fingerprint, hash_as_text, hash_text, mac, secret_bytes},
    text::serde_as_text,
};

/// The text is not a log key.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the log key must be 32 random bytes in base64, as `openssl rand -base64 32` prints them")]
pub struct BadLogKey;

/// The secret behind all nonces of a site: 32 random bytes. Without it no further receipt can be tied to a value.
#[derive(Clone)]
pub struct LogKey([u8; 32]);

impl LogKey {
    /// Reads 32 bytes in standard base64.
    pub fn from_base64(text: &str) -> Result<Self, BadLogKey> {
        secret_bytes(text).map(Self).ok_or(BadLogKey)
    }

    /// A value that identifies this key without revealing it; kept in the table, to notice another key. Nonces are made
    /// of 40 bytes, so that none is equal to it.
    pub fn check_value(&self) -> String {
        hash_text(&mac(&self.0, &[b"check"])).to_string()
    }

    /// The nonce of the life of an identifier that began when its generation became this one. The generation of the
    /// tombstone that ends the life is one more.
    pub fn nonce(&self, id: &IdHash, activated_as: u64) -> Nonce {
        let life = [&id.as_bytes()[..], &activated_as.to_be_bytes()].concat();
        Nonce(mac(&self.0, &[&life]))
    }

    /// Whether the site's identifier key is the same secret. Then destroying this one would destroy that one, too.
    pub fn is_identifier_key(&self, key: &MasterKey) -> bool {
        self.0 == *key.as_bytes()
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogKey(…)")
    }
}

/// What hides an identifier in its commitment. Who has it can find the value by trying: it belongs into a receipt for the
/// person, and nowhere else. Its text is 43 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Nonce([u8; 32]);

impl Nonce {
    /// The commitment to an identifier. The value must be normalised for its type already.
    pub fn commit(&self, id_type: &IdentifierType, normalised: &str) -> Commitment {
        let hash = Sha256::new().chain_update(self.0).chain_update(id_type.as_str());
        Commitment(hash.chain_update([0]).chain_update(normalised).finalize().into())
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(…)")
    }
}

/// The subject of the log's entries about one life of an identifier. Its text is 43 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commitment([u8; 32]);

impl Commitment {
    /// Takes a commitment as items hold it.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, as items hold them.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

hash_as_text!(Nonce, "nonce");
hash_as_text!(Commitment, "commitment");
debug_as_fingerprint!(Commitment);
serde_as_text!(Nonce, Commitment);

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    fn key() -> LogKey {
        LogKey::from_base64(&STANDARD.encode([1; 32])).unwrap()
    }

    #[test]
    fn nonces_and_commitments_are_what_they_say() {
        let email = IdentifierType::parse("email").unwrap();
        let nonce = key().nonce(&IdHash::from_bytes([2; 32]), 3);
        // Computed with Python's hmac and hashlib.
        assert_eq!(nonce.to_string(), "BV4DVSn06gQDxVYXP2mkvZu3w4I8xmb1lJNaITChIJE");
        assert_eq!(nonce.commit(&email, "ada@example.com").to_string(), "vsa9m2eqVqeAEFejG0_ACKKNIzsmQdFZ8aduU3P44Ns");
        assert_eq!(nonce.to_string().parse(), Ok(nonce));
    }

    #[test]
    fn lives_and_identifiers_have_commitments_of_their_own() {
        let email = IdentifierType::parse("email").unwrap();
        let phone = IdentifierType::parse("phone").unwrap();
        let other_key = LogKey::from_base64(&STANDARD.encode([9; 32])).unwrap();
        let nonce = |id, generation| key().nonce(&IdHash::from_bytes([id; 32]), generation);
        let all = [
            nonce(1, 1).commit(&email, "a"),
            nonce(1, 2).commit(&email, "a"),
            nonce(2, 1).commit(&email, "a"),
            nonce(1, 1).commit(&email, "b"),
            nonce(1, 1).commit(&phone, "a"),
            other_key.nonce(&IdHash::from_bytes([1; 32]), 1).commit(&email, "a"),
        ];
        for (i, commitment) in all.iter().enumerate() {
            assert_eq!(commitment.to_string().parse().as_ref(), Ok(commitment));
            assert_eq!(Commitment::from_bytes(*commitment.as_bytes()), *commitment);
            assert!(all[i + 1..].iter().all(|other| other != commitment));
        }
    }

    #[test]
    fn the_two_keys_of_a_site_are_compared() {
        let identifier_key = |byte| MasterKey::from_base64(&STANDARD.encode([byte; 32])).unwrap();
        assert!(key().is_identifier_key(&identifier_key(1)) && !key().is_identifier_key(&identifier_key(2)));
    }

    #[test]
    fn a_check_value_tells_keys_apart() {
        let other = LogKey::from_base64(&STANDARD.encode([9; 32])).unwrap();
        // Computed with Python's hmac.
        assert_eq!(key().check_value(), "SM_DqF6pNuLfQusHXKNlVEQOSkhaWmg0Xh6FZsjS9zg");
        assert_ne!(key().check_value(), other.check_value());
    }

    #[test]
    fn secrets_are_not_printed() {
        let nonce = key().nonce(&IdHash::from_bytes([2; 32]), 3);
        assert_eq!((format!("{:?}", key()), format!("{nonce:?}")), ("LogKey(…)".to_owned(), "Nonce(…)".to_owned()));
        for bad in ["", "AAAA", "not base64!", &STANDARD.encode([1; 33])] {
            assert!(LogKey::from_base64(bad).is_err(), "{bad}");
        }
    }
}
