//! A queue as SQS is at its worst: it delivers late, in any order, and some messages twice.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use efface_aws::{
    StoreError,
    queue::{Port, Received},
};
use futures::future::BoxFuture;

/// Receives after which a message is dead, as the template has it.
const MAX_RECEIVES: u32 = 5;
/// Of all deliveries: the same message goes to another worker, too.
const TWICE: f64 = 0.05;
/// Of all batches that are sent: a part is not taken.
const REFUSED: f64 = 0.05;
/// After how long a message that failed, or whose worker was killed, comes back.
const COMES_BACK: Duration = Duration::from_secs(3);
/// After how long one comes back of which nothing was heard: longer than a function may run.
pub(crate) const VISIBILITY: Duration = Duration::from_secs(25);

/// The queue and its dead-letter queue. Copies are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Broker(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    messages: HashMap<u64, Message>,
    waiting: Vec<u64>,
    /// What another worker is to be given, too.
    twice: Vec<(usize, Delivery)>,
    dead: Vec<Dead>,
    last: u64,
    figures: Figures,
}

#[derive(Debug)]
struct Message {
    body: String,
    receives: u32,
    /// Since when it may be delivered, again.
    visible_at: Instant,
    is_waiting: bool,
    /// Which of its deliveries counts.
    receipt: u64,
}

#[derive(Debug)]
struct Dead {
    id: u64,
    body: String,
    visible_at: Instant,
}

/// A message in the hands of a worker.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) id: u64,
    /// 0 where the same message counts elsewhere.
    receipt: u64,
    pub(crate) body: String,
}

/// What happened to messages so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    pub(crate) twice: u64,
    pub(crate) failed: u64,
    pub(crate) expired: u64,
    pub(crate) dead: u64,
    pub(crate) refused: u64,
}

impl Broker {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub(crate) fn figures(&self) -> Figures {
        self.lock().figures
    }

    /// Whether nothing waits, is under way or dead.
    pub(crate) fn is_empty(&self) -> bool {
        let inner = self.lock();
        inner.messages.is_empty() && inner.dead.is_empty()
    }

    /// Takes messages in; the places of those that it does not take.
    pub(crate) fn send(&self, bodies: &[String]) -> Vec<usize> {
        let mut inner = self.lock();
        let refused = if fastrand::f64() < REFUSED { fastrand::usize(..=bodies.len()) } else { 0 };
        for body in &bodies[refused..] {
            inner.last += 1;
            let id = inner.last;
            let message =
                Message { body: body.clone(), receives: 0, visible_at: Instant::now(), is_waiting: true, receipt: 0 };
            inner.messages.insert(id, message);
            inner.waiting.push(id);
        }
        inner.figures.sent += count(bodies.len() - refused);
        inner.figures.refused += count(refused);
        (0..refused).collect()
    }

    /// Gives a worker a batch: 1 to 10 messages, where there are any.
    pub(crate) fn take(&self, worker: usize) -> Vec<Delivery> {
        let mut inner = self.lock();
        inner.bring_back();
        let mut batch = Vec::new();
        let most = fastrand::usize(1..=10);
        let (others, own): (Vec<_>, Vec<_>) =
            std::mem::take(&mut inner.twice).into_iter().partition(|(not, _)| *not != worker);
        inner.twice = own;
        for (_, delivery) in others {
            if batch.len() < most { batch.push(delivery) } else { inner.twice.push((usize::MAX, delivery)) }
        }
        while batch.len() < most && !inner.waiting.is_empty() {
            let at = fastrand::usize(..inner.waiting.len());
            let id = inner.waiting.swap_remove(at);
            inner.last += 1;
            let receipt = inner.last;
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
            if fastrand::f64() < TWICE {
                inner.twice.push((worker, Delivery { id, receipt: 0, body: body.clone() }));
                inner.figures.twice += 1;
            }
            batch.push(Delivery { id, receipt, body });
        }
        inner.figures.delivered += count(batch.len());
        batch
    }

    /// A worker is done with a message.
    pub(crate) fn done(&self, delivery: &Delivery) {
        let mut inner = self.lock();
        if delivery.receipt > 0 && inner.messages.remove(&delivery.id).is_some() {
            inner.waiting.retain(|id| *id != delivery.id);
        }
    }

    /// A worker has failed, or died, over a message.
    pub(crate) fn failed(&self, delivery: &Delivery) {
        let mut inner = self.lock();
        inner.figures.failed += 1;
        if let Some(message) = inner.messages.get_mut(&delivery.id)
            && message.receipt == delivery.receipt
            && !message.is_waiting
        {
            message.visible_at = Instant::now() + COMES_BACK;
        }
    }

    /// Gives out dead messages; they come back unless they are deleted.
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
    /// What was received and not deleted in time waits again.
    fn bring_back(&mut self) {
        let now = Instant::now();
        for (id, message) in &mut self.messages {
            if !message.is_waiting && message.visible_at <= now {
                message.is_waiting = true;
                self.waiting.push(*id);
                self.figures.expired += 1;
            }
        }
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap()
}

/// As the HTTP function sends to it.
impl Port for Broker {
    fn send<'a>(&'a self, bodies: &'a [String]) -> BoxFuture<'a, Result<Vec<usize>, StoreError>> {
        Box::pin(async move { Ok(Self::send(self, bodies)) })
    }

    fn receive(&self) -> BoxFuture<'_, Result<Vec<Received>, StoreError>> {
        Box::pin(async { Err(StoreError::Internal("the HTTP function receives nothing".to_owned())) })
    }

    fn delete<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Internal("the HTTP function deletes nothing".to_owned())) })
    }
}
