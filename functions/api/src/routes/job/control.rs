//! Start, pause, resume, cancel, redrive, approve or reject a job.

use efface_core::{
    api_error::ApiError,
    job::{Control, JobState},
    request::read_optional_json,
};
use efface_engine::{ControlDetails, Error};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{JobBody, start_at_of};
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, MEDIUM, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

/// What differs between the controls.
struct Declared {
    control: Control,
    id: &'static str,
    path: &'static str,
    /// Whether rows may be deleted because of it.
    deletes: bool,
    summary: &'static str,
    description: &'static str,
    /// Examples of the errors of a job in another state.
    errors: fn() -> Vec<ApiError>,
}

const CONTROLS: [Declared; 7] = [
    Declared {
        control: Control::Start,
        id: "start_job",
        path: "/v1/spaces/{space_id}/deletion_jobs/{job_id}/start",
        deletes: true,
        summary: "Start an open job",
        description: "Starts an open job. It takes no more pages, and its rows are carried out; with a `start_at` in the \
            body, not before that time. Until then the job is `scheduled`, and can be cancelled before anything is deleted. With \
            `expected_rows` it is started only if it has so many rows.",
        errors: || {
            let mut errors = errors(JobState::Paused, Control::Start);
            errors.push(ApiError::RowsChanged(12));
            errors
        },
    },
    Declared {
        control: Control::Pause,
        id: "pause_job",
        path: "/v1/spaces/{space_id}/deletion_jobs/{job_id}/pause",
        deletes: false,
        summary: "Pause a job",
        description: "Pauses a job. Rows that are being carried out are finished, and no others are started: a chunk that runs stops within a hundred rows or a second.",
        errors: || errors(JobState::Completed, Control::Pause),
    },
    Declared {
        control: Control::Resume,
        id: "resume_job",
        path: "/v1/spaces/{space_id}/deletion_jobs/{job_id}/resume",
        deletes: true,
        summary: "Resume a paused job",
        description: "Resumes a paused job. If it had reached its `max_deletions`, it may delete as many again.",
        errors: || errors(JobState::Completed, Control::Resume),
    },
    Declared {
        control: Control::Cancel,
        id: "cancel_job",
        path: "/v1/spaces/{space_id}/deletion_jobs/{job_id}/cancel",
        deletes: false,
        summary: "Cancel a job",
        description: "Cancels a job for good. Rows that are being carried out are finished; the others stay without an outcome.",
        errors: || errors(JobState::Completed, Control::Cancel),
    },
    Declared {
        control: Control::Redrive,
        id: "redrive_job",
        path: "/v1/spaces/{space_id}/deletion_jobs/{job_id}/redrive",
        deletes: true,
        summary: "Run the failed rows of a job again",
        description: "Runs the failed rows of a completed job again. For a running job it sends messages again that \
            may have been lost.",
        errors: || errors(JobState::Paused, Control::Redrive),
    },
    Declared {
        control: Control::Approve,
        id: "approve_job",
        path: "/v1/spaces/{space_id}/deletion_jobs/{job_id}/approve",
        deletes: true,
        summary: "Approve a job that somebody else made",
        description: "Lets a job go on that awaits its approval, because it has more rows than its space lets one person \
            delete, or its segment has other members than were expected. It takes another token than the one that made \
            the job. An approval holds for 7 days. With a `start_at` in the body the job is `scheduled` until then, and can \
            be cancelled before anything is deleted.",
        errors: || {
            let mut errors = errors(JobState::Cancelled, Control::Approve);
            errors.extend([ApiError::OwnJob, ApiError::MembersChanged(1_200)]);
            errors
        },
    },
    Declared {
        control: Control::Reject,
        id: "reject_job",
        path: "/v1/spaces/{space_id}/deletion_jobs/{job_id}/reject",
        deletes: false,
        summary: "Reject a job that awaits its approval",
        description: "Rejects a job that awaits its approval: it is cancelled, and has deleted nothing.",
        errors: || errors(JobState::Running, Control::Reject),
    },
];

/// The body of a start. It may be absent.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StartBody {
    /// The rows that somebody has seen: the job is started only if it has so many.
    #[schema(minimum = 0)]
    expected_rows: Option<i64>,
    /// When the job may start: at most 30 days ahead. Where the job has a later time of its own, that one holds.
    #[schema(value_type = Option<efface_core::time::Time>)]
    start_at: Option<String>,
}

/// The body of an approval. It may be absent.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApproveBody {
    /// Of a job of a segment: the members that it is approved for. Who has approved it before must name them.
    #[schema(minimum = 0)]
    expected_members: Option<i64>,
    /// When the job may start: at most 30 days ahead. Where the job has a later time of its own, that one holds. After more
    /// than 7 days the job needs another approval then.
    #[schema(value_type = Option<efface_core::time::Time>)]
    start_at: Option<String>,
}

fn errors(state: JobState, control: Control) -> Vec<ApiError> {
    vec![ApiError::MissingUrlParameters, ApiError::control(state, control)]
}

/// The control with this number in [`CONTROLS`].
pub(in crate::routes) struct ControlJob<const N: usize>;

impl<const N: usize> Handler for ControlJob<N> {
    const SPEC: Spec = Spec {
        id: CONTROLS[N].id,
        method: Method::Post,
        path: CONTROLS[N].path,
        permission: PermissionRule::OfJob { control: true },
        deletes: CONTROLS[N].deletes,
        limit: None,
        time: MEDIUM,
        // Only that of a start and of an approval is read: clients send none, or an empty object.
        body: BodyRule::SMALL_JSON,
    };

    const DOCS: Docs = Docs {
        tag: "jobs",
        summary: CONTROLS[N].summary,
        description: CONTROLS[N].description,
        parameters: &[],
        request: match CONTROLS[N].control {
            Control::Start => &[Content::optional_json::<StartBody>()],
            Control::Approve => &[Content::optional_json::<ApproveBody>()],
            _ => &[],
        },
        responses: &[SuccessDoc {
            success: Success::Accepted,
            description: "The job as it is now.",
            content: &[Content::json::<JobBody>()],
        }],
        errors: CONTROLS[N].errors,
    };

    type Request = ControlDetails;

    fn parse(cx: &RequestContext<'_>) -> Result<ControlDetails, ApiError> {
        cx.no_query()?;
        let (expected, start_at) = match CONTROLS[N].control {
            Control::Start => {
                let body: StartBody = read_optional_json(&cx.body)?;
                (body.expected_rows, body.start_at)
            }
            Control::Approve => {
                let body: ApproveBody = read_optional_json(&cx.body)?;
                (body.expected_members, body.start_at)
            }
            _ => (None, None),
        };
        let start_at = start_at.as_deref().map(|text| start_at_of(text, cx.now)).transpose()?;
        Ok(ControlDetails { expected, start_at })
    }

    async fn run(cx: &RequestContext<'_>, details: ControlDetails) -> Result<Response, Error> {
        let control = CONTROLS[N].control;
        let request = cx.keyed_request().await?;
        let head = &cx.job()?.head;
        let status = cx.engine().control(&cx.caller(), head, control, details, request).await?;
        Response::accepted(&JobBody::new(cx, status))
    }
}
