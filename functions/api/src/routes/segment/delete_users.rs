//! Delete the members of a segment.

use efface_core::{
    api_error::ApiError,
    job::plan::Plan,
    limit::Limit,
    request::read_optional_json,
    role::Permission,
    segment::{Segment, consequences},
    time::Time,
};
use efface_engine::{Emptied, EmptySegment, Error};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{delete::job_in_progress, segment_id};
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, LONG, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
    routes::job::{Job, JobBody, max_deletions_of, start_at_of},
};

/// What to do with the members of a segment. It may be absent.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeleteUsersBody {
    /// Whether somebody has seen the consequences and accepts them. Without it, nothing happens but that they are told.
    #[serde(default)]
    confirm: bool,
    /// The members that were seen then. Where the segment has more than 1 % more or fewer, nothing is deleted.
    #[schema(minimum = 0)]
    expected_members: Option<i64>,
    /// Pause before the job would delete more than so many.
    #[schema(minimum = 1)]
    max_deletions: Option<i64>,
    /// Enable the segment when everybody is deleted.
    #[serde(default)]
    auto_enable: bool,
    /// Do not start before this time, at most 30 days ahead. The job can be cancelled until then.
    #[schema(value_type = Option<Time>)]
    start_at: Option<String>,
    /// Only find out what the job would do. The plan can be executed. It needs no `confirm`.
    #[serde(default)]
    dry_run: bool,
}

/// What would follow.
#[derive(Debug, Serialize, ToSchema)]
struct SegmentPlan {
    /// The members now; null where the time was too short to count them.
    members: Option<i64>,
    /// What would happen, in words.
    consequences: Vec<String>,
}

/// What is beside the error of a request without `confirm`.
#[derive(Debug, Serialize)]
struct Unconfirmed {
    plan: SegmentPlan,
}

/// A dry run that could be carried out at once.
#[derive(Debug, Serialize, ToSchema)]
struct PlannedSegment {
    job: Job,
    plan: Plan,
}

pub(in crate::routes) struct DeleteUsers;

impl Handler for DeleteUsers {
    const SPEC: Spec = Spec {
        id: "delete_users_of_segment",
        method: Method::Post,
        path: "/v1/spaces/{space_id}/segments/{segment_id}/delete_users",
        permission: PermissionRule::Fixed(Permission::ManageSegments),
        deletes: true,
        limit: Some(Limit::Jobs),
        time: LONG,
        body: BodyRule::SMALL_JSON,
    };

    const DOCS: Docs = Docs {
        tag: "segments",
        summary: "Delete all users in a segment",
        description: "Creates the job that deletes every member of the segment. Without `confirm` it is a 409 with `plan`: \
            how many members there are, and what follows. The job takes its turn (a space empties one segment at a time), \
            disables the segment, deletes who is in it then, looks until nobody is left, and once more after a settling \
            time. A 409 `members_changed` has `members` beside the error, a 409 `job_in_progress` has `job_id`.",
        parameters: &[],
        request: &[Content::optional_json::<DeleteUsersBody>()],
        responses: &[
            SuccessDoc {
                success: Success::Done,
                description: "The plan of a dry run.",
                content: &[Content::json::<PlannedSegment>()],
            },
            SuccessDoc {
                success: Success::Accepted,
                description: "The job is stored and will be carried out.",
                content: &[Content::json::<JobBody>()],
            },
        ],
        errors: || {
            vec![
                ApiError::MissingUrlParameters,
                ApiError::SegmentNotFound,
                ApiError::ConfirmationRequired,
                ApiError::MembersChanged(1_200),
                job_in_progress(),
            ]
        },
    };

    type Request = EmptySegment;

    fn parse(cx: &RequestContext<'_>) -> Result<Self::Request, ApiError> {
        let body: DeleteUsersBody = read_optional_json(&cx.body)?;
        if body.expected_members.is_some_and(|expected| expected < 0) {
            return Err(ApiError::bad_request("The request body at `expected_members`: it must be at least 0.", &[]));
        }
        let asked = EmptySegment {
            confirm: body.confirm,
            expected: body.expected_members,
            max_deletions: max_deletions_of(body.max_deletions)?,
            auto_enable: body.auto_enable,
            start_at: body.start_at.as_deref().map(|text| start_at_of(text, cx.now)).transpose()?,
            dry_run: body.dry_run,
        };
        cx.no_query()?;
        Ok(asked)
    }

    fn limit(asked: &EmptySegment) -> Option<Limit> {
        if asked.dry_run { Some(Limit::DryRuns) } else { Self::SPEC.limit }
    }

    async fn run(cx: &RequestContext<'_>, asked: EmptySegment) -> Result<Response, Error> {
        let id = segment_id(cx)?;
        let request = cx.first_request().await?;
        match Box::pin(cx.engine().empty_segment(&cx.caller(), &id, &asked, request)).await? {
            Emptied::Job(status) => Response::accepted(&JobBody::new(cx, *status)),
            Emptied::Planned(status, plan) => {
                Response::ok(&PlannedSegment { job: Job::new(cx, *status).without_plan(), plan: *plan })
            }
            Emptied::Unconfirmed(segment, members) => {
                let plan = plan(cx, &segment, members);
                Response::error_with(&ApiError::ConfirmationRequired, &Unconfirmed { plan })
            }
        }
    }
}

fn plan(cx: &RequestContext<'_>, segment: &Segment, members: Option<i64>) -> SegmentPlan {
    SegmentPlan { members, consequences: consequences(&segment.name, members, cx.access.space.settling_seconds) }
}
