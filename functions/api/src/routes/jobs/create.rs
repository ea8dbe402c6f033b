//! Make a job.

use std::{borrow::Cow, time::Duration};

use efface_aws::store::job::{JobHead, JobStatus, Progress};
use efface_core::{
    api_error::ApiError,
    job::{Action, Counts, Group, JobId, JobState},
    json::Object,
    profile::RequestId,
    request::read_json,
    rows::{MAX_ROWS, MAX_SENT, PageError, RawRow, inflate, page_rows},
    time::Time,
};
use efface_engine::{PlanRows, access::Access};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Job, JobPlan,
    admit::{Page, PageAnswer, post_page},
    no_query, permission,
};
use crate::{
    RequestContext,
    auth::{authorise, check_activated},
    event::Request,
    response::{Response, store_failed},
    routes::{body, idempotency},
};

/// How long a plan may be worked on before it becomes a job of its own.
const PLAN_TIME: Duration = Duration::from_secs(15);

/// A job that was made, and what became of its first page.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedJob {
    /// The job.
    pub(super) job: Job,
    /// What was accepted.
    #[serde(flatten)]
    pub(super) page: PageAnswer,
    /// What it would do, where a dry run could tell at once. Then nothing is kept, the job neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plan: Option<JobPlan>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    action: Action,
    #[serde(default, deserialize_with = "page_rows")]
    rows: Vec<RawRow>,
    #[serde(default)]
    dry_run: bool,
    group: Option<String>,
    #[serde(default)]
    open: bool,
    max_deletions: Option<i64>,
}

/// What a new job is to be.
pub(crate) struct NewJob {
    pub(crate) action: Action,
    pub(crate) dry_run: bool,
    pub(crate) group: Option<Group>,
    pub(crate) open: bool,
    pub(crate) max_deletions: Option<i64>,
}

/// Makes a job of the rows that are posted, which are its page 0. An open job takes more pages and waits for `start`.
#[utoipa::path(post, path = "/v1/spaces/{space_id}/deletion_jobs",
    tag = "jobs",
    params(crate::openapi::SpaceParams, crate::openapi::IdempotencyParams),
    request_body(content = crate::openapi::CreateJobBody, content_type = "application/json"),
    responses(
        (status = 200, description = "The plan of a dry run.", body = CreatedJob),
        (status = 202, description = "The job is kept and will be carried out.", body = CreatedJob),
        crate::openapi::JobErrors))]
pub(crate) async fn post(call: &RequestContext<'_>, access: &Access) -> Result<Response, ApiError> {
    check_page(call.request)?;
    let body = inflated(call.request)?;
    let (new, rows) = parse(call, &body)?;
    authorise(access, permission(new.action))?;
    check_activated(access)?;
    let (request, _) = idempotency::settle(call, access).await?;
    let page = Page::admit(access, new.action, new.dry_run, &rows, &body);
    if new.dry_run && !new.open {
        let plan = PlanRows { space: &access.space_id, rows: page.rows(), time: PLAN_TIME };
        if let Some(plan) = call.app.engine.plan_page(plan).await.map_err(store_failed)? {
            return Response::ok(&planned(call, access, &new, &page, plan));
        }
    }
    let status = create(call, access, &new, &page, &request).await?;
    Response::accepted(&CreatedJob { job: Job::new(status, call.now), page: page.answer(), plan: None })
}

/// Refuses a page by its size, then by its declared type.
pub(super) fn check_page(request: &Request) -> Result<(), ApiError> {
    body::check(request, MAX_SENT, &body::JSON, &["identity", "gzip"], ApiError::UnsupportedMediaType)
}

/// The body of a page, inflated.
pub(super) fn inflated(request: &Request) -> Result<Cow<'_, [u8]>, ApiError> {
    inflate(&request.body).map_err(unreadable)
}

/// Why a body as a whole is no page.
pub(super) fn unreadable(error: PageError) -> ApiError {
    match error {
        PageError::Unreadable(text) => ApiError::BadRequest(text),
        PageError::TooLarge | PageError::TooManyRows => ApiError::PageTooLarge(error.to_string()),
    }
}

fn parse(call: &RequestContext<'_>, body: &[u8]) -> Result<(NewJob, Vec<RawRow>), ApiError> {
    let Object(body): Object<Body> = read_json(body)?;
    let group = body.group.as_deref().map(Group::parse).transpose();
    let group = group.map_err(|error| ApiError::BadRequest(format!("The request body at `group`: {error}.")))?;
    if body.max_deletions.is_some_and(|most| most < 1) {
        return Err(ApiError::BadRequest("The request body at `max_deletions`: it must be at least 1.".to_owned()));
    }
    check_rows(&body.rows)?;
    no_query(call)?;
    let new = NewJob {
        action: body.action,
        dry_run: body.dry_run,
        group,
        open: body.open,
        max_deletions: body.max_deletions,
    };
    Ok((new, body.rows))
}

pub(super) fn check_rows(rows: &[RawRow]) -> Result<(), ApiError> {
    if rows.len() > MAX_ROWS {
        let text = format!("A page must have at most {MAX_ROWS} rows; make an open job and send more pages.");
        return Err(ApiError::PageTooLarge(text));
    }
    Ok(())
}

/// Makes the job that a request stands for, unless it is there already: its chunks first, then all that counts at once,
/// then the message that has it carried out. Where that one gets lost, the reconciler sends it.
pub(super) async fn create(
    call: &RequestContext<'_>,
    access: &Access,
    new: &NewJob,
    page: &Page,
    request: &RequestId,
) -> Result<JobStatus, ApiError> {
    let (store, space) = (&call.app.store, &access.space_id);
    let job = JobId::of_request(request);
    if *request != call.id
        && let Some(status) = store.job(space, &job).await.map_err(store_failed)?
    {
        return Ok(status);
    }
    let head = head(call, access, new, &job);
    let stored = (!page.rows().is_empty()).then(|| page.stored(0));
    post_page(call, access, &job, 0, page, !new.open).await?;
    let is_new = store.create_job(space, &head, stored.as_ref()).await.map_err(store_failed)?;
    if !is_new {
        // Somebody sent the same request at the same time.
        return store.job(space, &job).await.map_err(store_failed)?.ok_or(ApiError::Unavailable);
    }
    if stored.is_none() && !new.open {
        let status = store.settle_job(space, &job, call.now).await.map_err(store_failed)?;
        return status.ok_or(ApiError::Unavailable);
    }
    if !new.open
        && let Err(error) = call.app.engine.send_dispatch(space, &job).await
    {
        tracing::warn!(%error, job_id = %job, "the job waits for the reconciler");
    }
    Ok(JobStatus { head, progress: progress(page) })
}

pub(crate) fn head(call: &RequestContext<'_>, access: &Access, new: &NewJob, job: &JobId) -> JobHead {
    JobHead {
        job_id: job.to_string(),
        action: new.action,
        state: if new.open { JobState::Open } else { JobState::Queued },
        version: 1,
        job_group: new.group.as_ref().map(|group| group.as_str().to_owned()),
        created_at: call.now,
        token_id: access.token_id.clone(),
        dry_run: new.dry_run,
        max_deletions: new.max_deletions,
        single: false,
        started_at: None,
        finished_at: None,
        verified_at: None,
        changed_at: call.now,
        redriving: false,
        controls: Vec::new(),
        profile_id: None,
        counts: None,
        seen: 0,
        seen_at: None,
        resends: 0,
    }
}

/// What the counters of a job hold that has one page, and has not run.
fn progress(page: &Page) -> Progress {
    let stored = page.stored(0);
    let counts = Counts { invalid: stored.invalid, ..Counts::default() };
    Progress { rows: stored.rows, chunks: stored.chunks.into(), counts, ..Progress::default() }
}

/// The answer to a dry run that was done at once. The job in it was not kept: there is nothing to follow.
fn planned(
    call: &RequestContext<'_>,
    access: &Access,
    new: &NewJob,
    page: &Page,
    plan: efface_core::job::plan::Plan,
) -> CreatedJob {
    let mut head = head(call, access, new, &JobId::of_request(&call.id));
    head.state = JobState::Completed;
    let now: Option<Time> = Some(call.now);
    (head.started_at, head.finished_at) = (now, now);
    let counts = Counts {
        deleted: plan.profiles,
        duplicate: plan.duplicates,
        not_found: plan.not_found,
        invalid: plan.invalid,
        protected: plan.protected,
        failed: 0,
    };
    let mut job = Job::new(JobStatus { head, progress: Progress { counts, ..progress(page) } }, call.now);
    job.plan = None;
    CreatedJob { job, page: page.answer(), plan: Some(plan.into()) }
}
