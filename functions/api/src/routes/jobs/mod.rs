//! Jobs: made, followed, controlled. Carrying them out is the worker's.

mod admit;
pub mod bulk_delete;
pub mod control;
pub mod create;
pub mod list_jobs;
pub mod outcomes;
pub mod read;
pub mod rows;

use efface_aws::store::job::JobStatus;
use efface_core::{
    api_error::ApiError,
    job::plan::Plan,
    job::{Action, Counts, JobId},
    list, path,
    role::Permission,
    time::Time,
};
use efface_engine::access::Access;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{RequestContext, response::store_failed, route::Route};

pub(super) use admit::{Page, post_page};

/// Where a job stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Job {
    /// Its id.
    id: String,
    /// `delete_profile`, or `delete_identifier`.
    action: &'static str,
    /// `open`, `queued`, `running`, `pausing`, `paused`, `cancelling`, `cancelled` or `completed`.
    state: &'static str,
    /// Rows that were posted, the invalid ones too.
    rows: i64,
    /// Rows by outcome.
    counts: JobCounts,
    /// Rows that have no outcome.
    remaining: i64,
    /// The label that it shares with others.
    group: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// When its first rows ran.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Time>,
    /// When it was completed or cancelled.
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Time>,
    /// When all its results were read again and found to add up to its counts.
    #[schema(value_type = Option<String>, format = DateTime)]
    verified_at: Option<Time>,
    /// The token that made it.
    created_by: String,
    /// Rows that came to an outcome in a second, since it started.
    rows_per_second: Option<f64>,
    /// When it will be done at that rate.
    #[schema(value_type = Option<String>, format = DateTime)]
    estimated_finish_at: Option<Time>,
    /// Whether it only finds out what it would do: its counts are what they would be.
    dry_run: bool,
    /// After how many deletions it pauses.
    max_deletions: Option<i64>,
    /// What a dry run that is completed found out.
    plan: Option<JobPlan>,
}

/// A job, as answers have it.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobBody {
    /// The job.
    job: Job,
}

/// Rows by outcome.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobCounts {
    /// The row deleted its profile or identifier.
    deleted: i64,
    /// Another row of the same job or group did.
    duplicate: i64,
    /// There is none.
    not_found: i64,
    /// The row can't be read.
    invalid: i64,
    /// A rule keeps it.
    protected: i64,
    /// It could not be done; `redrive` tries again.
    failed: i64,
}

/// What a job would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobPlan {
    /// Rows, the invalid ones too.
    rows: i64,
    /// Rows that can't be read.
    invalid: i64,
    /// Profiles, or identifiers, that would be deleted.
    profiles: i64,
    /// Rows that find nothing.
    not_found: i64,
    /// Rows whose profile, or identifier, another row takes.
    duplicates: i64,
    /// Rows that a rule keeps from being deleted.
    protected: i64,
    /// Profiles that were merged into those found.
    merges: i64,
    /// Identifiers that would go.
    identifiers: i64,
    /// Memberships of segments that would go.
    memberships: i64,
    /// Rows that are not found, but would be in lower or in upper case.
    other_case: i64,
    /// How long the job would run with one worker.
    estimated_seconds: i64,
    /// What its requests to the table would cost at list price, in US dollars.
    estimated_cost_usd: f64,
}

impl JobBody {
    pub(super) fn new(status: JobStatus, now: Time) -> Self {
        Self { job: Job::new(status, now) }
    }
}

impl From<Counts> for JobCounts {
    fn from(counts: Counts) -> Self {
        let Counts { deleted, duplicate, not_found, invalid, protected, failed } = counts;
        Self { deleted, duplicate, not_found, invalid, protected, failed }
    }
}

impl From<Plan> for JobPlan {
    fn from(plan: Plan) -> Self {
        Self {
            rows: plan.rows,
            invalid: plan.invalid,
            profiles: plan.profiles,
            not_found: plan.not_found,
            duplicates: plan.duplicates,
            protected: plan.protected,
            merges: plan.merges,
            identifiers: plan.identifiers,
            memberships: plan.memberships,
            other_case: plan.other_case,
            estimated_seconds: plan.estimated_seconds,
            estimated_cost_usd: plan.estimated_cost_usd,
        }
    }
}

impl Job {
    /// A job as it is now.
    fn new(status: JobStatus, now: Time) -> Self {
        let JobStatus { head, progress } = status;
        let decided = progress.counts.total() - progress.counts.invalid;
        let remaining = progress.remaining();
        let rate = head.started_at.and_then(|started| rate(decided, started, head.finished_at.unwrap_or(now)));
        let left = rate.filter(|rate| head.state.runs() && *rate > 0.0).map(|rate| seconds(remaining, rate));
        let plan = (head.dry_run && head.finished_at.is_some())
            .then(|| Plan::new(progress.rows, &progress.counts, progress.extent).into());
        Self {
            id: head.job_id,
            action: head.action.as_str(),
            state: head.state.as_str(),
            rows: progress.rows,
            counts: progress.counts.into(),
            remaining,
            group: head.job_group,
            created_at: head.created_at,
            started_at: head.started_at,
            finished_at: head.finished_at,
            verified_at: head.verified_at,
            created_by: head.token_id,
            rows_per_second: rate,
            estimated_finish_at: left.map(|left| now.plus_seconds(left)),
            dry_run: head.dry_run,
            max_deletions: head.max_deletions,
            plan,
        }
    }
}

/// Rows in a second, to a tenth.
#[expect(clippy::cast_precision_loss, reason = "a rate is an estimate")]
fn rate(rows: i64, from: Time, to: Time) -> Option<f64> {
    let millis = to.millis() - from.millis();
    (millis > 0).then(|| (rows as f64 * 10_000.0 / millis as f64).round() / 10.0)
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "an estimate")]
fn seconds(rows: i64, rate: f64) -> i64 {
    (rows as f64 / rate).ceil() as i64
}

/// What a role needs to make a job, and to control those that others made.
fn permission(action: Action) -> Permission {
    match action {
        Action::DeleteProfile => Permission::DeleteProfiles,
        Action::DeleteIdentifier => Permission::DeleteIdentifiers,
    }
}

/// The job of a path, where the token may read it, or control it.
async fn find(
    call: &RequestContext<'_>,
    access: &Access,
    route: &Route<'_>,
    control: bool,
) -> Result<JobStatus, ApiError> {
    let makes = access.role.may(Permission::DeleteProfiles) || access.role.may(Permission::DeleteIdentifiers);
    if !makes && (control || !access.role.may(Permission::ReadJobs)) {
        return Err(ApiError::RoleMayNot(if control { Permission::DeleteProfiles } else { Permission::ReadJobs }));
    }
    let id = path::decode(route.selector, call.request.encoding).ok();
    let id = id.and_then(|id| JobId::parse(&id).ok()).ok_or(ApiError::JobNotFound)?;
    let status = call.app.store.job(&access.space_id, &id).await.map_err(store_failed)?;
    let status = status.ok_or(ApiError::JobNotFound)?;
    let needed = permission(status.head.action);
    let is_own = status.head.token_id == access.token_id;
    if is_own || access.role.may(needed) || (!control && access.role.may(Permission::ReadJobs)) {
        return Ok(status);
    }
    Err(ApiError::RoleMayNot(if control { needed } else { Permission::ReadJobs }))
}

/// A request without a query.
pub(super) fn no_query(call: &RequestContext<'_>) -> Result<(), ApiError> {
    list::no_query_but(&call.request.query, &[])
}
