//! The queue of the log's publisher. A message is a pointer to a space that has entries which are not published; what is to
//! be published is in the journal.

use std::time::Duration;

use efface_core::space::SpaceId;
use serde::{Deserialize, Serialize};

use crate::queue::{BadMessage, Queue, QueueError};

/// The version of a pointer's form. One of another version is not read.
const VERSION: u32 = 1;

/// A pointer to a space, as SQS carries it: `{"v":1,"space":"spa_demo"}`, with `"urgent":true` where a receipt waits, and
/// `"size":7` where it waits for a log of 7 entries: once that is published, the pointer has nothing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogPointer {
    v: u32,
    space: SpaceId,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    urgent: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
}

impl LogPointer {
    /// Points at a space; `urgent` where a receipt waits.
    pub fn new(space: SpaceId, urgent: bool) -> Self {
        Self { v: VERSION, space, urgent, size: None }
    }

    /// The same for a receipt that waits until so many entries are published.
    #[must_use]
    pub fn up_to(self, size: Option<u64>) -> Self {
        Self { size, ..self }
    }

    /// Reads a message's body.
    pub fn parse(body: &str) -> Result<Self, BadMessage> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u32,
        }
        let Versioned { v } = serde_json::from_str(body).map_err(|_| BadMessage::Unreadable)?;
        if v != VERSION {
            return Err(BadMessage::Version(v));
        }
        serde_json::from_str(body).map_err(|_| BadMessage::Unreadable)
    }

    /// The message's body.
    ///
    /// # Errors
    /// None that its fields could cause.
    pub fn body(&self) -> Result<String, QueueError> {
        serde_json::to_string(self).map_err(|_| QueueError::Internal("a message that cannot be written".to_owned()))
    }

    /// The space that has something to publish.
    pub fn space(&self) -> &SpaceId {
        &self.space
    }

    /// Whether a receipt waits, so that it is to be published at once.
    pub fn is_urgent(&self) -> bool {
        self.urgent
    }

    /// How many entries must be published; `None` for all that there are.
    pub fn size(&self) -> Option<u64> {
        self.size
    }
}

/// The queue of the log's publisher. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LogQueue(Queue);

impl LogQueue {
    /// The publisher's queue.
    pub fn new(queue: Queue) -> Self {
        Self(queue)
    }

    /// Sends a pointer to a space, to be delivered after a delay in whole seconds, at most
    /// [`MAX_DELAY`](crate::queue::MAX_DELAY).
    pub async fn send(&self, space: &SpaceId, delay: Duration, urgent: bool) -> Result<(), QueueError> {
        self.send_pointer(&LogPointer::new(space.clone(), urgent), delay).await
    }

    /// Sends a pointer as [`send`](Self::send) does.
    pub async fn send_pointer(&self, pointer: &LogPointer, delay: Duration) -> Result<(), QueueError> {
        self.0.send_bodies(delay, vec![pointer.body()?]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_comes_back_and_other_messages_are_refused() {
        let space: SpaceId = "spa_demo".parse().unwrap();
        for (urgent, size, body) in [
            (false, None, r#"{"v":1,"space":"spa_demo"}"#),
            (true, None, r#"{"v":1,"space":"spa_demo","urgent":true}"#),
            (true, Some(7), r#"{"v":1,"space":"spa_demo","urgent":true,"size":7}"#),
        ] {
            let pointer = LogPointer::new(space.clone(), urgent).up_to(size);
            assert_eq!(pointer.body().as_deref(), Ok(body));
            assert_eq!(LogPointer::parse(body), Ok(pointer));
        }
        for (body, error) in [
            ("", BadMessage::Unreadable),
            (r#"{"space":"spa_demo"}"#, BadMessage::Unreadable),
            (r#"{"v":2,"space":"spa_demo"}"#, BadMessage::Version(2)),
            (r#"{"v":1,"space":"a b"}"#, BadMessage::Unreadable),
            (r#"{"v":1,"space":"spa_demo","more":1}"#, BadMessage::Unreadable),
        ] {
            assert_eq!(LogPointer::parse(body), Err(error), "{body}");
        }
    }
}
