//! Carrying jobs out. The worker runs chunks, the reconciler ends what nobody ended, and the HTTP function runs the
//! deletion of one profile at once: all through this [`Engine`].
//!
//! Every step can be repeated, and be cut short anywhere: what a row did is on the tombstones that it left, and a chunk's
//! results are counted once, with the result.

pub mod access;
mod concurrency;
mod job;
pub mod limiter;
mod profile;

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use efface_core::{
    job::{JobId, JobState, Taker},
    space::SpaceId,
};
use tokio::time::Instant;

use efface_aws::{
    Store, StoreError,
    clock::Clock,
    queue::{ChunkId, Queue},
    store::{
        job::{JobHead, Page},
        profile_deletion::Eraser,
    },
};

pub use concurrency::ConcurrencyLimit;
pub use job::{ChunkRun, PlanRows, Reconciled, ScanCursor};

/// Jobs and pages that one instance remembers at most.
const REMEMBERED: usize = 256;

/// What carries jobs out. One for the life of a process.
#[derive(Debug)]
pub struct Engine {
    store: Store,
    queue: Queue,
    clock: Clock,
    concurrency: ConcurrencyLimit,
    /// What never changes of a job, and whether it was seen to run.
    jobs: Remembered<(SpaceId, JobId), JobHead>,
    /// Committed pages never change.
    pages: Remembered<(SpaceId, JobId, u32), Page>,
}

/// When to stop beginning things.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// Halfway there from now.
    #[must_use]
    pub fn half(self) -> Self {
        Self(Instant::now() + self.0.saturating_duration_since(Instant::now()) / 2)
    }

    /// Whether it is over.
    pub fn is_over(self) -> bool {
        Instant::now() >= self.0
    }
}

impl Engine {
    /// An engine on a store and the queue that its messages go to.
    pub fn new(store: Store, queue: Queue, clock: Clock) -> Self {
        Self {
            store,
            queue,
            clock,
            concurrency: ConcurrencyLimit::default(),
            jobs: Remembered::default(),
            pages: Remembered::default(),
        }
    }

    /// A job's head; from memory where it was seen to run: what is read of it then never changes.
    async fn job(&self, space: &SpaceId, job: &JobId) -> Result<Option<Arc<JobHead>>, StoreError> {
        let key = (space.clone(), job.clone());
        if let Some(head) = self.jobs.get(&key) {
            return Ok(Some(head));
        }
        let Some(status) = self.store.job(space, job).await? else { return Ok(None) };
        let head = Arc::new(status.head);
        if head.state == JobState::Running {
            self.jobs.put(key, Arc::clone(&head));
        }
        Ok(Some(head))
    }

    async fn page(&self, space: &SpaceId, job: &JobId, page: u32) -> Result<Option<Arc<Page>>, StoreError> {
        let key = (space.clone(), job.clone(), page);
        if let Some(page) = self.pages.get(&key) {
            return Ok(Some(page));
        }
        let Some(page) = self.store.page(space, job, page).await?.map(Arc::new) else { return Ok(None) };
        self.pages.put(key, Arc::clone(&page));
        Ok(Some(page))
    }
}

/// A chunk's run: what each of its rows needs to know.
#[derive(Debug, Clone)]
struct Run {
    space: SpaceId,
    job: JobId,
    head: Arc<JobHead>,
    id: ChunkId,
    /// The number of the chunk's first row within its page.
    first_row: usize,
    /// Whether nobody ran the chunk before.
    is_new: bool,
    deadline: Deadline,
}

impl Run {
    fn taker(&self, row: usize) -> Taker {
        let row = format!("{}:{}", self.id.page, self.first_row + row);
        Taker { job: self.job.clone(), group: self.head.group(), row }
    }
}

impl Engine {
    fn eraser(&self, run: &Run, row: usize) -> Eraser {
        let (space, token_id) = (run.space.clone(), run.head.token_id.clone());
        Eraser { space, taker: run.taker(row), token_id, at: self.clock.now() }
    }
}

/// A small memory that forgets all when it is full.
#[derive(Debug)]
struct Remembered<K, V>(Mutex<HashMap<K, Arc<V>>>);

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V> Remembered<K, V> {
    fn get(&self, key: &K) -> Option<Arc<V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn put(&self, key: K, value: Arc<V>) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(key, value);
    }
}
