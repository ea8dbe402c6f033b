//! The lines of a note that sign it.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use thiserror::Error;

use super::key::{KeyId, KeyName, VerifierKey};

/// The line is not a signature.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a signature is an em dash, the key's name, and base64 of the key's id and the signature")]
pub struct BadSignatureLine;

/// A signature of a note, by any key. Its text is `— <name> <base64 of key id and signature>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    name: KeyName,
    key: KeyId,
    bytes: Vec<u8>,
}

impl Signature {
    pub(super) fn new(key: &VerifierKey, bytes: [u8; 64]) -> Self {
        Self { name: key.name().clone(), key: key.id(), bytes: bytes.to_vec() }
    }

    /// The name of the key that it says to be by.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id of the key that it says to be by.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// The signature itself, without the key's id. For Ed25519 it has 64 bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn is_by(&self, key: &VerifierKey) -> bool {
        (&self.name, self.key) == (key.name(), key.id())
    }
}

impl FromStr for Signature {
    type Err = BadSignatureLine;

    fn from_str(line: &str) -> Result<Self, BadSignatureLine> {
        let (name, bytes) = line.strip_prefix("— ").and_then(|rest| rest.split_once(' ')).ok_or(BadSignatureLine)?;
        let bytes = STANDARD.decode(bytes).map_err(|_| BadSignatureLine)?;
        match bytes.split_first_chunk() {
            Some((key, bytes @ [_, ..])) => {
                let name = name.parse().map_err(|_| BadSignatureLine)?;
                Ok(Self { name, key: KeyId(*key), bytes: bytes.to_vec() })
            }
            _ => Err(BadSignatureLine),
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "— {} {}", self.name, STANDARD.encode([&self.key.0[..], &self.bytes].concat()))
    }
}
