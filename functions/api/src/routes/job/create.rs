//! Create a job.

use std::time::Duration;

use efface_core::{
    api_error::ApiError,
    job::{Action, Group, MAX_START_SECONDS, NewJob, PAST_START_SECONDS, plan::Plan},
    json::Object,
    limit::Limit,
    request::read_json,
    rows::{RawRow, page_rows},
    time::Time,
};
use efface_engine::{Error, job::AdmittedPage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    page::{PageResult, check_rows},
    status::Job,
};
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, LONG, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

/// How long a dry run is carried out by the request before a worker goes on.
const PLAN_TIME: Duration = Duration::from_secs(15);

/// A job that was created, and what became of the page that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CreatedJob {
    pub(super) job: Job,
    #[serde(flatten)]
    pub(super) page: PageResult,
    /// The result of a dry run that could be carried out at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plan: Option<Plan>,
}

/// What a job does with rows that a client sends.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RowAction {
    /// Deletes the profile that the row's identifier belongs to.
    DeleteProfile,
    /// Deletes one identifier of the profile that the row finds.
    DeleteIdentifier,
}

impl From<RowAction> for Action {
    fn from(action: RowAction) -> Self {
        match action {
            RowAction::DeleteProfile => Self::DeleteProfile,
            RowAction::DeleteIdentifier => Self::DeleteIdentifier,
        }
    }
}

/// The body of a new job.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateJobBody {
    action: RowAction,
    /// Page 0: `key:value` texts or profiles' own ids, or for `delete_identifier` objects with `type`, `id` and either
    /// `user_id` or `profile`. At most 100,000.
    #[serde(default, deserialize_with = "page_rows")]
    #[schema(value_type = Vec<Value>, max_items = 100_000, required = false)]
    rows: Vec<RawRow>,
    /// Only find out what the job would do.
    #[serde(default)]
    dry_run: bool,
    /// The label of the jobs that belong together.
    #[schema(min_length = 1, max_length = 128, pattern = "^[!-~]([ -~]*[!-~])?$")]
    group: Option<String>,
    /// Take more pages, and wait for `start`.
    #[serde(default)]
    open: bool,
    /// Pause before the job would delete more than so many.
    #[schema(minimum = 1)]
    max_deletions: Option<i64>,
    /// Do not start before this time, at most 30 days ahead. The job can be cancelled until then.
    #[schema(value_type = Option<Time>)]
    start_at: Option<String>,
}

/// Checks after how many deletions a job pauses.
pub(in crate::routes) fn max_deletions_of(most: Option<i64>) -> Result<Option<i64>, ApiError> {
    if most.is_some_and(|most| most < 1) {
        return Err(ApiError::bad_request("The request body at `max_deletions`: it must be at least 1.", &[]));
    }
    Ok(most)
}

/// Reads when a job may start.
pub(in crate::routes) fn start_at_of(text: &str, now: Time) -> Result<Time, ApiError> {
    let at =
        Time::parse(text).map_err(|error| ApiError::bad_request("The request body at `start_at`: {}.", &[&error]))?;
    let ahead = at.second() - now.second();
    if ahead > MAX_START_SECONDS {
        return Err(ApiError::bad_request("The request body at `start_at`: it must be at most 30 days ahead.", &[]));
    }
    if ahead < -PAST_START_SECONDS {
        return Err(ApiError::bad_request("The request body at `start_at`: it is more than a day ago.", &[]));
    }
    Ok(at)
}

pub(in crate::routes) struct CreateJob;

impl Handler for CreateJob {
    const SPEC: Spec = Spec {
        id: "create_job",
        method: Method::Post,
        path: "/v1/spaces/{space_id}/deletion_jobs",
        permission: PermissionRule::OfAction,
        deletes: true,
        limit: Some(Limit::Jobs),
        time: LONG,
        body: BodyRule::JSON_PAGE,
    };

    const DOCS: Docs = Docs {
        tag: "jobs",
        summary: "Create a job",
        description: "Creates a job of the rows that are sent, which are its page 0. An open job takes more pages and \
            waits for `start`.",
        parameters: &[],
        request: &[Content::json::<CreateJobBody>()],
        responses: &[
            SuccessDoc {
                success: Success::Done,
                description: "The plan of a dry run.",
                content: &[Content::json::<CreatedJob>()],
            },
            SuccessDoc {
                success: Success::Accepted,
                description: "The job is stored and will be carried out.",
                content: &[Content::json::<CreatedJob>()],
            },
        ],
        errors: || {
            let dry_runs = ApiError::TooManyRequests(Limit::DryRuns, Limit::DryRuns.default_setting());
            vec![ApiError::MissingUrlParameters, dry_runs]
        },
    };

    type Request = (NewJob, Vec<RawRow>);

    fn parse(cx: &RequestContext<'_>) -> Result<Self::Request, ApiError> {
        let Object(body): Object<CreateJobBody> = read_json(&cx.body)?;
        let CreateJobBody { action, rows, dry_run, group, open, max_deletions, start_at } = body;
        let group = group.as_deref().map(Group::parse).transpose();
        let group = group.map_err(|error| ApiError::bad_request("The request body at `group`: {}.", &[&error]))?;
        let max_deletions = max_deletions_of(max_deletions)?;
        let start_at = start_at.as_deref().map(|text| start_at_of(text, cx.now)).transpose()?;
        check_rows(&rows, &cx.access.space.identifier_types)?;
        cx.no_query()?;
        let group = group.map(|group| cx.access.key.group(group));
        let new = NewJob {
            action: action.into(),
            dry_run,
            group,
            open,
            max_deletions,
            start_at,
            ..NewJob::delete_profiles()
        };
        Ok((new, rows))
    }

    fn action((new, _): &Self::Request) -> Option<Action> {
        Some(new.action)
    }

    fn limit((new, _): &Self::Request) -> Option<Limit> {
        if new.dry_run { Some(Limit::DryRuns) } else { Self::SPEC.limit }
    }

    async fn run(cx: &RequestContext<'_>, (new, rows): Self::Request) -> Result<Response, Error> {
        let request = cx.first_request().await?;
        let page = AdmittedPage::new(&cx.access, new.action, new.dry_run, &rows, &cx.body);
        let is_due = new.start_at.is_none_or(|at| at <= cx.now);
        if new.dry_run && !new.open && is_due {
            let (status, plan) = cx.engine().plan_at_once(&cx.caller(), &new, &page, request, PLAN_TIME).await?;
            let (job, page) = (Job::new(cx, status).without_plan(), (&page).into());
            let is_planned = plan.is_some();
            let created = CreatedJob { job, page, plan };
            return if is_planned { Response::ok(&created) } else { Response::accepted(&created) };
        }
        let status = cx.engine().create_job(&cx.caller(), &new, &page, request).await?;
        Response::accepted(&CreatedJob { job: Job::new(cx, status), page: (&page).into(), plan: None })
    }
}
