//! Deleting the members of a segment: the job is made here, and carried out by `job::segment`.

use std::time::Duration;

use efface_core::{
    api_error::ApiError,
    id::RequestId,
    job::{ExecutedPlan, JobHead, JobId, JobStatus, NewJob, Progress, SegmentJob, plan::Plan},
    segment::{Author, Segment, SegmentId, is_off},
    space::SpaceId,
    time::Time,
};

use super::ATTEMPTS;
use crate::{Caller, Deadline, Engine, Error};

/// How long a request counts the members of a segment.
const COUNTING: Duration = Duration::from_secs(5);

/// How long a dry run is carried out by the request before a worker goes on.
const PLANNING: Duration = Duration::from_secs(12);

/// What a client asks for.
#[derive(Debug, Clone, Default)]
pub struct EmptySegment {
    /// Whether somebody has seen the consequences, and accepts them.
    pub confirm: bool,
    /// The members that were seen then.
    pub expected: Option<i64>,
    /// After how many deletions it pauses.
    pub max_deletions: Option<i64>,
    /// Whether the segment is enabled when everybody is deleted.
    pub auto_enable: bool,
    /// When it may start.
    pub start_at: Option<Time>,
    /// Whether it only finds out what it would do.
    pub dry_run: bool,
}

/// What became of it.
#[derive(Debug)]
pub enum Emptied {
    /// The job is there, and will be carried out.
    Job(Box<JobStatus>),
    /// The dry run could be carried out at once.
    Planned(Box<JobStatus>, Box<Plan>),
    /// Somebody must confirm it. The members now; `None` where the time was too short to count them.
    Unconfirmed(Box<Segment>, Option<i64>),
}

impl Engine {
    /// Makes the job that deletes the members of a segment, unless the request has made it already.
    ///
    /// # Errors
    /// [`ApiError::SegmentNotFound`]; [`ApiError::JobInProgress`] where the segment has a job that is not over;
    /// [`ApiError::MembersChanged`] where it has other members than were expected.
    pub async fn empty_segment(
        &self,
        caller: &Caller<'_>,
        id: &SegmentId,
        asked: &EmptySegment,
        request: RequestId,
    ) -> Result<Emptied, Error> {
        let space = &caller.access.space_id;
        if let Some(status) = self.store.job(space, JobId::of_request(request)).await? {
            if asked.dry_run {
                return self.carry_out_plan(space, &status.head).await;
            }
            return Ok(Emptied::Job(Box::new(self.go_on_with_segment_job(caller, status).await?)));
        }
        let segment = self.segment(space, id).await?;
        if asked.dry_run {
            return self.plan_segment(caller, &segment, asked, request).await;
        }
        if let Some(head) = self.job_of_segment(space, &segment).await? {
            return Err(ApiError::JobInProgress(head.job_id).into());
        }
        let members = self.count_members(space, id, Deadline::after(COUNTING)).await?;
        let expected = match (asked.confirm, asked.expected, members) {
            (false, ..) | (true, None, None) => return Ok(Emptied::Unconfirmed(Box::new(segment), members)),
            (true, Some(expected), Some(members)) if is_off(expected, members) => {
                return Err(ApiError::MembersChanged(members).into());
            }
            (true, expected, members) => expected.or(members),
        };
        let new = NewJob {
            max_deletions: asked.max_deletions,
            start_at: asked.start_at,
            ..new_job(caller, &segment, asked, expected)
        };
        let status = Box::pin(self.make_segment_job(caller, &new, request)).await?;
        Ok(Emptied::Job(Box::new(status)))
    }

    /// Makes a dry run, and carries it out as far as the time goes.
    async fn plan_segment(
        &self,
        caller: &Caller<'_>,
        segment: &Segment,
        asked: &EmptySegment,
        request: RequestId,
    ) -> Result<Emptied, Error> {
        let (space, job) = (&caller.access.space_id, JobId::of_request(request));
        let new = NewJob { dry_run: true, start_at: asked.start_at, ..new_job(caller, segment, asked, None) };
        let head = JobHead::new(&new, job, caller.access.token_id.clone(), false, caller.now);
        self.store.create_segment_job(space, &head, None).await?;
        self.carry_out_plan(space, &head).await
    }

    /// Carries a dry run out as far as the time goes. A worker goes on with it.
    async fn carry_out_plan(&self, space: &SpaceId, head: &JobHead) -> Result<Emptied, Error> {
        let (job, deadline) = (head.job_id, Deadline::after(PLANNING));
        if let Some(status) = self.plan_segment_at_once(space, job, deadline).await? {
            let plan = Box::new(self.plan(&status));
            return Ok(Emptied::Planned(Box::new(status), plan));
        }
        let status = self.store.job(space, job).await?.ok_or(ApiError::Unavailable)?;
        self.ask_for_dispatch(space, &status.head).await;
        Ok(Emptied::Job(Box::new(status)))
    }

    /// Makes a job that executes the plan of a segment, unless the request has made it already.
    pub(crate) async fn execute_segment_plan(
        &self,
        caller: &Caller<'_>,
        planned: &SegmentJob,
        new: &NewJob,
        plan: ExecutedPlan,
        request: RequestId,
    ) -> Result<JobStatus, Error> {
        let settling_seconds = caller.access.space.settling_seconds;
        let segment =
            SegmentJob::new(planned.segment_id.clone(), Some(plan.rows), planned.auto_enable, settling_seconds);
        let (max_deletions, start_at, plan) = (new.max_deletions, new.start_at, Some(plan));
        let new = NewJob { max_deletions, start_at, plan, ..NewJob::delete_segment(segment) };
        Box::pin(self.make_segment_job(caller, &new, request)).await
    }

    /// Makes a job that empties a segment, as the segment's own: of two at once, one is made.
    async fn make_segment_job(
        &self,
        caller: &Caller<'_>,
        new: &NewJob,
        request: RequestId,
    ) -> Result<JobStatus, Error> {
        let (store, space, job) = (&self.store, &caller.access.space_id, JobId::of_request(request));
        let segment_job = new.segment.as_ref().ok_or(Error::Fault("a job of no segment"))?;
        let rows = segment_job.expected.unwrap_or(0);
        let is_held = crate::job::is_held(caller, new, rows);
        let head = JobHead::new(new, job, caller.access.token_id.clone(), is_held, caller.now);
        for _ in 0..ATTEMPTS {
            let segment = self.segment(space, &segment_job.segment_id).await?;
            if let Some(other) = self.job_of_segment(space, &segment).await?.filter(|other| other.job_id != job) {
                return Err(ApiError::JobInProgress(other.job_id).into());
            }
            let author = Author { now: caller.now, token_id: Some(&caller.access.token_id), request: None };
            let changed = Segment { active_job: Some(job), last_job: Some(job), ..segment.next(&author) };
            if store.create_segment_job(space, &head, Some(&changed)).await? {
                let status = JobStatus { head, progress: Progress::default() };
                return self.go_on_with_segment_job(caller, status).await;
            }
            if let Some(status) = store.job(space, job).await? {
                return self.go_on_with_segment_job(caller, status).await;
            }
        }
        Err(Error::contended("the segment"))
    }

    /// What follows when the job is there, also where an earlier request died before it.
    pub(crate) async fn go_on_with_segment_job(
        &self,
        caller: &Caller<'_>,
        status: JobStatus,
    ) -> Result<JobStatus, Error> {
        let status = self.judge(caller, status, None).await?;
        self.ask_for_dispatch(&caller.access.space_id, &status.head).await;
        Ok(status)
    }
}

fn new_job(caller: &Caller<'_>, segment: &Segment, asked: &EmptySegment, expected: Option<i64>) -> NewJob {
    let space = &caller.access.space;
    let job = SegmentJob::new(segment.segment_id.clone(), expected, asked.auto_enable, space.settling_seconds);
    NewJob::delete_segment(SegmentJob { approval_over: space.approval_over, ..job })
}
