//! Executing a plan: a job over the very profiles that a dry run found, in the versions that they had then. Its rows are
//! made by workers, however many they are; where that is cut short, the next run goes on after the last page that is there.

use efface_core::{
    api_error::ApiError,
    id::RequestId,
    job::{
        Action, Control, ExecutedPlan, JobHead, JobId, JobState, JobStatus, NewJob, PLAN_SECONDS, Page, Progress,
        chunk::CHUNK_ROWS,
        event::Cause,
        finding::{Finding, FindingsDigest},
        row::Row,
        state::ControlRequest,
    },
    space::SpaceId,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::create::is_held;
use crate::{Caller, Deadline, Engine, Error};

/// Pages of the plan that are listed at once.
const PAGES: i32 = 100;

/// Chunks that are written at once.
const AT_ONCE: usize = 16;

impl Engine {
    /// Makes the job that executes a plan, unless the request has made it already. `new` is what the client asks for
    /// beside that.
    ///
    /// # Errors
    /// [`ApiError::InvalidState`] where the dry run is not completed, [`ApiError::NotExecutable`] for any other job.
    pub async fn execute_plan(
        &self,
        caller: &Caller<'_>,
        plan: &JobStatus,
        new: NewJob,
        request: RequestId,
    ) -> Result<JobStatus, Error> {
        let (store, space, job) = (&self.store, &caller.access.space_id, JobId::of_request(request));
        if let Some(status) = store.job(space, job).await? {
            return self.go_on_preparing(caller, status).await;
        }
        check_executable(plan, caller)?;
        let rows = plan.progress.counts.deleted;
        let (executed, group) = (ExecutedPlan { job_id: plan.head.job_id, rows }, plan.head.job_group.clone());
        if let Some(segment) = &plan.head.segment {
            return Box::pin(self.execute_segment_plan(caller, segment, &new, executed, request)).await;
        }
        let new = NewJob { plan: Some(executed), group, ..new };
        let head = JobHead::new(&new, job, caller.access.token_id.clone(), is_held(caller, &new, rows), caller.now);
        let status = JobStatus { head, progress: Progress::default() };
        let status = if store.create_job(space, &status.head, None).await? {
            status
        } else {
            store.job(space, job).await?.ok_or(ApiError::Unavailable)?
        };
        self.go_on_preparing(caller, status).await
    }

    /// What follows when the job is there, also where an earlier request died before it.
    async fn go_on_preparing(&self, caller: &Caller<'_>, status: JobStatus) -> Result<JobStatus, Error> {
        if status.head.segment.is_some() {
            return self.go_on_with_segment_job(caller, status).await;
        }
        let status = self.judge(caller, status, None).await?;
        if status.head.makes_rows() {
            self.ask_for_preparation(&caller.access.space_id, &status.head).await;
        }
        Ok(status)
    }

    /// Makes the rows of a job that executes a plan, page by page as the plan has them. Whether they are all there; if not,
    /// the time was up or the job was cancelled.
    pub(super) async fn prepare(&self, space: &SpaceId, head: &JobHead, deadline: Deadline) -> Result<bool, Error> {
        let (store, job) = (&self.store, head.job_id);
        let Some(plan) = head.plan else { return Ok(true) };
        let mut from = store.last_page(space, job).await?.map_or(0, |page| page.page + 1);
        loop {
            let pages = store.pages(space, plan.job_id, from, PAGES).await?;
            let Some(last) = pages.last().map(|page| page.page) else { break };
            for page in pages {
                if deadline.is_over() || !self.prepare_page(space, head, plan.job_id, page.page).await? {
                    return Ok(false);
                }
            }
            from = last + 1;
        }
        let now = self.clock.now();
        let there = store.job(space, job).await?.map_or(0, |status| status.progress.rows);
        if there != plan.rows {
            // A part of the dry run was carried out by an earlier version, or its failed rows were redriven since.
            tracing::error!(there, planned = plan.rows, "the findings of a dry run are not those that it counts");
            let cancel = ControlRequest::own(Control::Cancel, Cause::IncompletePlan, now);
            self.control_job(space, job, &cancel, None).await?;
            return Ok(false);
        }
        store.end_preparing(space, job).await?;
        self.advance_job(space, job, now).await?;
        Ok(true)
    }

    /// Adds the rows that a page of the plan found. Whether the job still takes them.
    async fn prepare_page(&self, space: &SpaceId, head: &JobHead, plan: JobId, number: u32) -> Result<bool, Error> {
        let findings = self.store.findings(space, plan, number).await?;
        let rows: Vec<Row> = findings.iter().map(|(_, finding)| Row::Planned(*finding)).collect();
        let page = self.put_made_page(space, head, number, &rows, &findings).await?;
        Ok(self.store.commit_page(space, head, &page).await? != efface_aws::store::job::Committed::NotOpen)
    }

    /// Writes the chunks of a page whose rows Efface makes itself, of what was found. The page, which is to be committed.
    pub(super) async fn put_made_page(
        &self,
        space: &SpaceId,
        head: &JobHead,
        number: u32,
        rows: &[Row],
        found: &[(u32, Finding)],
    ) -> Result<Page, Error> {
        let content = FindingsDigest::default().with(number, found).to_string();
        let (page, until) = ((number, content.as_str()), head.rows_until());
        let mut writes = Vec::new();
        for (at, rows) in (0..).zip(rows.chunks(CHUNK_ROWS)) {
            writes.push(self.store.put_rows(space, head.job_id, page, at, rows, until));
        }
        stream::iter(writes).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let chunks = u32::try_from(rows.len().div_ceil(CHUNK_ROWS)).unwrap_or(u32::MAX);
        Ok(Page { page: number, content, rows: count, invalid: 0, chunks })
    }
}

fn check_executable(plan: &JobStatus, caller: &Caller<'_>) -> Result<(), ApiError> {
    let head = &plan.head;
    let age = head.finished_at.map_or(0, |at| caller.now.second() - at.second());
    match (head.dry_run, head.action, head.state) {
        (true, ..) if head.rows_until.is_none() => Err(ApiError::NotExecutable(
            "The dry run is of an earlier version, which did not keep what it found; make a new one.",
        )),
        (false, ..) => Err(ApiError::NotExecutable("The job is no dry run: it has been carried out itself.")),
        (_, Action::DeleteIdentifier, _) => {
            Err(ApiError::NotExecutable("A dry run of delete_identifier can't be executed; create a job of its rows."))
        }
        (_, _, JobState::Completed) if age > PLAN_SECONDS => {
            Err(ApiError::NotExecutable("The dry run was completed more than 7 days ago; make a new one."))
        }
        (_, _, JobState::Completed) => Ok(()),
        (_, _, state) => Err(ApiError::InvalidState(state, "executed")),
    }
}
