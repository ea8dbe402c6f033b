//! Moving jobs through their states: what [`efface_core::job::state`] decides is carried out here.

use efface_aws::store::job::{LiveCursor, Move};
use efface_core::{
    api_error::ApiError,
    id::RequestId,
    job::{
        Control, JobHead, JobId, JobState, JobStatus,
        event::Cause,
        state::{Advance, ControlRequest, Transition, advance, transition},
    },
    space::SpaceId,
    time::Time,
    token::TokenId,
};
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};

use crate::{Caller, Engine, Error};

/// What became of a control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Controlled {
    /// The job is, or already was, on its way there.
    Yes(Box<JobStatus>),
    /// The job's state does not allow it.
    Rejected(JobState),
    /// Who made the job must not approve it.
    Own,
    /// The segment has so many members, which the approval is not for.
    OtherMembers(i64),
    /// The job has so many rows, which the start is not for.
    OtherRows(i64),
    /// There is no such job.
    Unknown,
}

/// What a client may say of a control, beside which one it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct ControlDetails {
    /// Of an approval, the members of the segment that it is for; of a start, the rows.
    pub expected: Option<i64>,
    /// Of a start or an approval: when the job may start at the earliest.
    pub start_at: Option<Time>,
}

/// How often a change that met another is decided anew.
const ATTEMPTS: usize = 8;

/// Entries of the list of live jobs that are looked through together.
const LISTED: i32 = 100;

/// Jobs that are cancelled at once.
const AT_ONCE: usize = 8;

impl Engine {
    /// Carries a client's control out, and has the job's chunks sent where it goes on. The job as it is now. `request` is
    /// that of the first request with the same idempotency key: it is carried out once.
    ///
    /// # Errors
    /// [`ApiError::InvalidState`] where the job's state does not allow it, [`ApiError::OwnJob`], [`ApiError::JobNotFound`].
    pub async fn control(
        &self,
        caller: &Caller<'_>,
        head: &JobHead,
        control: Control,
        details: ControlDetails,
        request: Option<RequestId>,
    ) -> Result<JobStatus, Error> {
        let (space, job) = (&caller.access.space_id, head.job_id);
        // It is held until its rows are added up. Dry runs delete nothing.
        let is_guarded = caller.access.space.approval_over.is_some() && !head.dry_run;
        let needs_approval = control == Control::Start && is_guarded;
        let ControlDetails { expected, start_at } = details;
        let asked = ControlRequest { expected, start_at, ..by(caller, control, needs_approval) };
        let status = match self.control_job(space, job, &asked, request).await? {
            Controlled::Yes(status) => *status,
            Controlled::Rejected(state) => return Err(ApiError::control(state, control).into()),
            Controlled::Own => return Err(ApiError::OwnJob.into()),
            Controlled::OtherMembers(members) => return Err(ApiError::MembersChanged(members).into()),
            Controlled::OtherRows(rows) => return Err(ApiError::RowsChanged(rows).into()),
            Controlled::Unknown => return Err(ApiError::JobNotFound.into()),
        };
        let status = if control == Control::Start { self.judge(caller, status, start_at).await? } else { status };
        self.ask_for_dispatch(space, &status.head).await;
        Ok(status)
    }

    /// Lets a job go on that is held, if it has, with the other jobs of its group, no more rows than its space lets one
    /// person delete; else it awaits its approval, which is told. Its rows are added up while it is held: no page can be
    /// added then, and of two jobs of a group that are started at once the one that is added up last counts the other.
    /// A start that somebody sends again after one that ended here may name a later time: that one holds.
    pub(crate) async fn judge(
        &self,
        caller: &Caller<'_>,
        status: JobStatus,
        start_at: Option<Time>,
    ) -> Result<JobStatus, Error> {
        let (space, head) = (&caller.access.space_id, &status.head);
        if head.state != JobState::AwaitingApproval || !head.approvals.is_empty() || head.is_recounted() {
            return Ok(status);
        }
        let rows = match head.group_hash() {
            Some(group) => self.store.totals(space, Some(group), None).await?.rows,
            None => head.expected_rows(&status.progress),
        };
        if caller.access.space.approval_over.is_some_and(|most| rows > most.into()) {
            self.store.tell_awaiting_approval(space, &status, &caller.access.token_id, caller.now).await?;
            return Ok(status);
        }
        let release = ControlRequest { start_at, ..by(caller, Control::Start, false) };
        match self.control_job(space, head.job_id, &release, None).await? {
            Controlled::Yes(status) => Ok(*status),
            // Somebody cancelled it meanwhile.
            _ => Ok(self.store.job(space, head.job_id).await?.ok_or(ApiError::JobNotFound)?),
        }
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
        let cancel = ControlRequest::own(Control::Cancel, Cause::Operator, now);
        let moves = matches!(transition(&head, &progress, &cancel), Transition::To { .. });
        if head.token_id != *token || !moves {
            return Ok(false);
        }
        Ok(matches!(self.control_job(space, job, &cancel, None).await?, Controlled::Yes(_)))
    }

    /// Moves a job as a control asks. A request with an idempotency key is carried out once. Boxed, because nearly everything
    /// that looks after a job contains this future: their sizes would add up on the stack.
    pub(crate) fn control_job<'a>(
        &'a self,
        space: &'a SpaceId,
        job: JobId,
        asked: &'a ControlRequest<'_>,
        request: Option<RequestId>,
    ) -> BoxFuture<'a, Result<Controlled, Error>> {
        self.carry_control_out(space, job, asked, request).boxed()
    }

    async fn carry_control_out(
        &self,
        space: &SpaceId,
        job: JobId,
        asked: &ControlRequest<'_>,
        request: Option<RequestId>,
    ) -> Result<Controlled, Error> {
        for _ in 0..ATTEMPTS {
            let Some(status) = self.store.job(space, job).await? else { return Ok(Controlled::Unknown) };
            if request.is_some_and(|request| status.head.controls.contains(&request)) {
                return Ok(Controlled::Yes(Box::new(status)));
            }
            let (to, redrives) = match transition(&status.head, &status.progress, asked) {
                Transition::Rejected => return Ok(Controlled::Rejected(status.head.state)),
                Transition::Own => return Ok(Controlled::Own),
                Transition::OtherMembers(members) => return Ok(Controlled::OtherMembers(members)),
                Transition::OtherRows(rows) => return Ok(Controlled::OtherRows(rows)),
                // A person who pauses what a stop has paused wants it to stay so.
                Transition::Unchanged if asked.is_persons_pause() && status.head.stopped_by.is_some() => {
                    self.store.mark_stopped(space, &status.head, None).await?;
                    continue;
                }
                Transition::Unchanged => return Ok(Controlled::Yes(Box::new(status))),
                Transition::To { state, redrives } => (state, redrives),
            };
            let to = Move { to, redrives, asked: Some(asked), request, event: None, now: asked.now };
            if self.store.move_job(space, &status, to).await? {
                self.store.set_accepting(space, job).await?;
                let status = self.advance_job(space, job, asked.now).await?;
                return Ok(status.map_or(Controlled::Unknown, |status| Controlled::Yes(Box::new(status))));
            }
        }
        Err(Error::contended("the job"))
    }

    /// Moves a job on where its counters, or the time, say that it has come so far: to its start, to paused, cancelled or
    /// completed.
    pub(crate) fn advance_job<'a>(
        &'a self,
        space: &'a SpaceId,
        job: JobId,
        now: Time,
    ) -> BoxFuture<'a, Result<Option<JobStatus>, Error>> {
        self.move_on(space, job, now).boxed()
    }

    async fn move_on(&self, space: &SpaceId, job: JobId, now: Time) -> Result<Option<JobStatus>, Error> {
        for _ in 0..ATTEMPTS {
            let Some(mut status) = self.store.job(space, job).await? else { return Ok(None) };
            let to = match advance(&status.head, &status.progress, now) {
                // What waits for its time goes on waiting while anything is stopped.
                Advance::To(JobState::Queued) if self.store.stops(space).await?.halt().is_some() => {
                    return Ok(Some(status));
                }
                Advance::To(state) => state,
                Advance::StopTo(state) => match self.stopped(space, &status).await? {
                    Some(stopped) => {
                        status = stopped;
                        state
                    }
                    None => return Ok(Some(status)),
                },
                Advance::Stay => return Ok(Some(status)),
            };
            if !self.store.move_job(space, &status, Move::to(to, now)).await? {
                continue;
            }
            if to == JobState::Queued {
                self.store.set_accepting(space, job).await?;
                self.ask_for_dispatch(space, &JobHead { state: to, ..status.head }).await;
            } else if to.is_final() && status.head.emptied_segment().is_some() {
                self.after_end(space, job).await?;
            }
        }
        Err(Error::contended("the job"))
    }

    /// A stopping job of which no chunk runs, nor will, with what it came to. Its counters are made to accept no chunks
    /// first: whoever stopped the job may have died before doing so.
    async fn stopped(&self, space: &SpaceId, status: &JobStatus) -> Result<Option<JobStatus>, Error> {
        let job = status.head.job_id;
        self.store.set_accepting(space, job).await?;
        let now = self.store.job(space, job).await?;
        Ok(now.filter(|now| now.head.version == status.head.version && now.progress.is_idle()))
    }
}

/// A control that a client asks for.
fn by<'a>(caller: &Caller<'a>, control: Control, needs_approval: bool) -> ControlRequest<'a> {
    let token_id = Some(&caller.access.token_id);
    ControlRequest {
        control,
        token_id,
        cause: None,
        needs_approval,
        expected: None,
        start_at: None,
        stop: None,
        now: caller.now,
    }
}
