//! Disable a segment, or enable it again.

use efface_core::{api_error::ApiError, limit::Limit, role::Permission};
use efface_engine::Error;

use super::{
    delete::job_in_progress,
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

/// Enables a segment where `ON`, else disables it.
pub(in crate::routes) struct SwitchSegment<const ON: bool>;

impl<const ON: bool> Handler for SwitchSegment<ON> {
    const SPEC: Spec = Spec {
        id: if ON { "enable_segment" } else { "disable_segment" },
        method: Method::Post,
        path: if ON {
            "/v1/spaces/{space_id}/segments/{segment_id}/enable"
        } else {
            "/v1/spaces/{space_id}/segments/{segment_id}/disable"
        },
        permission: PermissionRule::Fixed(Permission::ManageSegments),
        deletes: false,
        limit: Some(Limit::Jobs),
        time: MEDIUM,
        // Its content is not read: clients send none, or an empty object.
        body: BodyRule::SMALL_JSON,
    };

    const DOCS: Docs = Docs {
        tag: "segments",
        summary: if ON { "Enable a segment" } else { "Disable a segment" },
        description: if ON {
            "Lets profiles join a segment again. It can't be enabled while a job empties it."
        } else {
            "Lets nobody join or leave a segment, by whatever way, from the moment of the response."
        },
        parameters: &[],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The segment as it is now.",
            content: &[Content::json::<SegmentBody>()],
        }],
        errors: || {
            let mut errors = vec![ApiError::MissingUrlParameters, ApiError::SegmentNotFound];
            errors.extend(ON.then(job_in_progress));
            errors
        },
    };

    type Request = ();

    fn parse(cx: &RequestContext<'_>) -> Result<(), ApiError> {
        cx.no_query()
    }

    async fn run(cx: &RequestContext<'_>, (): ()) -> Result<Response, Error> {
        let author = cx.author(cx.keyed_request().await?);
        let id = segment_id(cx)?;
        let (engine, space) = (cx.engine(), &cx.access.space_id);
        let segment = if ON {
            engine.enable_segment(space, &id, &author).await?
        } else {
            engine.disable_segment(space, &id, &author).await?
        };
        Response::ok(&SegmentBody { segment: SegmentStatus::with_job(cx, segment).await? })
    }
}
