//! Execute the plan of a dry run.

use efface_core::{
    api_error::ApiError,
    job::{JobState, NewJob},
    limit::Limit,
    request::read_optional_json,
};
use efface_engine::Error;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    JobBody,
    create::{max_deletions_of, start_at_of},
};
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, MEDIUM, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
    routes::segment::job_in_progress,
};

/// The body of a request that executes a plan. It may be absent.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExecuteBody {
    /// Pause before the job would delete more than so many.
    #[schema(minimum = 1)]
    max_deletions: Option<i64>,
    /// Do not start before this time, at most 30 days ahead.
    #[schema(value_type = Option<efface_core::time::Time>)]
    start_at: Option<String>,
}

pub(in crate::routes) struct ExecutePlan;

impl Handler for ExecutePlan {
    const SPEC: Spec = Spec {
        id: "execute_plan",
        method: Method::Post,
        path: "/v1/spaces/{space_id}/deletion_jobs/{job_id}/execute",
        permission: PermissionRule::OfJob { control: true },
        deletes: true,
        limit: Some(Limit::Jobs),
        time: MEDIUM,
        body: BodyRule::SMALL_JSON,
    };

    const DOCS: Docs = Docs {
        tag: "jobs",
        summary: "Execute the plan of a dry run",
        description: "Creates a job over the very profiles that a completed dry run of `delete_profile`, or of a segment, \
            found, not more than 7 days ago. A profile that was added to or merged since is left alone: its row is \
            `changed`. Members who joined the segment since stay.",
        parameters: &[],
        request: &[Content::optional_json::<ExecuteBody>()],
        responses: &[SuccessDoc {
            success: Success::Accepted,
            description: "The new job.",
            content: &[Content::json::<JobBody>()],
        }],
        errors: || {
            vec![
                ApiError::MissingUrlParameters,
                ApiError::InvalidState(JobState::Running, "executed"),
                ApiError::NotExecutable("The job is no dry run: it has been carried out itself."),
                ApiError::SegmentNotFound,
                job_in_progress(),
            ]
        },
    };

    type Request = NewJob;

    fn parse(cx: &RequestContext<'_>) -> Result<NewJob, ApiError> {
        cx.no_query()?;
        let body: ExecuteBody = read_optional_json(&cx.body)?;
        let start_at = body.start_at.as_deref().map(|text| start_at_of(text, cx.now)).transpose()?;
        let max_deletions = max_deletions_of(body.max_deletions)?;
        Ok(NewJob { start_at, max_deletions, ..NewJob::delete_profiles() })
    }

    async fn run(cx: &RequestContext<'_>, new: NewJob) -> Result<Response, Error> {
        let request = cx.first_request().await?;
        let status = Box::pin(cx.engine().execute_plan(&cx.caller(), cx.job()?, new, request)).await?;
        Response::accepted(&JobBody::new(cx, status))
    }
}
