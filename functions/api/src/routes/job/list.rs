//! List jobs.

use std::str::FromStr;

use efface_aws::{
    StoreError,
    store::job::{JobCursor, Totals},
};
use efface_core::{
    api_error::ApiError,
    job::{Counts, Group, JobState, JobStatus},
    key::GroupHash,
    limit::Limit,
    list::{self, ListQuery},
};
use efface_engine::Error;
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, schema::Type},
};

use super::{
    status::Job,
    wait::{self, REQUIRE, ROWS, UNTIL, Wait},
};
use crate::{
    body::BodyRule,
    context::RequestContext,
    cursor::Cursor,
    endpoint::{Content, Docs, Location, MEDIUM, Method, Parameter, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
    routes::parameters::{LIMIT, NEXT, group},
};

/// A page of jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobList {
    pub(super) data: Vec<Job>,
    #[serde(flatten)]
    pub(super) sums: Sums,
    pub(super) cursor: Cursor,
}

/// What jobs add up to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sums {
    /// Rows by outcome, over all jobs that match. Dry runs are left out, because they delete nothing.
    counts: Counts,
    /// How many jobs match, without dry runs.
    jobs: i64,
    /// Their rows.
    rows: i64,
    /// Their rows without an outcome.
    remaining: i64,
    /// How many of them were cancelled. Only responses to `until` tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_jobs: Option<i64>,
    /// Whether the sums are over all jobs that match. With a `state` that is not final they are over the newest 500 at
    /// least, with `created_by` over the jobs of the page.
    is_complete: bool,
}

impl Sums {
    /// The sums of the jobs of a page.
    fn of_page(jobs: &[JobStatus], is_complete: bool) -> Self {
        let mut totals = Totals::default();
        for JobStatus { head, progress } in jobs.iter().filter(|job| !job.head.dry_run) {
            totals.jobs += 1;
            totals.rows += head.rows(progress);
            totals.counts += progress.counts;
        }
        Self::new(totals, is_complete)
    }

    pub(super) fn new(totals: Totals, is_complete: bool) -> Self {
        let Totals { jobs, rows, counts } = totals;
        Self { counts, jobs, rows, remaining: (rows - counts.total()).max(0), cancelled_jobs: None, is_complete }
    }

    pub(super) fn with_cancelled(self, jobs: i64) -> Self {
        Self { cancelled_jobs: Some(jobs), ..self }
    }
}

/// Who made the jobs that are asked for.
struct CreatedBy;

impl FromStr for CreatedBy {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        (text == "me").then_some(Self).ok_or(())
    }
}

/// A valid query.
pub(in crate::routes) struct JobQuery {
    is_own: bool,
    group: Option<GroupHash>,
    state: Option<JobState>,
    start: Option<JobCursor>,
    limit: usize,
    wait: Option<Wait>,
}

pub(in crate::routes) struct ListJobs;

impl Handler for ListJobs {
    const SPEC: Spec = Spec {
        id: "list_jobs",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/deletion_jobs",
        permission: PermissionRule::OfJobs,
        deletes: false,
        limit: Some(Limit::Reads),
        time: MEDIUM,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "jobs",
        summary: "List jobs",
        description: "Lists jobs, newest first, with the sums over all that match. With `group` and `until=settled` it \
            waits for the jobs of the group: a 408, with the sums so far, is to be repeated. With `created_by=me` it lists \
            the jobs that the request's token created, also where the role may not read those of others.",
        parameters: &[
            Parameter {
                name: "group",
                location: Location::Query,
                required: false,
                description: "Only jobs with this label.",
                schema: group,
                example: None,
            },
            Parameter {
                name: "state",
                location: Location::Query,
                required: false,
                description: "Only jobs in this state.",
                schema: JobState::schema,
                example: None,
            },
            Parameter {
                name: "created_by",
                location: Location::Query,
                required: false,
                description: "`me`: only jobs that the request's token created. It goes with `limit` and `next` only.",
                schema: || ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["me"])).build().into(),
                example: None,
            },
            LIMIT,
            NEXT,
            UNTIL,
            ROWS,
            REQUIRE,
        ],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "A page of jobs.",
            content: &[Content::json::<JobList>()],
        }],
        errors: || {
            let mut errors = wait::errors();
            errors.push(ApiError::JobNotFound);
            errors
        },
    };

    type Request = JobQuery;

    fn parse(cx: &RequestContext<'_>) -> Result<JobQuery, ApiError> {
        let query = ListQuery::read(&cx.request.query, &["group", "state", "created_by", "until", "rows", "require"])?;
        let group: Option<Group> =
            query.filter("group", "1 to 128 printable ASCII characters, without spaces around them")?;
        let group = group.map(|group| cx.access.key.group(group).hash);
        let words =
            "open, awaiting_approval, scheduled, queued, running, pausing, paused, cancelling, cancelled or completed";
        let state = query.filter("state", words)?;
        let is_own = query.filter::<CreatedBy>("created_by", "me")?.is_some();
        if is_own && query.filters.len() > 1 {
            let text = "The query parameter `created_by` goes with `limit` and `next` only.";
            return Err(ApiError::bad_request(text, &[]));
        }
        let start = query.next.as_deref().map(list::decode_cursor).transpose()?;
        let wait = Wait::parse(|name| query.filters.get(name).cloned(), true)?;
        let is_list = state.is_some() || cx.request.query.iter().any(|(name, _)| name == "limit" || name == "next");
        if wait.is_some() && (group.is_none() || is_list) {
            let text = "The query parameter `until` needs `group`, and goes with `rows` and `require` only.";
            return Err(ApiError::bad_request(text, &[]));
        }
        Ok(JobQuery { is_own, group, state, start, limit: query.limit, wait })
    }

    fn asks_for_own_jobs(query: &JobQuery) -> bool {
        query.is_own
    }

    async fn run(cx: &RequestContext<'_>, query: JobQuery) -> Result<Response, Error> {
        let JobQuery { is_own, group, state, start, limit, wait } = query;
        if is_own {
            return own_jobs(cx, start, limit).await;
        }
        if let Some((wait, group)) = wait.zip(group) {
            return wait.group(cx, group).await;
        }
        let (store, space) = (&cx.app.store, &cx.access.space_id);
        let (listed, totals) =
            futures::try_join!(store.list_jobs(space, group, state, start, limit), totals(cx, group, state),)?;
        let ((jobs, next), (totals, is_complete)) = (listed, totals);
        Response::ok(&JobList {
            data: jobs.into_iter().map(|job| Job::new(cx, job)).collect(),
            sums: Sums::new(totals, is_complete),
            cursor: Cursor::new(cx.request, next.as_ref()),
        })
    }
}

/// The jobs that the request's token made. No counters add them up, so the sums are those of the page.
async fn own_jobs(cx: &RequestContext<'_>, start: Option<JobCursor>, limit: usize) -> Result<Response, Error> {
    let (store, access) = (&cx.app.store, &cx.access);
    let listed = store.jobs_of_token(&access.space_id, access.token(), start, limit, cx.list_until);
    let (jobs, next) = listed.await?;
    let sums = Sums::of_page(&jobs, start.is_none() && next.is_none());
    let data = jobs.into_iter().map(|job| Job::new(cx, job)).collect();
    Response::ok(&JobList { data, sums, cursor: Cursor::new(cx.request, next.as_ref()) })
}

/// What the jobs add up to, and whether these are all. Aggregate counters exist for all jobs together and for each final
/// state. Jobs in another state are read one by one.
async fn totals(
    cx: &RequestContext<'_>,
    group: Option<GroupHash>,
    state: Option<JobState>,
) -> Result<(Totals, bool), StoreError> {
    match state {
        Some(state) if !state.is_final() => cx.app.store.live_totals(&cx.access.space_id, group, state).await,
        state => Ok((cx.app.store.totals(&cx.access.space_id, group, state).await?, true)),
    }
}
