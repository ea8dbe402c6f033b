//! List jobs.

use efface_aws::store::job::{JobPosition, Totals};
use efface_core::{
    api_error::ApiError,
    job::{Group, JobId, JobState},
    list::{self, ListQuery},
    role::Permission,
};
use efface_engine::access::Access;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Job, JobCounts};
use crate::{
    RequestContext,
    auth::authorise,
    openapi::Cursor,
    response::{Response, store_failed},
};

/// A page of jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobList {
    /// The jobs.
    data: Vec<Job>,
    /// Rows by outcome, over all jobs that match but dry runs: they delete nothing.
    counts: JobCounts,
    /// Jobs that match, less dry runs.
    jobs: i64,
    /// Their rows.
    rows: i64,
    /// Their rows that have no outcome.
    remaining: i64,
    /// Where to go on.
    cursor: Cursor,
}

/// Lists jobs, with what all that match add up to.
#[utoipa::path(get, path = "/v1/spaces/{space_id}/deletion_jobs",
    tag = "jobs",
    params(crate::openapi::SpaceParams, crate::openapi::JobListParams),
    responses((status = 200, description = "A page of jobs.", body = JobList), crate::openapi::ReadErrors))]
pub(crate) async fn get(call: &RequestContext<'_>, access: &Access) -> Result<Response, ApiError> {
    let query = ListQuery::read(&call.request.query, &["group", "state"])?;
    let group: Option<Group> = query.filter("group", "1 to 128 of a-z, A-Z, 0-9, `_`, `.`, `:`, `-`")?;
    let words = "open, queued, running, pausing, paused, cancelling, cancelled or completed";
    let state: Option<JobState> = query.filter("state", words)?;
    let start: Option<JobPosition> = query.next.as_deref().map(list::decode_cursor).transpose()?;
    if start.as_ref().is_some_and(|start| JobId::parse(&start.job).is_err()) {
        return Err(list::bad_cursor());
    }
    authorise(access, Permission::ReadJobs)?;
    let (store, space) = (&call.app.store, &access.space_id);
    let (listed, totals) = futures::try_join!(
        store.list_jobs(space, group.as_ref(), state, start, query.limit),
        totals(call, access, group.as_ref(), state),
    )
    .map_err(store_failed)?;
    let (jobs, next) = listed;
    Response::ok(&JobList {
        data: jobs.into_iter().map(|job| Job::new(job, call.now)).collect(),
        counts: totals.counts.into(),
        jobs: totals.jobs,
        rows: totals.rows,
        remaining: (totals.rows - totals.counts.total()).max(0),
        cursor: Cursor::new(call.request, next.as_ref().map(list::encode_cursor)),
    })
}

/// All jobs and finished ones are tallied as they go; unfinished ones of one state are read one by one.
async fn totals(
    call: &RequestContext<'_>,
    access: &Access,
    group: Option<&Group>,
    state: Option<JobState>,
) -> Result<Totals, efface_aws::StoreError> {
    match state {
        Some(state) if !state.is_final() => call.app.store.live_totals(&access.space_id, group, state).await,
        state => call.app.store.totals(&access.space_id, group, state).await,
    }
}
