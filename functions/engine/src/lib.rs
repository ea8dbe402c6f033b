//! The use cases: delete an identifier, delete a profile, make jobs and carry them out, load profiles. The only place
//! where a decision of `efface-core` meets the store of `efface-aws`.
//!
//! Every step can be repeated, and be cut short anywhere: what a row did is on the tombstones that it left, and a chunk's
//! outcomes are counted once, with their write.

pub mod access;
mod concurrency;
mod error;
pub mod idempotency;
mod identifier;
pub mod job;
pub mod journal;
pub mod limiter;
pub mod load;
pub mod log;
mod profile;
mod profile_deletion;
mod profile_plan;
pub mod reapply;
pub mod segment;
pub mod stop;

use std::{sync::Arc, time::Duration};

use efface_aws::{Store, StoreError, clock::Clock, pricing, queue::Queue};
use efface_core::{
    id::RequestId,
    job::{JobId, Page, plan::Pricing},
    space::SpaceId,
    time::Time,
};
use quick_cache::sync::Cache;
use tokio::time::Instant;

pub use concurrency::ConcurrencyLimit;
pub use error::Error;
pub use job::{ChunkRun, ControlDetails, Controlled, Reconciled};
pub use profile::DeletedProfile;
pub use profile_plan::ProfileContents;
pub use segment::{Changed, Emptied, EmptySegment};

use access::Access;
use limiter::Limiter;

/// Pages that one instance remembers at most.
const REMEMBERED: usize = 256;

/// What carries the use cases out. One for the life of a process.
#[derive(Debug)]
pub struct Engine {
    store: Store,
    queue: Queue,
    clock: Clock,
    pricing: Pricing,
    limiter: Limiter,
    concurrency: ConcurrencyLimit,
    /// Committed pages never change.
    pages: Cache<(SpaceId, JobId, u32), Arc<Page>>,
}

/// Who asks for a use case, by which request, and when.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The token and its space.
    pub access: &'a Access,
    /// The request.
    pub request: RequestId,
    /// When it came, which is the time of a single deletion.
    pub now: Time,
}

/// When to stop starting things.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// Half of the time that is left.
    #[must_use]
    pub fn half(self) -> Self {
        Self(Instant::now() + self.0.saturating_duration_since(Instant::now()) / 2)
    }

    /// The same, but so long before, or halfway where less than twice that is left.
    #[must_use]
    pub fn less(self, reserve: Duration) -> Self {
        let left = self.0.saturating_duration_since(Instant::now());
        Self(Instant::now() + left.saturating_sub(reserve).max(left / 2))
    }

    /// The same, but no later than so long from now.
    #[must_use]
    pub fn within(self, time: Duration) -> Self {
        Self(self.0.min(Instant::now() + time))
    }

    /// When it is.
    pub(crate) fn instant(self) -> Instant {
        self.0
    }

    /// Whether it is over.
    pub fn is_over(self) -> bool {
        Instant::now() >= self.0
    }
}

impl Engine {
    /// An engine on a store and the queue that its messages go to, with the default prices.
    pub fn new(store: Store, queue: Queue, clock: Clock) -> Self {
        Self {
            store,
            queue,
            clock,
            pricing: pricing::DEFAULT,
            limiter: Limiter::default(),
            concurrency: ConcurrencyLimit::default(),
            pages: Cache::new(REMEMBERED),
        }
    }

    /// The same with a deployment's own prices.
    #[must_use]
    pub fn with_pricing(self, pricing: Pricing) -> Self {
        Self { pricing, ..self }
    }

    /// What plans are estimated with.
    pub fn pricing(&self) -> &Pricing {
        &self.pricing
    }

    /// The store, for reads that decide nothing.
    pub fn store(&self) -> &Store {
        &self.store
    }

    async fn committed_page(&self, space: &SpaceId, job: JobId, page: u32) -> Result<Option<Arc<Page>>, StoreError> {
        let key = (space.clone(), job, page);
        if let Some(page) = self.pages.get(&key) {
            return Ok(Some(page));
        }
        let Some(page) = self.store.page(space, job, page).await?.map(Arc::new) else { return Ok(None) };
        self.pages.insert(key, Arc::clone(&page));
        Ok(Some(page))
    }
}
