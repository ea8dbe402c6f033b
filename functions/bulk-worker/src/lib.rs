//! The Lambda function that SQS invokes to run jobs. A message points at a chunk to run, or at a job whose chunks are to
//! be dispatched; `efface-engine` does either. This crate reports which messages of a batch failed, so that SQS delivers
//! these again and deletes the others.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, SystemTime},
};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use efface_aws::{
    metrics::{self, Meter},
    queue::{BadMessage, Message, Pointer, Work},
};
use efface_engine::{ChunkRun, Deadline, Engine, Error};
use futures::{FutureExt, StreamExt, stream};
use thiserror::Error;
use tracing::{Instrument, error_span};

/// Messages of a batch that are handled concurrently: while one waits for its last rows, the other starts. The template
/// sets the same batch size, so a worker that crashes holds no message that it has not started.
const CONCURRENT_MESSAGES: usize = 2;

/// The part of an invocation's time in which nothing new starts. It is left for the rows that are running, for recording
/// the chunk's outcomes and for sending a message.
const RESERVE: Duration = Duration::from_secs(8);

/// Why a message failed. SQS delivers it again, and in the end moves it to the dead-letter queue.
#[derive(Debug, Error)]
pub enum WorkError {
    /// The message can't be parsed: it was not sent by Efface, or by another version.
    #[error(transparent)]
    Message(#[from] BadMessage),
    /// The message points at a job or a chunk that does not exist.
    #[error("the message points at a job or a chunk that does not exist")]
    Unknown,
    /// A request to the store or to the queue failed.
    #[error(transparent)]
    Engine(#[from] Error),
    /// The code panicked; the panic's location is logged separately.
    #[error("panic")]
    Panic,
}

/// A failed message has no id, so the response can't name it. The invocation fails, and SQS delivers the whole batch
/// again.
#[derive(Debug, Error)]
#[error("a message without an id has failed")]
pub struct MissingMessageId;

/// Handles the batches of messages. One is made per process; its engine keeps caches between invocations.
#[derive(Debug)]
pub struct Worker {
    engine: Engine,
    meter: Meter,
}

impl Worker {
    /// A worker with an engine, whose queue is the one that the messages come from.
    pub fn new(engine: Engine) -> Self {
        Self { engine, meter: Meter::off() }
    }

    /// The same with a meter of its invocations.
    #[must_use]
    pub fn with_meter(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Handles a batch of messages. The response names the messages that failed; SQS delivers them again.
    ///
    /// # Errors
    /// [`MissingMessageId`] if a failed message has no id.
    pub async fn handle(&self, event: SqsEvent, deadline: Deadline) -> Result<SqsBatchResponse, MissingMessageId> {
        let work: Vec<_> = event.records.into_iter().map(|message| self.message(message, deadline)).collect();
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
        let pointer = Message::parse(&message.body.unwrap_or_default());
        // Of a message that cannot be read, only its id is known.
        let unknown = |_: &BadMessage| error_span!("message", message_id = message.message_id.as_deref());
        let span = pointer.as_ref().map_or_else(unknown, Pointer::span);
        let is_chunk = matches!(&pointer, Ok(Pointer { work: Work::Chunk(_), .. }));
        let work = async {
            let work = async { self.work(&pointer?, deadline).await };
            let result = AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(WorkError::Panic));
            if is_chunk {
                metrics::chunk_took(started.elapsed().unwrap_or_default());
            }
            log(&result, started);
            result.is_ok()
        };
        let succeeded = work.instrument(span).await;
        (message.message_id, succeeded)
    }

    async fn work(&self, pointer: &Pointer, deadline: Deadline) -> Result<ChunkRun, WorkError> {
        match Box::pin(self.engine.work(pointer, deadline)).await? {
            ChunkRun::Unknown => Err(WorkError::Unknown),
            ran => Ok(ran),
        }
    }
}

/// When to start nothing more, for an invocation that Lambda ends at `end`.
pub fn deadline(end: SystemTime) -> Deadline {
    let left = end.duration_since(SystemTime::now()).unwrap_or_default();
    Deadline::after(left.saturating_sub(RESERVE))
}

/// Writes the log line of a message, within its span.
fn log(result: &Result<ChunkRun, WorkError>, started: SystemTime) {
    let duration_ms = u64::try_from(started.elapsed().unwrap_or_default().as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(ran) => tracing::info!(result = ?ran, duration_ms, "message"),
        // A warning only: SQS delivers the message again.
        Err(WorkError::Engine(error)) if error.is_passing() => tracing::warn!(%error, duration_ms, "message"),
        Err(error) => tracing::error!(%error, duration_ms, "message"),
    }
}
