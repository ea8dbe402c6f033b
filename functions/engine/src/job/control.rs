//! Moving jobs through their states: what [`efface_core::job::state`] decides is carried out here.

use efface_aws::store::job::{LiveCursor, Move};
use efface_core::{
    api_error::ApiError,
    id::RequestId,
    job::{
        Control, JobHead, JobId, JobState, JobStatus,
        state::{Advance, Transition, advance, transition},
    },
    space::SpaceId,
    time::Time,
    token::TokenId,
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::{Engine, Error};

/// What became of a control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Controlled {
    /// The job is, or already was, on its way there.
    Yes(Box<JobStatus>),
    /// The job's state does not allow it.
    Rejected(JobState),
    /// There is no such job.
    Unknown,
}

/// How often a change that met another is decided anew.
const ATTEMPTS: usize = 8;

/// Entries of the list of live jobs that are looked through together.
const LISTED: i32 = 100;

/// Jobs that are cancelled at once.
const AT_ONCE: usize = 8;

impl Engine {
    /// Carries a client's control out, and has the job's chunks sent where it goes on. The job as it is now.
    ///
    /// # Errors
    /// [`ApiError::InvalidState`] where the job's state does not allow it, [`ApiError::JobNotFound`].
    pub async fn control(
        &self,
        space: &SpaceId,
        head: &JobHead,
        control: Control,
        request: Option<RequestId>,
        now: Time,
    ) -> Result<JobStatus, Error> {
        let job = head.job_id;
        let status = match self.control_job(space, job, control, request, now).await? {
            Controlled::Yes(status) => *status,
            Controlled::Rejected(state) => return Err(ApiError::control(state, control).into()),
            Controlled::Unknown => return Err(ApiError::JobNotFound.into()),
        };
        if status.head.state.accepts_chunks() {
            self.ask_for_dispatch(space, &status.head).await;
        }
        Ok(status)
    }

    /// Cancels the jobs that a token made and that have not ended, as far as some entries of the list of live jobs go: how
    /// many, and where to go on. Jobs that are cancelled already are not counted, so that it can be repeated.
    pub async fn cancel_jobs_of(
        &self,
        space: &SpaceId,
        token: &TokenId,
        at: LiveCursor,
    ) -> Result<(usize, Option<LiveCursor>), Error> {
        let (listed, more) = self.store.live_jobs(at, LISTED).await?;
        let jobs = listed.into_iter().collect::<Result<Vec<_>, _>>()?;
        let own = jobs.into_iter().filter(|live| live.space == *space);
        let cancels = own.map(|live| Box::pin(self.cancel_job_of(space, token, live.job))).collect::<Vec<_>>();
        let cancelled: Vec<bool> = stream::iter(cancels).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok((cancelled.into_iter().filter(|is_cancelled| *is_cancelled).count(), more))
    }

    async fn cancel_job_of(&self, space: &SpaceId, token: &TokenId, job: JobId) -> Result<bool, Error> {
        let now = self.clock.now();
        let Some(JobStatus { head, progress }) = self.store.job(space, job).await? else { return Ok(false) };
        let moves = matches!(transition(&head, &progress, Control::Cancel, now), Transition::To { .. });
        if head.token_id != *token || !moves {
            return Ok(false);
        }
        Ok(matches!(self.control_job(space, job, Control::Cancel, None, now).await?, Controlled::Yes(_)))
    }

    /// Starts, pauses, resumes, cancels or redrives a job. A request with an idempotency key is carried out once.
    pub(crate) async fn control_job(
        &self,
        space: &SpaceId,
        job: JobId,
        control: Control,
        request: Option<RequestId>,
        now: Time,
    ) -> Result<Controlled, Error> {
        for _ in 0..ATTEMPTS {
            let Some(status) = self.store.job(space, job).await? else { return Ok(Controlled::Unknown) };
            if request.is_some_and(|request| status.head.controls.contains(&request)) {
                return Ok(Controlled::Yes(Box::new(status)));
            }
            let (to, redrives) = match transition(&status.head, &status.progress, control, now) {
                Transition::Rejected => return Ok(Controlled::Rejected(status.head.state)),
                Transition::Unchanged => return Ok(Controlled::Yes(Box::new(status))),
                Transition::To { state, redrives } => (state, redrives),
            };
            let renews_limit = control == Control::Resume;
            if self.store.move_job(space, &status, Move { to, redrives, request, renews_limit, now }).await? {
                self.store.set_accepting(space, job).await?;
                let status = self.advance_job(space, job, now).await?;
                return Ok(status.map_or(Controlled::Unknown, |status| Controlled::Yes(Box::new(status))));
            }
        }
        Err(Error::contended("the job"))
    }

    /// Moves a job on where its counters say that it has come so far: to paused, cancelled or completed.
    pub(crate) async fn advance_job(&self, space: &SpaceId, job: JobId, now: Time) -> Result<Option<JobStatus>, Error> {
        for _ in 0..ATTEMPTS {
            let Some(status) = self.store.job(space, job).await? else { return Ok(None) };
            let to = match advance(&status.head, &status.progress) {
                Advance::To(state) => state,
                Advance::StopTo(state) if self.has_stopped(space, &status).await? => state,
                Advance::StopTo(_) | Advance::Stay => return Ok(Some(status)),
            };
            self.store.move_job(space, &status, Move::to(to, now)).await?;
        }
        Err(Error::contended("the job"))
    }

    /// Whether no chunk of a stopping job runs, nor will. Its counters are made to accept no chunks first: whoever stopped
    /// the job may have died before doing so.
    async fn has_stopped(&self, space: &SpaceId, status: &JobStatus) -> Result<bool, Error> {
        let job = status.head.job_id;
        self.store.set_accepting(space, job).await?;
        let now = self.store.job(space, job).await?;
        Ok(now.is_some_and(|now| now.head.version == status.head.version && now.progress.is_idle()))
    }
}
