//! The SQS function: carries jobs out, chunk by chunk. What a message points at is done by `efface-aws`'s `jobs`; here it
//! is decided which messages are done with and which must come back.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, SystemTime},
};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use efface_aws::{
    StoreError,
    queue::{BadMessage, Message, Pointer, Queue, Work},
};
use efface_engine::{ChunkRun, Deadline, Engine};
use futures::{FutureExt, StreamExt, stream};
use thiserror::Error;

/// Messages of a batch that are worked on at once: one waits for its last rows while the other begins. The template's
/// batches are as large, so that a worker that dies takes no message along that it had not begun.
const AT_ONCE: usize = 2;

/// What is kept of a function's time for what is under way: rows that began, a report, a message.
const RESERVE: Duration = Duration::from_secs(8);

/// Why a message must come back.
#[derive(Debug, Error)]
pub enum WorkError {
    /// It is not one of ours, or of another version: it ends in the dead-letter queue.
    #[error(transparent)]
    Message(#[from] BadMessage),
    /// It points at a job or a chunk that is not there.
    #[error("the message points at nothing")]
    Unknown,
    /// The store or the queue did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fault of ours.
    #[error("panic")]
    Panic,
}

/// A failed message had no id by which it could be named: the whole batch must come back.
#[derive(Debug, Error)]
#[error("a message without an id has failed")]
pub struct Nameless;

/// The worker. One for the life of a process.
#[derive(Debug)]
pub struct Worker {
    engine: Engine,
    queue: Queue,
}

impl Worker {
    /// A worker with an engine, and the queue that its messages came from.
    pub fn new(engine: Engine, queue: Queue) -> Self {
        Self { engine, queue }
    }

    /// Works on a batch until it is done or time is up. What it names has failed and must come back.
    pub async fn handle(&self, event: SqsEvent, deadline: Deadline) -> Result<SqsBatchResponse, Nameless> {
        let work: Vec<_> = event.records.into_iter().map(|message| self.message(message, deadline)).collect();
        let results: Vec<(Option<String>, bool)> = stream::iter(work).buffer_unordered(AT_ONCE).collect().await;
        let mut response = SqsBatchResponse::default();
        for (id, _) in results.into_iter().filter(|(_, is_done)| !is_done) {
            // An empty name would make SQS believe that all have failed.
            let id = id.filter(|id| !id.is_empty()).ok_or(Nameless)?;
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            response.batch_item_failures.push(failure);
        }
        Ok(response)
    }

    /// Works on one message: its id, and whether it is done with. A panic fails this message and no other.
    async fn message(&self, message: SqsMessage, deadline: Deadline) -> (Option<String>, bool) {
        let started = SystemTime::now();
        let body = message.body.unwrap_or_default();
        let pointer = Message::parse(&body);
        let work = async {
            match &pointer {
                Ok(pointer) => self.work(pointer, deadline).await,
                Err(error) => Err(error.clone().into()),
            }
        };
        let result = AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(WorkError::Panic));
        log(pointer.ok().as_ref(), &result, started);
        (message.message_id, result.is_ok())
    }

    async fn work(&self, pointer: &Pointer, deadline: Deadline) -> Result<ChunkRun, WorkError> {
        if deadline.is_over() {
            // Given back, it would have used up a receive for nothing.
            self.queue.send(std::slice::from_ref(pointer)).await?;
            return Ok(ChunkRun::Requeued);
        }
        let Pointer { space, job, work } = pointer;
        match work {
            Work::Dispatch { from } => {
                self.engine.dispatch(space, job, *from, deadline).await?;
                Ok(ChunkRun::Completed)
            }
            Work::Chunk(id) => match self.engine.run_chunk(space, job, *id, deadline).await? {
                ChunkRun::Unknown => Err(WorkError::Unknown),
                ran => Ok(ran),
            },
        }
    }
}

/// When to stop beginning things, for a function that is ended at a time.
pub fn deadline(end: SystemTime) -> Deadline {
    let left = end.duration_since(SystemTime::now()).unwrap_or_default();
    Deadline::after(left.saturating_sub(RESERVE))
}

/// The one line that a message leaves in the log.
fn log(pointer: Option<&Pointer>, result: &Result<ChunkRun, WorkError>, started: SystemTime) {
    let chunk = pointer.and_then(|pointer| match pointer.work {
        Work::Chunk(id) => Some(id),
        Work::Dispatch { .. } => None,
    });
    let duration = started.elapsed().unwrap_or_default();
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let space_id = pointer.map(|pointer| pointer.space.to_string());
    let job_id = pointer.map(|pointer| pointer.job.to_string());
    let (page, chunk) = (chunk.map(|id| id.page), chunk.map(|id| id.chunk));
    match result {
        Ok(ran) => tracing::info!(space_id, job_id, page, chunk, result = ?ran, duration_ms, "message"),
        // It comes back by itself.
        Err(WorkError::Store(error @ StoreError::Unavailable(_))) => {
            tracing::warn!(space_id, job_id, page, chunk, %error, duration_ms, "message");
        }
        Err(error) => tracing::error!(space_id, job_id, page, chunk, %error, duration_ms, "message"),
    }
}
