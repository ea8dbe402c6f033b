//! The log of each space: publishing what its journal has committed, and reading it.
//!
//! Tiles, bundles and roots are a function of the committed entries, which never change. So whatever runs twice, at the
//! same time, late or in part writes the same files and signs the same roots. What that rests on, step by step, is in
//! `docs/adr/0016-publisher.md`.

mod backlog;
mod edge;
mod error;
mod evidence;
mod job_receipts;
mod last;
mod publish;
mod read;
mod read_many;
pub mod rebuild;
mod receipts;
mod step;
mod sweep;

use std::time::Duration;

use efface_aws::{clock::Clock, journal::Journal, log_queue::LogQueue, log_store::LogStore, signing_key::SigningKey};
use efface_core::{
    log::{
        Rate,
        note::{KeyName, VerifierKey},
    },
    space::SpaceId,
};

pub use error::LogError;
pub use evidence::{Evidence, LogHead};
pub use job_receipts::{JobReceipt, JobReceiptsCursor};
pub use read::LogReader;
pub use receipts::{Logged, Which};
pub use sweep::Sweep;

/// Entries that one checkpoint adds at most, less one pack: a backlog is published in steps of so many. They are held in
/// memory, with their files: some 25 MB.
pub const STEP: u64 = 25_600;

/// What publishes the logs of all spaces. One for the life of a process.
#[derive(Debug)]
pub struct Publisher {
    journal: Journal,
    files: LogStore,
    key: SigningKey,
    queue: LogQueue,
    origin: String,
    clock: Clock,
    rate: Rate,
    step: u64,
}

/// What a run has done for a space.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Published {
    /// Entries that were published, but for those of a checkpoint that was there already.
    pub entries: u64,
    /// Checkpoints that were signed and stored, and were not there already.
    pub checkpoints: u64,
    /// Entries that are still to be published.
    pub behind: u64,
    /// After which time a new pointer comes, where one was sent.
    pub again: Option<Duration>,
}

impl Publisher {
    /// A publisher of a journal's entries. The origin is what comes before the space's id in the names of logs; between two
    /// signatures of a log is at least the interval.
    pub fn new(
        journal: Journal,
        files: LogStore,
        key: SigningKey,
        queue: LogQueue,
        origin: impl Into<String>,
        interval: Duration,
        clock: Clock,
    ) -> Self {
        let rate = Rate { interval, at_once: STEP };
        Self { journal, files, key, queue, origin: origin.into(), clock, rate, step: STEP }
    }

    /// The same with smaller steps, for tests.
    #[must_use]
    pub fn with_step(self, step: u64) -> Self {
        Self { step, rate: Rate { at_once: step, ..self.rate }, ..self }
    }

    /// The key that signs the log of a space now. Its name is the log's origin.
    pub async fn verifier_key(&self, space: &SpaceId) -> Result<VerifierKey, LogError> {
        let name: KeyName = format!("{}/{space}", self.origin).parse()?;
        Ok(VerifierKey::new(name, &self.key.public_key().await?)?)
    }
}
