//! Delete a segment that has no members.

use efface_core::{api_error::ApiError, id::RequestId, job::JobId, limit::Limit, role::Permission, time::Time};
use efface_engine::Error;

use super::{
    segment_id,
    status::{SegmentBody, SegmentStatus},
};
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, MEDIUM, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

/// An error that names a job, as an example.
pub(in crate::routes) fn job_in_progress() -> ApiError {
    ApiError::JobInProgress(JobId::of_request(RequestId::new(Time::EPOCH, [0; 10])))
}

pub(in crate::routes) struct DeleteSegment;

impl Handler for DeleteSegment {
    const SPEC: Spec = Spec {
        id: "delete_segment",
        method: Method::Delete,
        path: "/v1/spaces/{space_id}/segments/{segment_id}",
        permission: PermissionRule::Fixed(Permission::ManageSegments),
        deletes: false,
        limit: Some(Limit::Jobs),
        time: MEDIUM,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "segments",
        summary: "Delete a segment without members",
        description: "Deletes the segment itself. It must have no members, and no job that is not over. No profile is \
            deleted. A load that names the segment makes it anew.",
        parameters: &[],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The segment, disabled.",
            content: &[Content::json::<SegmentBody>()],
        }],
        errors: || {
            vec![
                ApiError::MissingUrlParameters,
                ApiError::SegmentNotFound,
                ApiError::SegmentNotEmpty,
                job_in_progress(),
            ]
        },
    };

    type Request = ();

    fn parse(cx: &RequestContext<'_>) -> Result<(), ApiError> {
        cx.no_query()
    }

    async fn run(cx: &RequestContext<'_>, (): ()) -> Result<Response, Error> {
        let author = cx.author(cx.keyed_request().await?);
        let id = segment_id(cx)?;
        let segment = cx.engine().delete_segment(&cx.access.space_id, &id, &author).await?;
        Response::ok(&SegmentBody { segment: SegmentStatus::with_job(cx, segment).await? })
    }
}
