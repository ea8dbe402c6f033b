//! The Lambda function that the table's stream invokes to write the journal. `efface-engine` reads the records and commits
//! what they tell; this crate puts aside what cannot be read, measures and logs.
//!
//! A batch succeeds or fails as a whole. What passes by itself fails it, so that Lambda hands the same records over again:
//! entries that are committed already are found then. What no repetition mends must not stop the records after it, so it is put
//! aside: a record that cannot be read, and the records of a space whose journal has stopped.

mod batch;

use std::time::{Duration, SystemTime};

use efface_aws::{
    aside_queue::{Aside, AsideQueue},
    clock::Clock,
    metrics::{self, Meter, Metric},
    store::stream::{Provenance, StreamEvent},
};
use efface_core::{journal::brake, time::Time};
use efface_engine::{Deadline, Error, journal::JournalWriter};

use batch::Batch;

/// The time that is left for what was begun.
const RESERVE: Duration = Duration::from_secs(5);

/// Captures changes. One is made per process.
#[derive(Debug)]
pub struct ChangeCapture {
    writer: JournalWriter,
    aside: AsideQueue,
    clock: Clock,
    meter: Meter,
}

impl ChangeCapture {
    /// A capture that writes with a writer, and puts records aside in a queue.
    pub fn new(writer: JournalWriter, aside: AsideQueue, clock: Clock) -> Self {
        Self { writer, aside, clock, meter: Meter::off() }
    }

    /// The same with a meter of its invocations.
    #[must_use]
    pub fn with_meter(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Writes what the records of a batch tell to the journals of their spaces.
    ///
    /// # Errors
    /// Whatever fails but a record itself or the journal of one space; also where the stream has not both images, or many
    /// young records cannot be read. The batch is to be handed over again.
    pub async fn handle(&self, event: StreamEvent, deadline: Deadline) -> Result<(), Error> {
        self.meter.measure(Box::pin(self.capture(event, deadline))).await
    }

    async fn capture(&self, event: StreamEvent, deadline: Deadline) -> Result<(), Error> {
        let records = event.records.len();
        let captured = self.capture_batch(&event, deadline).await;
        let (entries, put_aside, newest) =
            captured.inspect_err(|error| tracing::warn!(records, %error, "changes not captured"))?;
        if let Some(newest) = newest {
            let millis = self.clock.now().millis() - newest.millis();
            metrics::raise(Metric::JournalLag, u64::try_from(millis / 1_000).unwrap_or_default());
        }
        tracing::info!(records, entries, put_aside, "changes captured");
        Ok(())
    }

    /// How many entries a batch has told, how many of its records were put aside, and the time of the newest that was read.
    async fn capture_batch(
        &self,
        event: &StreamEvent,
        deadline: Deadline,
    ) -> Result<(usize, usize, Option<Time>), Error> {
        let Batch { entries, spaces, mut aside, unreadable, newest } = Batch::read(&event.records)?;
        let told = entries.len();
        // First what can be read: a batch that is handed over again would put the same records aside each time.
        let stopped = self.writer.capture(entries, deadline).await?;
        if brake::holds(&unreadable, self.clock.now()) {
            return Err(Error::Fault("a batch with many young records that cannot be read"));
        }
        aside.extend(batch::of_stopped(&event.records, &spaces, &stopped));
        self.put_aside(&aside).await?;
        Ok((told, aside.len(), newest))
    }

    async fn put_aside(&self, aside: &[Aside]) -> Result<(), Error> {
        self.aside.send(aside).await.inspect_err(|error| tracing::warn!(%error, "records not put aside"))?;
        for Aside { reason, provenance: Provenance { sequence_number, event_id, .. }, .. } in aside {
            let (sequence_number, event_id) = (sequence_number.as_deref(), event_id.as_deref());
            tracing::error!(%reason, sequence_number, event_id, "record put aside");
        }
        metrics::add(Metric::RecordsPutAside, aside.len().try_into().unwrap_or(u64::MAX));
        Ok(())
    }
}

/// When to start nothing more, for an invocation that Lambda ends at `end`.
pub fn deadline(end: SystemTime) -> Deadline {
    let left = end.duration_since(SystemTime::now()).unwrap_or_default();
    Deadline::after(left.saturating_sub(RESERVE))
}
