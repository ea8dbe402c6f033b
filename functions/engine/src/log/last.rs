//! The last checkpoint of a log, verified.

use efface_aws::log_store::{StoredCheckpoint, StoredKeys, Version};
use efface_core::{
    log::{Checkpoint, note::VerifierKey},
    time::Time,
};

use super::LogError;

/// The last checkpoint of a log.
#[derive(Debug)]
pub(super) struct Last {
    pub(super) checkpoint: Checkpoint,
    /// The key that signed it, which is listed.
    pub(super) signer: VerifierKey,
    pub(super) signed_at: Time,
    /// By which it is replaced.
    pub(super) version: Version,
}

impl Last {
    /// Verifies a checkpoint with the keys that were listed, each for the sizes that it may sign. They were stored before it.
    pub(super) fn open(stored: StoredCheckpoint, keys: Option<&StoredKeys>) -> Result<Self, LogError> {
        let StoredCheckpoint { note, signed_at, version } = stored;
        let (checkpoint, signer) = keys.ok_or(LogError::NoKeys)?.keys.open(&note)?;
        Ok(Self { checkpoint, signer: signer.clone(), signed_at, version })
    }
}

/// How many entries a log has.
pub(super) fn size(last: Option<&Last>) -> u64 {
    last.map_or(0, |last| last.checkpoint.size())
}
