//! The job queue of the soak. It does the worst that SQS may do: it delivers late, in any order, and some messages twice.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use efface_aws::{
    QueueError,
    queue::{Port, Received},
};
use futures::future::BoxFuture;

/// The number of receives after which a message goes to the dead-letter queue, as in the template.
const MAX_RECEIVES: u32 = 5;
/// Share of deliveries that go to a second worker, too.
const DUPLICATED: f64 = 0.05;
/// Share of sent batches of which a part is rejected.
const REJECTED: f64 = 0.05;
/// How long until a message is delivered again that failed or whose worker was killed.
const RETRY_DELAY: Duration = Duration::from_secs(3);
/// How long until a message is delivered again that was received and not acknowledged: longer than [`TIMEOUT`].
///
/// [`TIMEOUT`]: crate::runtime::TIMEOUT
pub(crate) const VISIBILITY: Duration = Duration::from_secs(25);

/// The job queue and its dead-letter queue. Copies are the same queues.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaultyQueue(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    messages: HashMap<u64, Message>,
    waiting: Vec<u64>,
    /// Second deliveries, each with the worker that had the first one and must not get this one.
    second_deliveries: Vec<(usize, Delivery)>,
    dead: Vec<Dead>,
    last_id: u64,
    figures: Figures,
}

#[derive(Debug)]
struct Message {
    body: String,
    receives: u32,
    /// When it may be delivered again.
    visible_at: Instant,
    is_waiting: bool,
    /// The receipt of the delivery that may acknowledge it: the latest one.
    receipt: u64,
}

#[derive(Debug)]
struct Dead {
    id: u64,
    body: String,
    visible_at: Instant,
}

/// A message that was delivered to a worker.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) id: u64,
    /// 0 for a second delivery, which cannot acknowledge the message.
    receipt: u64,
    pub(crate) body: String,
}

/// Numbers of messages so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    pub(crate) duplicated: u64,
    pub(crate) failed: u64,
    pub(crate) expired: u64,
    pub(crate) dead: u64,
    pub(crate) rejected: u64,
}

impl FaultyQueue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub(crate) fn figures(&self) -> Figures {
        self.lock().figures
    }

    /// Whether no message is waiting, in flight or dead.
    pub(crate) fn is_empty(&self) -> bool {
        let inner = self.lock();
        inner.messages.is_empty() && inner.dead.is_empty()
    }

    /// Accepts messages, to be delivered after a delay; returns the indices of those that it rejects.
    pub(crate) fn send(&self, bodies: &[String], delay: Duration) -> Vec<usize> {
        let mut inner = self.lock();
        let rejected = if fastrand::f64() < REJECTED { fastrand::usize(..=bodies.len()) } else { 0 };
        for body in &bodies[rejected..] {
            inner.last_id += 1;
            let id = inner.last_id;
            let (is_waiting, visible_at) = (delay.is_zero(), Instant::now() + delay);
            let message = Message { body: body.clone(), receives: 0, visible_at, is_waiting, receipt: 0 };
            inner.messages.insert(id, message);
            inner.waiting.extend(is_waiting.then_some(id));
        }
        inner.figures.sent += count(bodies.len() - rejected);
        inner.figures.rejected += count(rejected);
        (0..rejected).collect()
    }

    /// Delivers up to 10 messages to a worker.
    pub(crate) fn receive(&self, worker: usize) -> Vec<Delivery> {
        let mut inner = self.lock();
        inner.expire();
        let mut batch = Vec::new();
        let most = fastrand::usize(1..=10);
        let (others, own): (Vec<_>, Vec<_>) =
            std::mem::take(&mut inner.second_deliveries).into_iter().partition(|(first, _)| *first != worker);
        inner.second_deliveries = own;
        for (_, delivery) in others {
            if batch.len() < most { batch.push(delivery) } else { inner.second_deliveries.push((usize::MAX, delivery)) }
        }
        while batch.len() < most && !inner.waiting.is_empty() {
            let at = fastrand::usize(..inner.waiting.len());
            let id = inner.waiting.swap_remove(at);
            inner.last_id += 1;
            let receipt = inner.last_id;
            let Some(message) = inner.messages.get_mut(&id) else { continue };
            message.receives += 1;
            if message.receives > MAX_RECEIVES {
                let body = inner.messages.remove(&id).map(|message| message.body).unwrap_or_default();
                inner.dead.push(Dead { id, body, visible_at: Instant::now() });
                inner.figures.dead += 1;
                continue;
            }
            (message.is_waiting, message.receipt) = (false, receipt);
            message.visible_at = Instant::now() + VISIBILITY;
            let body = message.body.clone();
            if fastrand::f64() < DUPLICATED {
                inner.second_deliveries.push((worker, Delivery { id, receipt: 0, body: body.clone() }));
                inner.figures.duplicated += 1;
            }
            batch.push(Delivery { id, receipt, body });
        }
        inner.figures.delivered += count(batch.len());
        batch
    }

    /// A worker acknowledges a message.
    pub(crate) fn acknowledge(&self, delivery: &Delivery) {
        let mut inner = self.lock();
        if delivery.receipt > 0 && inner.messages.remove(&delivery.id).is_some() {
            inner.waiting.retain(|id| *id != delivery.id);
        }
    }

    /// A worker failed, or was killed, while it had a message: the message is delivered again after [`RETRY_DELAY`].
    pub(crate) fn fail(&self, delivery: &Delivery) {
        let mut inner = self.lock();
        inner.figures.failed += 1;
        if let Some(message) = inner.messages.get_mut(&delivery.id)
            && message.receipt == delivery.receipt
            && !message.is_waiting
        {
            message.visible_at = Instant::now() + RETRY_DELAY;
        }
    }

    /// Delivers up to 10 dead messages, with their ids. Those that are not deleted are delivered again.
    pub(crate) fn receive_dead(&self) -> Vec<(u64, String)> {
        let mut inner = self.lock();
        let now = Instant::now();
        let visible = inner.dead.iter_mut().filter(|dead| dead.visible_at <= now).take(10);
        visible
            .map(|dead| {
                dead.visible_at = now + VISIBILITY;
                (dead.id, dead.body.clone())
            })
            .collect()
    }

    pub(crate) fn delete_dead(&self, id: u64) {
        self.lock().dead.retain(|dead| dead.id != id);
    }
}

impl Inner {
    /// Makes messages wait whose visibility timeout or delay has passed.
    fn expire(&mut self) {
        let now = Instant::now();
        for (id, message) in &mut self.messages {
            if !message.is_waiting && message.visible_at <= now {
                message.is_waiting = true;
                self.waiting.push(*id);
                self.figures.expired += u64::from(message.receives > 0);
            }
        }
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap()
}

/// The queue as the HTTP function uses it, which only sends.
impl Port for FaultyQueue {
    fn send<'a>(&'a self, bodies: &'a [String], delay: Duration) -> BoxFuture<'a, Result<Vec<usize>, QueueError>> {
        Box::pin(async move { Ok(Self::send(self, bodies, delay)) })
    }

    fn receive(&self) -> BoxFuture<'_, Result<Vec<Received>, QueueError>> {
        Box::pin(async { Err(QueueError::Internal("the HTTP function receives nothing".to_owned())) })
    }

    fn delete<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), QueueError>> {
        Box::pin(async { Err(QueueError::Internal("the HTTP function deletes nothing".to_owned())) })
    }
}
