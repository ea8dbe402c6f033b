//! The key that signs the checkpoints of logs: an Ed25519 key of KMS, which never leaves it, or one in the process, for
//! tests.
//!
//! One key signs for all spaces of a stack, under a name of its own for each ([`efface_core::log::note`]), so that a
//! signature for one log never passes for one of another.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_kms::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::Blob,
    types::{MessageType, SigningAlgorithmSpec},
};
use ed25519_dalek::Signer;
use thiserror::Error;

use crate::failure::Failure;

/// What an Ed25519 public key begins with as KMS writes it (DER, `SubjectPublicKeyInfo`, RFC 8410). 32 bytes follow.
const PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// What went wrong with the signing key.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SigningKeyError {
    /// KMS cannot answer now. Asking again is safe and may work.
    #[error("the signing key is unavailable: {0}")]
    Unavailable(String),
    /// The request is at fault, or the configuration: asking again does not help.
    #[error("the signing key refused a request: {0}")]
    Internal(String),
    /// The key is not an Ed25519 key, or what KMS returned is not a signature.
    #[error("the signing key is not an Ed25519 key")]
    NotEd25519,
    /// A signature does not verify with the public key that is known: an alias leads to another key by now.
    #[error("the signing key makes signatures of another key")]
    OtherKey,
}

/// Error codes that pass by themselves.
const PASSING: [&str; 4] =
    ["DependencyTimeoutException", "KMSInternalException", "KeyUnavailableException", "ThrottlingException"];

impl<E: ProvideErrorMetadata> From<SdkError<E>> for SigningKeyError {
    fn from(error: SdkError<E>) -> Self {
        match Failure::of(&error, &PASSING) {
            Failure::Passing(detail) => Self::Unavailable(detail),
            Failure::Lasting(detail) => Self::Internal(detail),
        }
    }
}

/// A key that signs. Cheap to clone; copies share what they know of the public key.
#[derive(Clone)]
pub struct SigningKey(Arc<Inner>);

enum Inner {
    Kms { client: Client, key: String, public_key: Mutex<Option<[u8; 32]>> },
    InProcess(ed25519_dalek::SigningKey),
}

impl SigningKey {
    /// A key of KMS (`ECC_NIST_EDWARDS25519`), by its id, ARN or alias.
    pub fn kms(client: Client, key: impl Into<String>) -> Self {
        Self(Arc::new(Inner::Kms { client, key: key.into(), public_key: Mutex::default() }))
    }

    /// A key in the process, for tests. It is as secret as its seed.
    pub fn in_process(seed: [u8; 32]) -> Self {
        Self(Arc::new(Inner::InProcess(ed25519_dalek::SigningKey::from_bytes(&seed))))
    }

    /// The public key. KMS is asked once in the life of a process, unless it is [forgotten](Self::forget_public_key).
    pub async fn public_key(&self) -> Result<[u8; 32], SigningKeyError> {
        match &*self.0 {
            Inner::InProcess(key) => Ok(key.verifying_key().to_bytes()),
            Inner::Kms { client, key, public_key } => {
                let known = *public_key.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(known) = known {
                    return Ok(known);
                }
                let read = read_public_key(client, key).await?;
                *public_key.lock().unwrap_or_else(PoisonError::into_inner) = Some(read);
                Ok(read)
            }
        }
    }

    /// Has the public key read again, where a signature does not verify with the one that is known.
    pub fn forget_public_key(&self) {
        if let Inner::Kms { public_key, .. } = &*self.0 {
            *public_key.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// Signs up to 4,096 bytes. The caller verifies the signature before it is published.
    pub async fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningKeyError> {
        match &*self.0 {
            Inner::InProcess(key) => Ok(key.sign(message).to_bytes()),
            Inner::Kms { client, key, .. } => {
                let sign = client.sign().key_id(key).message(Blob::new(message));
                let sign = sign.message_type(MessageType::Raw).signing_algorithm(SigningAlgorithmSpec::Ed25519Sha512);
                let signature = sign.send().await?.signature.ok_or(SigningKeyError::NotEd25519)?;
                signature.into_inner().try_into().map_err(|_| SigningKeyError::NotEd25519)
            }
        }
    }
}

async fn read_public_key(client: &Client, key: &str) -> Result<[u8; 32], SigningKeyError> {
    let reply = client.get_public_key().key_id(key).send().await?;
    let der = reply.public_key.ok_or(SigningKeyError::NotEd25519)?.into_inner();
    let public_key = der.strip_prefix(&PREFIX).and_then(|key| key.try_into().ok());
    public_key.ok_or(SigningKeyError::NotEd25519)
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}
