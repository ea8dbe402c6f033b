//! The queue of records of the stream that were put aside, for a person to look at.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    queue::{Queue, QueueError},
    store::stream::{Provenance, PutAside},
};

/// The version of a message's form.
const VERSION: u32 = 1;

/// What is kept of a record that was put aside: where it came from and why, no part of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    v: u32,
    /// Why.
    pub reason: PutAside,
    /// Where it came from.
    #[serde(flatten)]
    pub provenance: Provenance,
}

impl Aside {
    /// A record that is put aside.
    pub fn new(provenance: Provenance, reason: PutAside) -> Self {
        let is_own = !matches!(reason, PutAside::UnreadableKey | PutAside::UnreadableRecord);
        let provenance = if is_own { provenance } else { provenance.without_key() };
        Self { v: VERSION, reason, provenance }
    }
}

/// The queue of records that were put aside. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AsideQueue(Queue);

impl AsideQueue {
    /// The queue behind a queue of SQS.
    pub fn new(queue: Queue) -> Self {
        Self(queue)
    }

    /// Sends all of them.
    pub async fn send(&self, asides: &[Aside]) -> Result<(), QueueError> {
        let body = |aside: &Aside| {
            let unwritten = |_| QueueError::Internal("a message that cannot be written".to_owned());
            serde_json::to_string(aside).map_err(unwritten)
        };
        self.0.send_bodies(Duration::ZERO, asides.iter().map(body).collect::<Result<_, _>>()?).await
    }
}
