//! Whether a run of a chunk may go on. A job that is paused or cancelled, and a stop, end it within a hundred rows or a
//! second: the rest of the chunk is given back, and waits.
//!
//! What a worker that died had begun is not left like that: a row whose deletion has begun is finished first.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use efface_aws::store::stop::JobAndStops;
use efface_core::stop::Halt;
use tokio::time::Instant;

use super::Run;
use crate::{Engine, Error};

/// For so long rows go on without another look.
const FRESH: Duration = Duration::from_secs(1);

/// What a run knows of whether it may go on.
pub(super) struct Watch<'a> {
    engine: &'a Engine,
    run: &'a Run,
    looked: Mutex<Instant>,
    is_halted: AtomicBool,
    is_cut: AtomicBool,
    /// The stop that halted it, where the job knows nothing of it yet.
    stop: Mutex<Option<Halt>>,
}

impl<'a> Watch<'a> {
    /// The watch of a run that may go on, as was read just now.
    pub(super) fn opened(engine: &'a Engine, run: &'a Run) -> Self {
        let (looked, stop) = (Mutex::new(Instant::now()), Mutex::default());
        Self { engine, run, looked, is_halted: AtomicBool::default(), is_cut: AtomicBool::default(), stop }
    }

    /// Looks whether the run may go on. Once it may not, it never may again.
    pub(super) async fn look(&self) -> Result<bool, Error> {
        if self.is_halted() {
            return Ok(false);
        }
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let (store, Run { space, head, deadline, .. }) = (&self.engine.store, self.run);
        let read = |consistent| async move { Ok(store.job_and_stops(space, head.job_id, consistent).await?) };
        let mut seen = self.engine.concurrency.run(*deadline, || read(false)).await?;
        if is_halted(&seen) {
            // It may have been so a moment ago.
            seen = self.engine.concurrency.run(*deadline, || read(true)).await?;
        }
        if is_halted(&seen) {
            *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = seen.stops.halt();
            self.is_halted.store(true, Ordering::Relaxed);
        }
        Ok(!self.is_halted())
    }

    /// The same for a row: it looks where nobody did for a second. Where that fails, the next look of the run tells.
    pub(super) async fn look_again(&self) -> bool {
        let is_fresh = self.looked.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < FRESH;
        if is_fresh { !self.is_halted() } else { self.look().await.unwrap_or(true) }
    }

    /// Whether the run may not go on.
    pub(super) fn is_halted(&self) -> bool {
        self.is_halted.load(Ordering::Relaxed)
    }

    /// Notes that a row has begun and is not finished.
    pub(super) fn note_cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
    }

    /// Whether some rows have begun and are not finished.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }

    /// The stop that halted it.
    pub(super) fn stop(&self) -> Option<Halt> {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether rows may not be run, by what was seen. A head that is not seen yet says nothing.
pub(super) fn is_halted(seen: &JobAndStops) -> bool {
    seen.stops.halt().is_some() || seen.head.as_ref().is_some_and(|head| !head.state.accepts_chunks())
}
