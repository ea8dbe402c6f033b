//! Creation of a job.

use efface_aws::store::job::{JobHead, JobStatus, Progress};
use efface_core::{
    api_error::ApiError,
    job::{Action, Counts, Group, JobId, JobState, plan::Plan},
    profile::RequestId,
};

use super::page::{Page, post_page};
use crate::{context::RequestContext, response::store_failed};

/// What a new job is to be.
pub(crate) struct NewJob {
    pub(crate) action: Action,
    pub(crate) dry_run: bool,
    pub(crate) group: Option<Group>,
    pub(crate) open: bool,
    pub(crate) max_deletions: Option<i64>,
}

/// Creates the job of a request, unless it exists: first its chunks, then the job with its page in one transaction,
/// then the message that starts it. If that message is lost, the reconciler sends it.
pub(crate) async fn create(
    cx: &RequestContext<'_>,
    new: &NewJob,
    page: &Page,
    request: &RequestId,
) -> Result<JobStatus, ApiError> {
    let (store, space) = (&cx.app.store, &cx.access.space_id);
    let job = JobId::of_request(request);
    if *request != cx.id
        && let Some(status) = store.job(space, &job).await.map_err(store_failed)?
    {
        return Ok(status);
    }
    let head = head(cx, new, &job);
    let stored = (!page.rows().is_empty()).then(|| page.stored(0));
    post_page(cx, &job, 0, page, !new.open).await?;
    let is_new = store.create_job(space, &head, stored.as_ref()).await.map_err(store_failed)?;
    if !is_new {
        // The same request was sent twice at the same time.
        return store.job(space, &job).await.map_err(store_failed)?.ok_or(ApiError::Unavailable);
    }
    if stored.is_none() && !new.open {
        let status = store.settle_job(space, &job, cx.now).await.map_err(store_failed)?;
        return status.ok_or(ApiError::Unavailable);
    }
    if !new.open
        && let Err(error) = cx.app.engine.send_dispatch(space, &job).await
    {
        tracing::warn!(%error, job_id = %job, "the job waits for the reconciler");
    }
    Ok(JobStatus { head, progress: progress(page) })
}

/// The record of a new job.
pub(crate) fn head(cx: &RequestContext<'_>, new: &NewJob, job: &JobId) -> JobHead {
    JobHead {
        job_id: job.to_string(),
        action: new.action,
        state: if new.open { JobState::Open } else { JobState::Queued },
        version: 1,
        job_group: new.group.as_ref().map(|group| group.as_str().to_owned()),
        created_at: cx.now,
        token_id: cx.access.token_id.clone(),
        dry_run: new.dry_run,
        max_deletions: new.max_deletions,
        single: false,
        started_at: None,
        finished_at: None,
        verified_at: None,
        changed_at: cx.now,
        redriving: false,
        controls: Vec::new(),
        profile_id: None,
        counts: None,
        seen: 0,
        seen_at: None,
        resends: 0,
    }
}

/// The counters of a job that has one page and has not run.
fn progress(page: &Page) -> Progress {
    let stored = page.stored(0);
    let counts = Counts { invalid: stored.invalid, ..Counts::default() };
    Progress { rows: stored.rows, chunks: stored.chunks.into(), counts, ..Progress::default() }
}

/// The job of a dry run that was planned at once. It is not stored: there is nothing to follow.
pub(crate) fn planned(cx: &RequestContext<'_>, new: &NewJob, page: &Page, plan: &Plan) -> JobStatus {
    let mut head = head(cx, new, &JobId::of_request(&cx.id));
    head.state = JobState::Completed;
    (head.started_at, head.finished_at) = (Some(cx.now), Some(cx.now));
    let counts = Counts {
        deleted: plan.profiles,
        duplicate: plan.duplicates,
        not_found: plan.not_found,
        invalid: plan.invalid,
        protected: plan.protected,
        failed: 0,
    };
    JobStatus { head, progress: Progress { counts, ..progress(page) } }
}
