//! The scheduled function: ends what was begun. What it does is `efface-aws`'s `jobs`; here it is started and told of.

use std::time::{Duration, SystemTime};

use efface_aws::{StoreError, queue::Queue};
use efface_engine::{Deadline, Engine, Reconciled, ScanCursor};

/// What is kept of the function's time for what is under way.
const RESERVE: Duration = Duration::from_secs(10);

/// The reconciler. One for the life of a process.
#[derive(Debug)]
pub struct Reconciler {
    engine: Engine,
    dead: Queue,
    round: ScanCursor,
}

impl Reconciler {
    /// A reconciler with an engine and the dead-letter queue.
    pub fn new(engine: Engine, dead: Queue) -> Self {
        Self { engine, dead, round: ScanCursor::default() }
    }

    /// Looks after everything once, or as far as it comes until its function is ended.
    pub async fn handle(&self, end: SystemTime) -> Result<Reconciled, StoreError> {
        let left = end.duration_since(SystemTime::now()).unwrap_or_default();
        let deadline = Deadline::after(left.saturating_sub(RESERVE));
        let done = self.engine.reconcile(&self.dead, &self.round, deadline).await;
        match &done {
            Ok(Reconciled { jobs, resent, revived, closed, verified, decided, left, failed }) => {
                tracing::info!(jobs, resent, revived, closed, verified, decided, left, failed, "reconciled");
            }
            Err(error) => tracing::error!(%error, "not reconciled"),
        }
        done
    }
}
