//! The queue of jobs. Messages are pointers to what the table holds, never rows.

use std::{fmt, sync::Arc, time::Duration};

use aws_sdk_sqs::{
    Client,
    error::{BuildError, ProvideErrorMetadata, SdkError},
    types::{BatchResultErrorEntry, SendMessageBatchRequestEntry},
};
use efface_core::{
    job::{JobId, chunk::ChunkId},
    space::SpaceId,
};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing::Span;

use crate::{backoff::PARTIAL_SEND, failure::Failure};

/// The version of a [`Message`]'s form. A message of another version is not read.
pub const VERSION: u32 = 1;

/// SQS takes so many messages in one request.
pub const BATCH: usize = 10;

/// A message as SQS carries it: a chunk to run, or a job whose chunks are to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    version: u32,
    space: SpaceId,
    job: JobId,
    page: Option<u32>,
    chunk: Option<u32>,
    attempt: u32,
    hops: u32,
}

/// What a message points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    /// The space.
    pub space: SpaceId,
    /// The job.
    pub job: JobId,
    /// The work to do on it.
    pub work: Work,
    /// How many messages came before it, each sent by the worker that had the one before: 0 where a request or the
    /// reconciler sent it.
    pub hops: u32,
}

/// The work on a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Send a message for every chunk that is not completed, from this page on.
    Dispatch {
        /// The first page.
        from: u32,
        /// Which redrive of the job it belongs to: 0 before the first.
        redrive: u32,
    },
    /// Run a chunk.
    Chunk(ChunkId),
}

/// The text is not a message of this version. It is not quoted, because it could hold anything.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum BadMessage {
    /// The text is not JSON of a message's shape.
    #[error("the message is not one of Efface")]
    Unreadable,
    /// The message has another version's form.
    #[error("the message has version {0}")]
    Version(u32),
}

impl Pointer {
    /// The span in which its work is done: each line that is logged there says which job, page and chunk it is about.
    /// It has the level of errors, because a span below the log's level would be left out.
    pub fn span(&self) -> Span {
        let chunk = if let Work::Chunk(id) = self.work { Some(id) } else { None };
        let (page, chunk) = (chunk.map(|id| id.page), chunk.map(|id| id.chunk));
        tracing::error_span!("message", space_id = %self.space, job_id = %self.job, page, chunk)
    }
}

impl Message {
    /// Points at a chunk, or at a job.
    pub fn new(pointer: &Pointer) -> Self {
        let (page, chunk, attempt) = match pointer.work {
            Work::Dispatch { from, redrive } => (Some(from), None, redrive),
            Work::Chunk(id) => (Some(id.page), Some(id.chunk), id.attempt),
        };
        let hops = pointer.hops;
        Self { version: VERSION, space: pointer.space.clone(), job: pointer.job, page, chunk, attempt, hops }
    }

    /// Reads a message's body.
    pub fn parse(body: &str) -> Result<Pointer, BadMessage> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let version = serde_json::from_str::<Versioned>(body).map_err(|_| BadMessage::Unreadable)?.version;
        if version != VERSION {
            return Err(BadMessage::Version(version));
        }
        let message: Self = serde_json::from_str(body).map_err(|_| BadMessage::Unreadable)?;
        let work = match (message.page, message.chunk) {
            (Some(page), Some(chunk)) => Work::Chunk(ChunkId { page, chunk, attempt: message.attempt }),
            (from, None) => Work::Dispatch { from: from.unwrap_or_default(), redrive: message.attempt },
            (None, Some(_)) => return Err(BadMessage::Unreadable),
        };
        Ok(Pointer { space: message.space, job: message.job, work, hops: message.hops })
    }

    /// The message's body: JSON in ASCII, as SQS takes no control characters.
    ///
    /// # Errors
    /// None that its fields could cause.
    pub fn body(&self) -> Result<String, QueueError> {
        serde_json::to_string(self).map_err(|_| QueueError::Internal("a message that cannot be written".to_owned()))
    }
}

/// What went wrong with the queue.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum QueueError {
    /// SQS cannot answer now, or did not take everything. Asking again is safe and may work.
    #[error("the queue is unavailable: {0}")]
    Unavailable(String),
    /// The request is at fault, or the configuration: asking again does not help.
    #[error("the queue refused a request: {0}")]
    Internal(String),
}

/// Error codes that pass by themselves.
const PASSING: [&str; 5] =
    ["RequestThrottled", "ThrottlingException", "ServiceUnavailable", "InternalError", "InternalFailure"];

impl<E: ProvideErrorMetadata> From<SdkError<E>> for QueueError {
    fn from(error: SdkError<E>) -> Self {
        match Failure::of(&error, &PASSING) {
            Failure::Passing(detail) => Self::Unavailable(detail),
            Failure::Lasting(detail) => Self::Internal(detail),
        }
    }
}

impl From<BuildError> for QueueError {
    fn from(_: BuildError) -> Self {
        Self::Internal("an incomplete request".to_owned())
    }
}

/// A message that was received, and by which it is deleted.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its body.
    pub body: String,
    /// The receipt handle by which it is deleted.
    pub handle: String,
}

/// A queue as the functions need it: SQS, or a double in tests.
pub trait Port: fmt::Debug + Send + Sync {
    /// Sends up to [`BATCH`] bodies, to be delivered after a delay in whole seconds, at most 900; the numbers of those
    /// that were not taken, from 0.
    fn send<'a>(&'a self, bodies: &'a [String], delay: Duration) -> BoxFuture<'a, Result<Vec<usize>, QueueError>>;
    /// Receives some messages, without waiting for any.
    fn receive(&self) -> BoxFuture<'_, Result<Vec<Received>, QueueError>>;
    /// Deletes a message that was received.
    fn delete<'a>(&'a self, handle: &'a str) -> BoxFuture<'a, Result<(), QueueError>>;
}

/// A queue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue(Arc<dyn Port>);

impl Queue {
    /// A queue behind a port.
    pub fn new(port: impl Port + 'static) -> Self {
        Self(Arc::new(port))
    }

    /// A queue of SQS, by its URL.
    pub fn sqs(client: Client, url: impl Into<String>) -> Self {
        Self::new(Sqs { client, url: url.into() })
    }

    /// No queue: for programs that send no message.
    pub fn none() -> Self {
        Self::new(NoQueue)
    }

    /// Sends all messages: of a batch that was taken in part, only the rest is sent again.
    pub async fn send(&self, pointers: &[Pointer]) -> Result<(), QueueError> {
        self.send_after(Duration::ZERO, pointers).await
    }

    /// The same, to be delivered after a delay in whole seconds, at most [`MAX_DELAY`].
    pub async fn send_after(&self, delay: Duration, pointers: &[Pointer]) -> Result<(), QueueError> {
        let bodies = pointers.iter().map(|pointer| Message::new(pointer).body());
        self.send_bodies(delay, bodies.collect::<Result<_, _>>()?).await
    }

    /// The same with messages of any form.
    pub(crate) async fn send_bodies(&self, delay: Duration, bodies: Vec<String>) -> Result<(), QueueError> {
        for batch in bodies.chunks(BATCH) {
            let mut bodies = batch.to_vec();
            let mut pauses = PARTIAL_SEND.start();
            loop {
                let failed = self.0.send(&bodies, delay).await?;
                if failed.is_empty() {
                    break;
                }
                if !pauses.wait().await {
                    return Err(QueueError::Unavailable("not all messages were taken".to_owned()));
                }
                bodies = failed
                    .into_iter()
                    .map(|at| bodies.get(at).cloned().ok_or_else(unreadable))
                    .collect::<Result<_, _>>()?;
            }
        }
        Ok(())
    }

    /// Receives up to [`BATCH`] messages.
    pub async fn receive(&self) -> Result<Vec<Received>, QueueError> {
        self.0.receive().await
    }

    /// Deletes a message that was received.
    pub async fn delete(&self, handle: &str) -> Result<(), QueueError> {
        self.0.delete(handle).await
    }
}

/// The longest delay of a message.
pub const MAX_DELAY: Duration = Duration::from_mins(15);

/// The port of a program that has no queue.
#[derive(Debug)]
struct NoQueue;

impl NoQueue {
    fn fail<T>() -> BoxFuture<'static, Result<T, QueueError>> {
        Box::pin(async { Err(QueueError::Internal("this program has no queue".to_owned())) })
    }
}

impl Port for NoQueue {
    fn send<'a>(&'a self, _: &'a [String], _: Duration) -> BoxFuture<'a, Result<Vec<usize>, QueueError>> {
        Self::fail()
    }

    fn receive(&self) -> BoxFuture<'_, Result<Vec<Received>, QueueError>> {
        Self::fail()
    }

    fn delete<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), QueueError>> {
        Self::fail()
    }
}

#[derive(Debug)]
struct Sqs {
    client: Client,
    url: String,
}

impl Port for Sqs {
    fn send<'a>(&'a self, bodies: &'a [String], delay: Duration) -> BoxFuture<'a, Result<Vec<usize>, QueueError>> {
        Box::pin(async move {
            let delay = i32::try_from(delay.as_secs()).unwrap_or(i32::MAX);
            let entry = |(at, body): (usize, &String)| {
                let entry = SendMessageBatchRequestEntry::builder().id(at.to_string()).message_body(body);
                entry.set_delay_seconds((delay > 0).then_some(delay)).build()
            };
            let entries = bodies.iter().enumerate().map(entry).collect::<Result<_, _>>()?;
            let reply = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await?;
            let number = |failed: &BatchResultErrorEntry| failed.id.parse().map_err(|_| unreadable());
            reply.failed.iter().map(number).collect()
        })
    }

    fn receive(&self) -> BoxFuture<'_, Result<Vec<Received>, QueueError>> {
        Box::pin(async move {
            let request = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
            let messages = request.send().await?.messages.unwrap_or_default();
            let received = |message: aws_sdk_sqs::types::Message| {
                let (body, handle) = message.body.zip(message.receipt_handle).ok_or_else(unreadable)?;
                Ok(Received { body, handle })
            };
            messages.into_iter().map(received).collect()
        })
    }

    fn delete<'a>(&'a self, handle: &'a str) -> BoxFuture<'a, Result<(), QueueError>> {
        Box::pin(async move {
            self.client.delete_message().queue_url(&self.url).receipt_handle(handle).send().await?;
            Ok(())
        })
    }
}

fn unreadable() -> QueueError {
    QueueError::Internal("an unreadable response".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_a_pointer_and_comes_back() {
        let pointer = |work| Pointer {
            space: SpaceId::parse("spa_demo").unwrap(),
            job: "job_019b76da1e7b7000a1b2c3d4e5f60718".parse().unwrap(),
            work,
            hops: 4,
        };
        for work in [Work::Dispatch { from: 7, redrive: 2 }, Work::Chunk(ChunkId { page: 1, chunk: 2, attempt: 3 })] {
            let body = Message::new(&pointer(work)).body().unwrap();
            assert!(body.is_ascii() && body.len() < 256);
            assert_eq!(Message::parse(&body), Ok(pointer(work)));
        }
    }

    #[test]
    fn other_messages_are_refused() {
        let good = r#"{"version":1,"space":"s","job":"job_019b76da1e7b7000a1b2c3d4e5f60718","page":0,"chunk":0,"attempt":0,"hops":0}"#;
        assert!(Message::parse(good).is_ok());
        for (from, to, error) in [
            ("{", "", BadMessage::Unreadable),
            ("\"version\":1", "\"version\":2", BadMessage::Version(2)),
            ("\"page\":0", "\"page\":null", BadMessage::Unreadable),
            ("\"page\":0", "\"page\":-1", BadMessage::Unreadable),
            ("\"s\"", "\"a#b\"", BadMessage::Unreadable),
            ("\"attempt\":0", "\"attempt\":0,\"more\":1", BadMessage::Unreadable),
        ] {
            assert_eq!(Message::parse(&good.replace(from, to)), Err(error), "{to}");
        }
    }
}
