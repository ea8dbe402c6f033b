//! Why a journal was not refilled.

use efface_aws::StoreError;
use efface_core::{
    journal::EntryError,
    log::{TileError, note::VerifierKey},
};
use thiserror::Error;

use crate::{Error as EngineError, journal::stops_its_space, log::LogError};

/// Why a journal was not refilled.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RebuildError {
    /// The last checkpoint is signed by a key that nobody vouches for.
    #[error(
        "the log's last checkpoint is signed by {0}, and --key does not give this public key. Compare it with the keys that you \
         have published. If it is one of them, give it with --key; else somebody else has put the checkpoint there: see \"A log \
         contradicts its journal\" in docs/operations.md"
    )]
    OtherSigner(Box<VerifierKey>),
    /// Items of the table cannot be read that may tell private parts. Holds how many.
    #[error(
        "{0} items of the table cannot be read, and nothing was written, because what they tell would be lost: deploy the version \
         of Efface that can read them, and use it here; or mend them. With --allow-unreadable it is written without them"
    )]
    Unreadable(u64),
    /// The journal's entries are not those that were signed.
    #[error(
        "the journal has other entries than the log: restore its table to a time before they were written. See \"A log \
         contradicts its journal\" in docs/operations.md"
    )]
    OtherEntries,
    /// A pack that is not committed has other entries than the log. Holds its number.
    #[error(
        "pack {0} of the journal, which is not committed, has other entries than the log: something else writes to it. See \
         \"Deleting a pack by hand\" in docs/operations/journal.md"
    )]
    OtherPack(u64),
    /// The journal's entries are those that were signed, and what follows them in the bundles is not.
    #[error(
        "the entries in the log's bundles are not those that were signed: see the bundles' versions in the locked bucket"
    )]
    OtherBundles,
    /// A file of the log is missing or cannot be read.
    #[error("the log's files: {0}")]
    File(#[from] TileError),
    /// An entry of the log is of a later version.
    #[error("entry {0} of the log cannot be read: a later version of Efface has written it, use that one")]
    Entry(u64, EntryError),
    /// Others write to the journal all the time.
    #[error(
        "the journal has not got any longer in several attempts, as something else writes to it: switch the stream's mapping off, \
         end every reconcile, and run it again"
    )]
    Contended,
    /// The log cannot be read, or does not hold.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The table or the journal failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for RebuildError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl RebuildError {
    /// Whether it passes by itself: the run can be repeated.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Log(error) => error.is_passing(),
            Self::Engine(error) => error.is_passing(),
            _ => false,
        }
    }

    /// Whether it is the fault of one space, and lasts: the other spaces go on.
    pub(super) fn is_of_space(&self) -> bool {
        match self {
            Self::Log(error) => error.is_inconsistent() || matches!(error, LogError::TooFarBehind),
            Self::Engine(error) => stops_its_space(error),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use efface_aws::log_store::LogStoreError;

    use super::*;

    #[test]
    fn what_lasts_in_one_space_does_not_stop_the_others() {
        for (error, is_of_space, is_passing) in [
            (LogError::TooFarBehind.into(), true, false),
            (LogError::NoKeys.into(), true, false),
            (LogError::from(LogStoreError::Internal("AccessDenied".to_owned())).into(), false, false),
            (LogError::from(LogStoreError::Unavailable("timeout".to_owned())).into(), false, true),
            (StoreError::Unavailable("timeout".to_owned()).into(), false, true),
            (RebuildError::Unreadable(1), true, false),
            (RebuildError::Contended, true, false),
        ] {
            assert_eq!((error.is_of_space(), error.is_passing()), (is_of_space, is_passing), "{error}");
        }
    }
}
