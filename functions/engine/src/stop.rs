//! The emergency stop, carried out: what may start asks here, and an operator stops and starts things here.
//!
//! The order makes it safe to be cut short, and to happen while jobs are made. First the stop is written: whoever reads it
//! from then on starts nothing. Then the live jobs are paused, those of which a worker learns meanwhile by the worker. A job
//! that is made by a request which read just before finds the stop when its first chunk is to start.

use efface_aws::{StoreError, store::job::LiveCursor};
use efface_core::{
    api_error::ApiError,
    job::{Control, JobHead, JobId, JobState, JobStatus, event::Cause, state::ControlRequest},
    space::SpaceId,
    stop::{Halt, Stop, StopMark, Stops},
};
use futures::{StreamExt, stream};

use crate::{Engine, Error};

/// Entries of the list of live jobs that are looked through together.
const LISTED: i32 = 100;

/// Jobs that are paused at once.
const AT_ONCE: usize = 8;

/// A live job, as a stop or its end finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveJobStatus {
    /// Its space.
    pub space: SpaceId,
    /// Where it stands now.
    pub status: JobStatus,
    /// Whether this call paused it.
    pub was_paused: bool,
    /// Whether it goes on by itself, because the stop that had paused it has ended.
    pub goes_on: bool,
}

/// What some entries of the list of live jobs came to.
#[derive(Debug, Default)]
pub struct FoundJobs {
    /// The jobs that are there.
    pub jobs: Vec<LiveJobStatus>,
    /// Entries and jobs that cannot be read. They are not paused; the stop holds for them, too.
    pub unreadable: usize,
    /// Where to go on.
    pub more: Option<LiveCursor>,
}

impl Engine {
    /// Stops what deletes in a space, or in the whole stack; the stop, and whether it is a new one. Its jobs are to be paused
    /// next.
    pub async fn begin_stop(&self, space: Option<&SpaceId>) -> Result<(Option<Stop>, bool), StoreError> {
        let now = self.clock.now();
        self.store.change_stop(space, |last| Stop::begin(last, now)).await
    }

    /// Lets things go on; the stop that has ended, if there was one, and whether it ended just now. Jobs that it had paused
    /// are resumed by the reconciler, unless they are to stay paused.
    pub async fn end_stop(
        &self,
        space: Option<&SpaceId>,
        keeps_paused: bool,
    ) -> Result<(Option<Stop>, bool), StoreError> {
        let now = self.clock.now();
        self.store.change_stop(space, |last| Stop::end(last, keeps_paused, now)).await
    }

    /// Pauses the jobs that may not go on, of a space or of all, as far as some entries of the list of live jobs go. All jobs
    /// that are there. It can be repeated.
    pub async fn pause_live_jobs(&self, space: Option<&SpaceId>, at: LiveCursor) -> Result<FoundJobs, Error> {
        let (listed, more) = self.store.live_jobs(at, LISTED).await?;
        let (mut looks, mut found) = (Vec::with_capacity(listed.len()), FoundJobs { more, ..FoundJobs::default() });
        for live in listed {
            match live {
                Ok(live) if space.is_none_or(|space| live.space == *space) => {
                    looks.push(Box::pin(self.pause_live_job(live.space, live.job)));
                }
                Ok(_) => {}
                Err(_) => found.unreadable += 1,
            }
        }
        let looks: Vec<_> = stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
        for look in looks {
            match look {
                Ok(job) => found.jobs.extend(job),
                Err(Error::Store(StoreError::Unreadable(_))) => found.unreadable += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    async fn pause_live_job(&self, space: SpaceId, job: JobId) -> Result<Option<LiveJobStatus>, Error> {
        let Some(status) = self.store.job(&space, job).await? else { return Ok(None) };
        let stops = self.store.stops(&space).await?;
        self.mark_anew(&space, &status.head, &stops).await?;
        let was_paused = match stops.halt().filter(|_| status.head.state.accepts_chunks()) {
            Some(halt) => self.pause_for(&space, job, halt).await?,
            None => false,
        };
        if status.head.state == JobState::Pausing {
            // Whoever paused it may have died before its counters knew.
            self.store.set_accepting(&space, job).await?;
            self.advance_job(&space, job, self.clock.now()).await?;
        }
        let Some(status) = self.store.job(&space, job).await? else { return Ok(None) };
        let goes_on = goes_on(&status.head, &stops);
        Ok(Some(LiveJobStatus { space, status, was_paused, goes_on }))
    }

    /// Rejects a request that would let something be deleted where an operator has stopped that. It is read as the last
    /// acknowledged write left it.
    ///
    /// # Errors
    /// [`ApiError::NotActivated`], [`ApiError::Stopped`].
    pub async fn check_stop(&self, space: &SpaceId) -> Result<(), Error> {
        match self.store.stops(space).await?.halt() {
            None => Ok(()),
            Some(Halt::Deactivated) => Err(ApiError::NotActivated(space.clone()).into()),
            Some(Halt::Stopped(_)) => Err(ApiError::Stopped(space.clone()).into()),
        }
    }

    /// Pauses a job that could go on although something is stopped: it was made, or resumed, at the same moment. Whether it
    /// is so.
    pub(crate) async fn is_held(&self, space: &SpaceId, head: &JobHead) -> Result<bool, Error> {
        if !head.state.accepts_chunks() {
            return Ok(false);
        }
        let Some(halt) = self.store.stops(space).await?.halt() else { return Ok(false) };
        self.pause_for(space, head.job_id, halt).await?;
        Ok(true)
    }

    /// Resumes a job that a stop has paused, where that has ended. Whether it did.
    pub(crate) async fn resume_after_stop(&self, space: &SpaceId, head: &JobHead) -> Result<bool, Error> {
        if head.stopped_by.is_none() {
            return Ok(false);
        }
        let stops = self.store.stops(space).await?;
        self.mark_anew(space, head, &stops).await?;
        if !goes_on(head, &stops) {
            return Ok(false);
        }
        let resume = ControlRequest::own(Control::Resume, Cause::Operator, self.clock.now());
        if let crate::Controlled::Yes(status) = self.control_job(space, head.job_id, &resume, None).await? {
            self.ask_for_dispatch(space, &status.head).await;
        }
        Ok(true)
    }

    /// Has a job that a stop paused bear the mark of what holds now, where that stop has ended. Where another change of the
    /// job was first, the next look does it.
    async fn mark_anew(&self, space: &SpaceId, head: &JobHead, stops: &Stops) -> Result<(), Error> {
        if let Some(instead) = head.stopped_by.and_then(|mark| stops.mark_instead(mark)) {
            self.store.mark_stopped(space, head, instead).await?;
        }
        Ok(())
    }

    /// Pauses a job because something is stopped. Whether this moved it.
    pub(crate) async fn pause_for(&self, space: &SpaceId, job: JobId, halt: Halt) -> Result<bool, Error> {
        let own = ControlRequest::own(Control::Pause, Cause::Operator, self.clock.now());
        let pause = ControlRequest { stop: halt.mark(), ..own };
        let paused = self.control_job(space, job, &pause, None).await?;
        Ok(matches!(paused, crate::Controlled::Yes(_)))
    }
}

/// Whether a job goes on by itself, because the stop that had paused it has ended.
fn goes_on(head: &JobHead, stops: &Stops) -> bool {
    let lets_go_on = |mark: StopMark| stops.lets_go_on(mark);
    matches!(head.state, JobState::Pausing | JobState::Paused) && head.stopped_by.is_some_and(lets_go_on)
}
