//! The Lambda function that a schedule invokes to reconcile jobs: it requeues stalled chunks, completes, verifies and
//! cancels jobs, and decides the chunks in the dead-letter queue. `efface-engine` does this; this crate runs and logs it.

use std::time::{Duration, SystemTime};

use efface_aws::{
    metrics::{self, Meter, Metric},
    queue::Queue,
};
use efface_engine::{Deadline, Engine, Reconciled};

/// The part of an invocation's time in which nothing new starts, left for requests that are running.
const RESERVE: Duration = Duration::from_secs(10);

/// Reconciles jobs. One is made per process.
#[derive(Debug)]
pub struct Reconciler {
    engine: Engine,
    dead_letters: Queue,
    meter: Meter,
}

impl Reconciler {
    /// A reconciler with an engine and the dead-letter queue.
    pub fn new(engine: Engine, dead_letters: Queue) -> Self {
        Self { engine, dead_letters, meter: Meter::off() }
    }

    /// The same with a meter of its invocations.
    #[must_use]
    pub fn with_meter(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Reconciles all jobs once, or stops a reserve of time before Lambda ends the invocation at `end`. What failed is
    /// counted, and the next run tries it again.
    pub async fn handle(&self, end: SystemTime) -> Reconciled {
        let left = end.duration_since(SystemTime::now()).unwrap_or_default();
        let deadline = Deadline::after(left.saturating_sub(RESERVE));
        self.meter.measure(Box::pin(self.run(deadline))).await
    }

    async fn run(&self, deadline: Deadline) -> Reconciled {
        // Without jobs, these are 0.
        metrics::raise(Metric::RowsRemaining, 0);
        metrics::raise(Metric::OldestChunk, 0);
        let done = self.engine.reconcile(&self.dead_letters, deadline).await;
        metrics::add(Metric::ReconcilerRuns, 1);
        metrics::add(Metric::JobsLive, done.jobs);
        let Reconciled { jobs, redispatched, requeued, cancelled, verified, decided, left, failed } = done;
        tracing::info!(jobs, redispatched, requeued, cancelled, verified, decided, left, failed, "reconciled");
        done
    }
}
