//! The Lambda function that a schedule invokes to reconcile jobs: it requeues stalled chunks, completes, verifies and
//! cancels jobs, and decides the chunks in the dead-letter queue. `efface-engine` does this; this crate runs and logs it.

use std::time::{Duration, SystemTime};

use efface_aws::queue::Queue;
use efface_engine::{Deadline, Engine, Error, Reconciled, ScanCursor};

/// The part of an invocation's time in which nothing new starts, left for requests that are running.
const RESERVE: Duration = Duration::from_secs(10);

/// Reconciles jobs. One is made per process, so that the next invocation goes on at its cursor.
#[derive(Debug)]
pub struct Reconciler {
    engine: Engine,
    dead_letters: Queue,
    cursor: ScanCursor,
}

impl Reconciler {
    /// A reconciler with an engine and the dead-letter queue.
    pub fn new(engine: Engine, dead_letters: Queue) -> Self {
        Self { engine, dead_letters, cursor: ScanCursor::default() }
    }

    /// Reconciles all jobs once, or stops a reserve of time before Lambda ends the invocation at `end`.
    ///
    /// # Errors
    /// A request to the store or to the queue failed.
    pub async fn handle(&self, end: SystemTime) -> Result<Reconciled, Error> {
        let left = end.duration_since(SystemTime::now()).unwrap_or_default();
        let deadline = Deadline::after(left.saturating_sub(RESERVE));
        let done = self.engine.reconcile(&self.dead_letters, &self.cursor, deadline).await;
        match &done {
            Ok(Reconciled { jobs, redispatched, requeued, cancelled, verified, decided, left, failed }) => {
                tracing::info!(jobs, redispatched, requeued, cancelled, verified, decided, left, failed, "reconciled");
            }
            Err(error) => tracing::error!(%error, "not reconciled"),
        }
        done
    }
}
