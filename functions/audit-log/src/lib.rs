//! The Lambda function that publishes logs. SQS invokes it with pointers to spaces that have something to publish, and a
//! schedule invokes it to look after spaces whose pointer may be lost. `efface-engine` publishes; this crate reports which
//! messages of a batch failed, so that SQS delivers these again and deletes the others.

mod event;

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, SystemTime},
};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};
use efface_aws::{
    log_queue::LogPointer,
    metrics::{self, Meter, Metric},
    queue::BadMessage,
};
use efface_core::log::Wake;
use efface_engine::{
    Deadline,
    log::{LogError, Published, Publisher, Sweep},
};
use futures::{FutureExt, StreamExt, stream};
use thiserror::Error;
use tracing::{Instrument, error_span};

pub use event::Event;

/// Messages of a batch that are handled concurrently. Each may hold a step of a backlog in memory.
const CONCURRENT_MESSAGES: usize = 4;

/// The part of an invocation's time in which no step begins, left for the one that is running.
const RESERVE: Duration = Duration::from_secs(10);

/// Why a message failed. SQS delivers it again, and in the end moves it to the dead-letter queue. The schedule finds the
/// space as well.
#[derive(Debug, Error)]
pub enum WorkError {
    /// The message can't be parsed: it was not sent by Efface, or by another version.
    #[error(transparent)]
    Message(#[from] BadMessage),
    /// The log was not published.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The code panicked; the panic's location is logged separately.
    #[error("panic")]
    Panic,
}

/// A failed message has no id, so the response can't name it. The invocation fails, and SQS delivers the whole batch
/// again.
#[derive(Debug, Error)]
#[error("a message without an id has failed")]
pub struct MissingMessageId;

/// Handles events. One is made per process.
#[derive(Debug)]
pub struct AuditLog {
    publisher: Publisher,
    meter: Meter,
}

impl AuditLog {
    /// A function with a publisher, whose queue is the one that the messages come from.
    pub fn new(publisher: Publisher) -> Self {
        Self { publisher, meter: Meter::off() }
    }

    /// The same with a meter of its invocations.
    #[must_use]
    pub fn with_meter(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Handles a batch of messages, or a run of the schedule. The response names the messages that failed.
    ///
    /// # Errors
    /// [`MissingMessageId`] if a failed message has no id.
    pub async fn handle(&self, event: Event, deadline: Deadline) -> Result<SqsBatchResponse, MissingMessageId> {
        match event {
            Event::Messages(messages) => self.messages(messages, deadline).await,
            Event::Schedule => {
                self.meter.measure(Box::pin(self.schedule(deadline))).await;
                Ok(SqsBatchResponse::default())
            }
        }
    }

    async fn schedule(&self, deadline: Deadline) {
        let sweep = self.publisher.sweep(deadline).await;
        let Sweep { waiting, published, failed, lists_failed, is_cut } = sweep;
        if sweep.is_complete() {
            metrics::add(Metric::LogSweeps, 1);
        }
        tracing::info!(waiting, published, failed, lists_failed, is_cut, "spaces that wait for the log");
    }

    async fn messages(
        &self,
        messages: Vec<SqsMessage>,
        deadline: Deadline,
    ) -> Result<SqsBatchResponse, MissingMessageId> {
        let work: Vec<_> = messages.into_iter().map(|message| self.message(message, deadline)).collect();
        let results: Vec<(Option<String>, bool)> =
            self.meter.measure(stream::iter(work).buffer_unordered(CONCURRENT_MESSAGES).collect()).await;
        let mut response = SqsBatchResponse::default();
        for (id, _) in results.into_iter().filter(|(_, succeeded)| !succeeded) {
            // SQS takes an empty id in the response to mean that the whole batch failed.
            let id = id.filter(|id| !id.is_empty()).ok_or(MissingMessageId)?;
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            response.batch_item_failures.push(failure);
        }
        Ok(response)
    }

    /// Handles one message. Returns its id and whether it succeeded. A panic fails this message only.
    async fn message(&self, message: SqsMessage, deadline: Deadline) -> (Option<String>, bool) {
        let started = SystemTime::now();
        let pointer = LogPointer::parse(&message.body.unwrap_or_default());
        // Of a message that cannot be read, only its id is known.
        let unknown = |_: &BadMessage| error_span!("message", message_id = message.message_id.as_deref());
        let known = |pointer: &LogPointer| error_span!("message", space_id = %pointer.space());
        let is_urgent = pointer.as_ref().is_ok_and(LogPointer::is_urgent);
        let span = pointer.as_ref().map_or_else(unknown, known);
        let work = async {
            let work = async { Ok(self.publish(&pointer?, deadline).await?) };
            let result = AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(WorkError::Panic));
            log(&result, started);
            result.is_ok() || is_urgent && has_stopped(&result)
        };
        let succeeded = work.instrument(span).await;
        (message.message_id, succeeded)
    }

    async fn publish(&self, pointer: &LogPointer, deadline: Deadline) -> Result<Published, LogError> {
        let wake = if pointer.is_urgent() { Wake::Urgent } else { Wake::Pointer };
        self.publisher.publish_up_to(pointer.space(), wake, pointer.size(), deadline).await
    }
}

/// Whether the log has stopped until a person mends it. An urgent message is not kept then: every request for a receipt sends
/// one, and messages that come back for hours would fill the queue of all spaces. The schedule looks after the space.
fn has_stopped(result: &Result<Published, WorkError>) -> bool {
    matches!(result, Err(WorkError::Log(error)) if !error.is_passing())
}

/// When to start nothing more, for an invocation that Lambda ends at `end`.
pub fn deadline(end: SystemTime) -> Deadline {
    let left = end.duration_since(SystemTime::now()).unwrap_or_default();
    Deadline::after(left.saturating_sub(RESERVE))
}

/// Writes the log line of a message, within its span.
fn log(result: &Result<Published, WorkError>, started: SystemTime) {
    let duration_ms = u64::try_from(started.elapsed().unwrap_or_default().as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(Published { entries, checkpoints, behind, again }) => {
            let again_seconds = again.map(|delay| delay.as_secs());
            tracing::info!(entries, checkpoints, behind, again_seconds, duration_ms, "log");
        }
        // A warning only: SQS delivers the message again.
        Err(WorkError::Log(error)) if error.is_passing() => tracing::warn!(%error, duration_ms, "log"),
        Err(error) => tracing::error!(%error, duration_ms, "log"),
    }
}
