//! The verification of a receipt: offline, with the log's key and, if one has it, the identifier.

use serde::Deserialize;
use thiserror::Error;

use super::{
    checkpoint::{Checkpoint, CheckpointError},
    commitment::Commitment,
    hash::Hash,
    note::VerifierKey,
    proof::{Inclusion, ProofError},
    receipt::Receipt,
};
use crate::identifier::{ExternalId, IdentifierType};

/// The first thing about a receipt that does not hold.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// The checkpoint is not signed by the log's key, or is no checkpoint of this log.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The entry is not in the log that the checkpoint is of: entry, index or proof were changed.
    #[error(transparent)]
    Entry(#[from] ProofError),
    /// The entry is in the log, but cannot be read.
    #[error("the entry is in the log, but it is not JSON of the form that Efface writes")]
    Unreadable,
    /// The entry is about something that has no identifier, such as a job.
    #[error("the entry is in the log, but it is not about an identifier")]
    NoSubject,
    /// The entry's subject is a hash under a key that only Efface's operator has.
    #[error("the entry is in the log, but from before commitments: only the operator can tie it to a value")]
    Keyed,
    /// The entry is about an identifier of another type.
    #[error("the entry is about an identifier of type {found}, not {expected}")]
    Type {
        /// The type asked about.
        expected: IdentifierType,
        /// The entry's.
        found: IdentifierType,
    },
    /// The receipt has no nonce.
    #[error("the receipt has no nonce, which would tie the entry to a value")]
    NoNonce,
    /// The entry's subject is not the commitment to this identifier: value, nonce or rule are others.
    #[error("the entry is about another identifier of this type, or the receipt's nonce is not the entry's")]
    OtherIdentifier,
}

/// What a receipt proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved<'a> {
    /// The log's head: it said that it held the entry when it had so many entries.
    pub checkpoint: Checkpoint,
    /// The entry's index.
    pub index: u64,
    /// The entry.
    pub leaf: &'a str,
    /// Whether the entry was shown to be about the identifier. False if no identifier was asked about: then nothing is
    /// known about the receipt's nonce.
    pub is_about_identifier: bool,
}

/// What an entry says about its subject; its other members do not matter here.
#[derive(Deserialize)]
struct About {
    id_type: Option<IdentifierType>,
    subject: Option<String>,
    #[serde(default)]
    subject_kind: SubjectKind,
}

/// How an entry's subject was made.
#[derive(Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SubjectKind {
    /// A [`Commitment`].
    #[default]
    Commitment,
    /// The identifier's keyed hash: identifiers from before commitments have none.
    Keyed,
}

/// Verifies a receipt with the log's key, and that it is about an identifier, whose value is given as the person writes it.
pub fn verify<'a>(
    receipt: &'a Receipt,
    key: &VerifierKey,
    identifier: Option<&ExternalId>,
) -> Result<Proved<'a>, Fault> {
    let checkpoint = Checkpoint::open(&receipt.checkpoint, key)?;
    let leaf = Hash::leaf(receipt.leaf.as_bytes());
    Inclusion::new(receipt.index, checkpoint.size)?.verify(leaf, &receipt.proof, checkpoint.root)?;
    if let Some(identifier) = identifier {
        verify_identifier(receipt, identifier)?;
    }
    let is_about_identifier = identifier.is_some();
    Ok(Proved { checkpoint, index: receipt.index, leaf: &receipt.leaf, is_about_identifier })
}

/// Verifies that the entry of a receipt is about this identifier.
fn verify_identifier(receipt: &Receipt, identifier: &ExternalId) -> Result<(), Fault> {
    let entry: About = serde_json::from_str(&receipt.leaf).map_err(|_| Fault::Unreadable)?;
    let (Some(found), Some(subject)) = (entry.id_type, entry.subject) else { return Err(Fault::NoSubject) };
    if found != identifier.id_type {
        return Err(Fault::Type { expected: identifier.id_type.clone(), found });
    }
    if entry.subject_kind == SubjectKind::Keyed {
        return Err(Fault::Keyed);
    }
    let subject: Commitment = subject.parse().map_err(|_| Fault::Unreadable)?;
    let opening = receipt.opening.ok_or(Fault::NoNonce)?;
    let value = opening.normalisation.apply(identifier.value.expose());
    if opening.nonce.commit(&found, &value) == subject { Ok(()) } else { Err(Fault::OtherIdentifier) }
}

#[cfg(test)]
mod tests;
