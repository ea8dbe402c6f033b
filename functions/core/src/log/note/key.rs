//! The keys that verify notes.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::text::serde_as_text;

/// The type of Ed25519 signatures of a note's text.
const ED25519: u8 = 1;

/// The text is not the name of a key.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the name of a key is not empty and has no spaces, control characters or `+`")]
pub struct BadKeyName;

/// Why a text is not a verifier key.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum VerifierKeyError {
    /// Not of the form `name+id+key`.
    #[error("a verifier key is a name, 8 hexadecimal digits and base64, with `+` between them")]
    Form,
    /// The name is not that of a key.
    #[error(transparent)]
    Name(#[from] BadKeyName),
    /// Another type of key than Ed25519.
    #[error("only Ed25519 keys for notes are known, which are of type 1")]
    Type,
    /// The key is no point of the curve, or one with which anything verifies.
    #[error("not an Ed25519 public key")]
    Key,
    /// The id does not follow from name and key: one of them was changed.
    #[error("the verifier key has the id {found}, but its name and key make {expected}")]
    Id {
        /// The id that follows from name and key.
        expected: KeyId,
        /// The id that the text has.
        found: KeyId,
    },
}

/// The name of a key: for a log, its origin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = BadKeyName;

    fn from_str(name: &str) -> Result<Self, BadKeyName> {
        let is_bad = name.is_empty() || name.chars().any(|c| c.is_whitespace() || c < ' ' || c == '+');
        if is_bad { Err(BadKeyName) } else { Ok(Self(name.to_owned())) }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a key, by which a signature says which key made it. It is short, and no proof of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(super) [u8; 4]);

impl KeyId {
    /// `SHA-256(name ‖ newline ‖ type ‖ public key)`, its first four bytes.
    fn of(name: &KeyName, public_key: &[u8; 32]) -> Self {
        let hash =
            Sha256::new().chain_update(&name.0).chain_update([b'\n', ED25519]).chain_update(public_key).finalize();
        Self([hash[0], hash[1], hash[2], hash[3]])
    }
}

impl FromStr for KeyId {
    type Err = VerifierKeyError;

    fn from_str(digits: &str) -> Result<Self, VerifierKeyError> {
        let is_canonical = digits.len() == 8 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_canonical);
        number.map(|number| Self(number.to_be_bytes())).ok_or(VerifierKeyError::Form)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

/// A public key with the name under which it signs. Its text is `<name>+<id>+<base64 of type and key>`, without a newline:
/// who reads it from a file takes the file's last one away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    key: VerifyingKey,
}

impl VerifierKey {
    /// The verifier key of an Ed25519 public key.
    pub fn new(name: KeyName, public_key: &[u8; 32]) -> Result<Self, VerifierKeyError> {
        let key = VerifyingKey::from_bytes(public_key).map_err(|_| VerifierKeyError::Key)?;
        if key.is_weak() {
            return Err(VerifierKeyError::Key);
        }
        Ok(Self { id: KeyId::of(&name, public_key), name, key })
    }

    /// The name under which the key signs.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id by which its signatures name it.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The public key.
    pub fn public_key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    pub(super) fn is_valid(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        // The base64 may have a `+` of its own.
        let mut parts = text.splitn(3, '+');
        let mut part = || parts.next().ok_or(VerifierKeyError::Form);
        let (name, found, key) = (part()?.parse()?, part()?.parse()?, part()?);
        let key = STANDARD.decode(key).map_err(|_| VerifierKeyError::Form)?;
        let (&ED25519, public_key) = key.split_first().ok_or(VerifierKeyError::Form)? else {
            return Err(VerifierKeyError::Type);
        };
        let key = Self::new(name, public_key.try_into().map_err(|_| VerifierKeyError::Key)?)?;
        if key.id == found { Ok(key) } else { Err(VerifierKeyError::Id { expected: key.id, found }) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519], &self.public_key()[..]].concat();
        write!(f, "{}+{}+{}", self.name, self.id, STANDARD.encode(key))
    }
}

serde_as_text!(VerifierKey);
