//! The queue of jobs: messages are pointers to what the table holds, never rows.

use std::{fmt, sync::Arc, time::Duration};

use aws_sdk_sqs::{Client, types::SendMessageBatchRequestEntry};
use efface_core::{job::JobId, space::SpaceId};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::StoreError;

/// The version of [`Message`]s. A worker refuses every other.
pub const VERSION: u32 = 1;

/// SQS takes so many messages in one request.
pub const BATCH: usize = 10;

/// How often what a batch did not take is sent again.
const ATTEMPTS: u32 = 6;

/// Work that waits: a chunk to run, or a job whose chunks are to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    version: u32,
    space: String,
    job: String,
    page: Option<u32>,
    chunk: Option<u32>,
    attempt: u32,
}

/// What a message points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    /// The space.
    pub space: SpaceId,
    /// The job.
    pub job: JobId,
    /// What of the job.
    pub work: Work,
}

/// The work on a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Send a message for every chunk that has no result, from this page on.
    Dispatch {
        /// The first page.
        from: u32,
    },
    /// Run a chunk.
    Chunk(ChunkId),
}

/// A chunk of a job: where it is, and which attempt at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChunkId {
    /// The page.
    pub page: u32,
    /// The chunk within its page.
    pub chunk: u32,
    /// 0, and one more after each redrive.
    pub attempt: u32,
}

/// The text is not a message of this version. It is not quoted: nobody knows what it holds.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum BadMessage {
    /// Not JSON of a message's shape.
    #[error("the message is not one of ours")]
    Unreadable,
    /// Of another version of the software.
    #[error("the message has version {0}")]
    Version(u32),
}

impl Message {
    /// Points at a chunk, or at a job.
    pub fn new(pointer: &Pointer) -> Self {
        let (page, chunk, attempt) = match pointer.work {
            Work::Dispatch { from } => (Some(from), None, 0),
            Work::Chunk(id) => (Some(id.page), Some(id.chunk), id.attempt),
        };
        let (space, job) = (pointer.space.to_string(), pointer.job.to_string());
        Self { version: VERSION, space, job, page, chunk, attempt }
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
        let space = SpaceId::parse(&message.space).map_err(|_| BadMessage::Unreadable)?;
        let job = JobId::parse(&message.job).map_err(|_| BadMessage::Unreadable)?;
        let work = match (message.page, message.chunk) {
            (Some(page), Some(chunk)) => Work::Chunk(ChunkId { page, chunk, attempt: message.attempt }),
            (from, None) => Work::Dispatch { from: from.unwrap_or_default() },
            (None, Some(_)) => return Err(BadMessage::Unreadable),
        };
        Ok(Pointer { space, job, work })
    }

    /// The message's body: ASCII, as SQS takes no control characters.
    pub fn body(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A message that was received, and by which it is deleted.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its body.
    pub body: String,
    /// What deletes it.
    pub handle: String,
}

/// A queue as the functions need it: SQS, or a double in tests.
pub trait Port: fmt::Debug + Send + Sync {
    /// Sends up to [`BATCH`] bodies; the places of those that were not taken.
    fn send<'a>(&'a self, bodies: &'a [String]) -> BoxFuture<'a, Result<Vec<usize>, StoreError>>;
    /// Receives some messages, without waiting for any.
    fn receive(&self) -> BoxFuture<'_, Result<Vec<Received>, StoreError>>;
    /// Deletes a message that was received.
    fn delete<'a>(&'a self, handle: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;
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

    /// Sends all messages: of a batch that was taken in part, only the rest is sent again.
    pub async fn send(&self, pointers: &[Pointer]) -> Result<(), StoreError> {
        for batch in pointers.chunks(BATCH) {
            let mut bodies: Vec<String> = batch.iter().map(|pointer| Message::new(pointer).body()).collect();
            let mut attempt = 0;
            loop {
                let failed = self.0.send(&bodies).await?;
                if failed.is_empty() {
                    break;
                }
                attempt += 1;
                if attempt == ATTEMPTS {
                    return Err(StoreError::Unavailable("the queue did not take all messages".to_owned()));
                }
                bodies = failed.into_iter().filter_map(|at| bodies.get(at).cloned()).collect();
                pause(attempt).await;
            }
        }
        Ok(())
    }

    /// Receives up to [`BATCH`] messages.
    pub async fn receive(&self) -> Result<Vec<Received>, StoreError> {
        self.0.receive().await
    }

    /// Deletes a message that was received.
    pub async fn delete(&self, handle: &str) -> Result<(), StoreError> {
        self.0.delete(handle).await
    }
}

async fn pause(attempt: u32) {
    tokio::time::sleep(Duration::from_millis(25 << attempt).mul_f64(0.5 + fastrand::f64())).await;
}

#[derive(Debug)]
struct Sqs {
    client: Client,
    url: String,
}

impl Port for Sqs {
    fn send<'a>(&'a self, bodies: &'a [String]) -> BoxFuture<'a, Result<Vec<usize>, StoreError>> {
        Box::pin(async move {
            let entry = |(at, body): (usize, &String)| {
                SendMessageBatchRequestEntry::builder().id(at.to_string()).message_body(body).build().ok()
            };
            let entries = bodies.iter().enumerate().filter_map(entry).collect();
            let reply = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await?;
            Ok(reply.failed.iter().filter_map(|failed| failed.id.parse().ok()).collect())
        })
    }

    fn receive(&self) -> BoxFuture<'_, Result<Vec<Received>, StoreError>> {
        Box::pin(async move {
            let request = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
            let messages = request.send().await?.messages.unwrap_or_default();
            let received = |message: aws_sdk_sqs::types::Message| {
                Some(Received { body: message.body?, handle: message.receipt_handle? })
            };
            Ok(messages.into_iter().filter_map(received).collect())
        })
    }

    fn delete<'a>(&'a self, handle: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.client.delete_message().queue_url(&self.url).receipt_handle(handle).send().await?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_a_pointer_and_comes_back() {
        let pointer = |work| Pointer {
            space: SpaceId::parse("spa_demo").unwrap(),
            job: JobId::parse("job_0123456789abcdef0123456789abcdef").unwrap(),
            work,
        };
        for work in [Work::Dispatch { from: 7 }, Work::Chunk(ChunkId { page: 1, chunk: 2, attempt: 3 })] {
            let body = Message::new(&pointer(work)).body();
            assert!(body.is_ascii() && body.len() < 256);
            assert_eq!(Message::parse(&body), Ok(pointer(work)));
        }
    }

    #[test]
    fn other_messages_are_refused() {
        let good =
            r#"{"version":1,"space":"s","job":"job_0123456789abcdef0123456789abcdef","page":0,"chunk":0,"attempt":0}"#;
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
