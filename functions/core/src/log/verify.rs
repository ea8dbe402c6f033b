//! The verification of a receipt: offline, with the log's key and, if one has it, the identifier.

mod leaf;

use thiserror::Error;

use super::{
    checkpoint::{Checkpoint, CheckpointError},
    commitment::Nonce,
    entry::Entry,
    hash::Hash,
    note::VerifierKey,
    proof::{Inclusion, ProofError},
    receipt::Receipt,
};
use crate::{
    identifier::{ExternalId, IdentifierType},
    time::Time,
};
use leaf::{Leaf, Subject};

pub(crate) use leaf::SubjectKind;

/// The first thing about a receipt that does not hold.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// The checkpoint is not signed by the log's key, or is no checkpoint of this log.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The entry is not in the log that the checkpoint is of: entry, index or proof were changed.
    #[error(transparent)]
    Entry(#[from] ProofError),
    /// The entry is in the log, but is not a leaf of the form that Efface writes.
    #[error("the entry is in the log, but it is not JSON of the form that Efface writes")]
    Unreadable,
    /// The entry is in the log, but its form is one of a later version; holds which.
    #[error("the entry is in the log, but it has the form {0}, which this version cannot read")]
    Version(u64),
    /// The entry says that something else happened.
    #[error("the entry is about the event {found}, not {expected}")]
    Event {
        /// The event asked about.
        expected: String,
        /// The entry's.
        found: String,
    },
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
    /// The entry's subject is not the commitment to this identifier with the receipt's nonce.
    #[error("the entry is about another identifier of this type, or the receipt's nonce is not the entry's")]
    OtherIdentifier,
}

/// What is to have happened. It has no default: one life of an identifier has several entries, and the receipt for its
/// creation must not pass for that of its deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected<'a> {
    /// This event, such as `identifier.removed`.
    Event(&'a str),
    /// Whatever [`Proved::event`] says: the caller tells it to the reader.
    AnyEvent,
}

/// What a receipt proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved<'a> {
    /// The log's head: it said that it held the entry when it had so many entries.
    pub checkpoint: Checkpoint,
    /// The entry's index.
    pub index: u64,
    /// The entry.
    pub leaf: &'a Entry<'static>,
    /// What happened, as the entry says it.
    pub event: String,
    /// When it happened, as the entry says it.
    pub time: Time,
    /// The identifier that the entry was shown to be about. None if no identifier was asked about: then nothing is known
    /// about the receipt's nonce.
    pub identifier: Option<&'a ExternalId>,
}

/// Verifies a receipt with the log's key: that its entry is in the log, is about the expected event, and, where one is
/// given, about this identifier. The identifier's value is taken as the person writes it, and brought into the form of the
/// commitment by the rule in the leaf.
pub fn verify<'a>(
    receipt: &'a Receipt,
    key: &VerifierKey,
    expected: Expected,
    identifier: Option<&'a ExternalId>,
) -> Result<Proved<'a>, Fault> {
    let checkpoint = Checkpoint::open(&receipt.checkpoint, key)?;
    let leaf_hash = Hash::leaf(&receipt.leaf);
    Inclusion::new(receipt.index, checkpoint.size())?.verify(leaf_hash, checkpoint.root(), &receipt.proof)?;
    let Leaf { event, time, subject } = Leaf::read(&receipt.leaf)?;
    if let Expected::Event(expected) = expected
        && event != expected
    {
        return Err(Fault::Event { expected: expected.to_owned(), found: event });
    }
    if let Some(identifier) = identifier {
        verify_identifier(subject, receipt.nonce, identifier)?;
    }
    Ok(Proved { checkpoint, index: receipt.index, leaf: &receipt.leaf, event, time, identifier })
}

/// Verifies that a subject is this identifier.
fn verify_identifier(subject: Subject, nonce: Option<Nonce>, identifier: &ExternalId) -> Result<(), Fault> {
    let ExternalId { id_type, value } = identifier;
    let check_type = |found: IdentifierType| {
        if found == *id_type { Ok(()) } else { Err(Fault::Type { expected: id_type.clone(), found }) }
    };
    match subject {
        Subject::Other => Err(Fault::NoSubject),
        Subject::Keyed(found) => check_type(found).and(Err(Fault::Keyed)),
        Subject::Commitment { id_type: found, normalisation, commitment } => {
            check_type(found)?;
            let made = nonce.ok_or(Fault::NoNonce)?.commit(id_type, &normalisation.apply(value.expose()));
            if made == commitment { Ok(()) } else { Err(Fault::OtherIdentifier) }
        }
    }
}

#[cfg(test)]
mod tests;
