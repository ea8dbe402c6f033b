//! What publishing and reading a log can end with, beside its result.

use efface_aws::{QueueError, StoreError, log_store::LogStoreError, signing_key::SigningKeyError};
use efface_core::log::{
    CheckpointError, Conflict, ExtensionError, KeyListError, NotCommitted, ResumeError,
    note::{BadKeyName, VerifierKeyError},
    proof::ProofError,
    verify::Fault,
};
use thiserror::Error;

/// Why a log was not published, or not read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LogError {
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] StoreError),
    /// The files failed.
    #[error(transparent)]
    Files(#[from] LogStoreError),
    /// The signing key failed.
    #[error(transparent)]
    Key(#[from] SigningKeyError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The origin and the space's id make no name of a key, or the public key is none.
    #[error("the origin of the log makes no verifier key: {0}")]
    Origin(#[from] VerifierKeyError),
    /// The checkpoint that is stored is not signed by a key of the log, or the one that is to be stored.
    #[error("the checkpoint does not hold: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A checkpoint is there, but no list of keys, which is stored before.
    #[error("the log has a checkpoint and no list of keys")]
    NoKeys,
    /// A full bundle is there, but no checkpoint, although the first checkpoint is stored before.
    #[error("the log has entries and no checkpoint")]
    NoCheckpoint,
    /// The list of keys and the checkpoint contradict each other.
    #[error("the list of keys does not hold: {0}")]
    Keys(#[from] KeyListError),
    /// The journal has fewer entries than were signed, or others.
    #[error("the journal is not the one that was signed: {0}")]
    Conflict(#[from] Conflict),
    /// Log and journal are not of one history, or a file was changed.
    #[error("the log cannot be extended: {0}")]
    Extension(#[from] ExtensionError),
    /// A receipt does not hold that was made of the log's files: one of them was changed.
    #[error("the files of the log make no receipt that holds: {0}")]
    Receipt(Fault),
    /// There are more entries to publish than can be read in the time that is left.
    #[error("the log is too far behind its journal to be checked in time")]
    TooFarBehind,
}

impl LogError {
    /// Whether it passes by itself: asking again is safe and may work.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Journal(error) => matches!(error, StoreError::Unavailable(_)),
            Self::Files(error) => matches!(error, LogStoreError::Unavailable(_)),
            Self::Key(error) => matches!(error, SigningKeyError::Unavailable(_)),
            Self::Queue(error) => matches!(error, QueueError::Unavailable(_)),
            _ => false,
        }
    }

    /// Whether log, journal and checkpoint contradict each other, or a file of the log was changed. Nothing is signed until
    /// a person has found out why.
    pub fn is_inconsistent(&self) -> bool {
        match self {
            Self::Files(error) => matches!(
                error,
                LogStoreError::Inconsistent(_) | LogStoreError::Unreadable(_) | LogStoreError::Deleted(_)
            ),
            Self::Journal(error) => matches!(error, StoreError::Unreadable(_)),
            Self::NoKeys
            | Self::NoCheckpoint
            | Self::Keys(_)
            | Self::Checkpoint(_)
            | Self::Conflict(_)
            | Self::Extension(_)
            | Self::Receipt(_) => true,
            _ => false,
        }
    }
}

impl From<BadKeyName> for LogError {
    fn from(error: BadKeyName) -> Self {
        Self::Origin(error.into())
    }
}

impl From<ResumeError> for LogError {
    fn from(error: ResumeError) -> Self {
        Self::Extension(error.into())
    }
}

impl From<NotCommitted> for LogError {
    fn from(error: NotCommitted) -> Self {
        Self::Extension(error.into())
    }
}

impl From<ProofError> for LogError {
    fn from(error: ProofError) -> Self {
        Self::Extension(error.into())
    }
}
