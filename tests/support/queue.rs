//! A queue in memory. Tests can inspect, repeat, lose and reorder its messages. It delivers without the delay that a
//! message asks for.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use efface_aws::{
    QueueError,
    queue::{Port, Queue, Received},
};
use futures::future::BoxFuture;

/// A queue in memory. Copies are the same queue.
#[derive(Debug, Clone, Default)]
pub struct TestQueue(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    messages: VecDeque<String>,
    /// Every body that was ever sent.
    sent: Vec<String>,
    /// For each of the next batches: how many of its entries the queue rejects.
    rejections: VecDeque<usize>,
    /// Whether every send and receive fails.
    is_down: bool,
    /// Handles and bodies of messages that were received and not yet deleted.
    in_flight: Vec<(String, String)>,
}

impl TestQueue {
    /// The queue to hand to a function.
    pub fn queue(&self) -> Queue {
        Queue::new(self.clone())
    }

    /// Takes all waiting messages from the queue.
    pub fn take(&self) -> Vec<String> {
        self.lock().messages.drain(..).collect()
    }

    /// Takes the first waiting message from the queue.
    pub fn pop(&self) -> Option<String> {
        self.lock().messages.pop_front()
    }

    /// The number of waiting messages.
    pub fn len(&self) -> usize {
        self.lock().messages.len()
    }

    /// Whether no message is waiting.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every body that was ever sent, delivered or not.
    pub fn sent(&self) -> Vec<String> {
        self.lock().sent.clone()
    }

    /// Adds a message. It does not count as sent.
    pub fn put(&self, body: impl Into<String>) {
        self.lock().messages.push_back(body.into());
    }

    /// Rejects this many entries of each of the next batches, from the first one on.
    pub fn reject(&self, entries: impl IntoIterator<Item = usize>) {
        self.lock().rejections.extend(entries);
    }

    /// Whether every send and receive fails from now on.
    pub fn down(&self, is_down: bool) {
        self.lock().is_down = is_down;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }
}

impl Port for TestQueue {
    fn send<'a>(&'a self, bodies: &'a [String], _: Duration) -> BoxFuture<'a, Result<Vec<usize>, QueueError>> {
        Box::pin(async move {
            assert!((1..=10).contains(&bodies.len()), "SQS takes 1 to 10 entries");
            let mut inner = self.lock();
            if inner.is_down {
                return Err(QueueError::Unavailable("the queue is down".to_owned()));
            }
            let rejected = inner.rejections.pop_front().unwrap_or_default().min(bodies.len());
            for body in &bodies[rejected..] {
                inner.messages.push_back(body.clone());
                inner.sent.push(body.clone());
            }
            Ok((0..rejected).collect())
        })
    }

    fn receive(&self) -> BoxFuture<'_, Result<Vec<Received>, QueueError>> {
        Box::pin(async move {
            let mut inner = self.lock();
            if inner.is_down {
                return Err(QueueError::Unavailable("the queue is down".to_owned()));
            }
            let count = inner.messages.len().min(10);
            let bodies: Vec<String> = inner.messages.drain(..count).collect();
            let mut received = Vec::new();
            for body in bodies {
                let handle = format!("handle-{}", inner.in_flight.len());
                inner.in_flight.push((handle.clone(), body.clone()));
                received.push(Received { body, handle });
            }
            Ok(received)
        })
    }

    fn delete<'a>(&'a self, handle: &'a str) -> BoxFuture<'a, Result<(), QueueError>> {
        Box::pin(async move {
            self.lock().in_flight.retain(|(own, _)| own != handle);
            Ok(())
        })
    }
}
