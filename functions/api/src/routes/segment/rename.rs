//! Rename a segment.

use efface_core::{
    api_error::ApiError, json::Object, limit::Limit, request::read_json, role::Permission, segment::SegmentName,
};
use efface_engine::Error;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    create::name_of,
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

/// What changes of a segment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RenameSegmentBody {
    /// Its new name.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
}

pub(in crate::routes) struct RenameSegment;

impl Handler for RenameSegment {
    const SPEC: Spec = Spec {
        id: "rename_segment",
        method: Method::Patch,
        path: "/v1/spaces/{space_id}/segments/{segment_id}",
        permission: PermissionRule::Fixed(Permission::ManageSegments),
        deletes: false,
        limit: Some(Limit::Jobs),
        time: MEDIUM,
        body: BodyRule::SMALL_JSON,
    };

    const DOCS: Docs = Docs {
        tag: "segments",
        summary: "Rename a segment",
        description: "Gives a segment another name. Its id and its kind stay.",
        parameters: &[],
        request: &[Content::json::<RenameSegmentBody>()],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The segment.",
            content: &[Content::json::<SegmentBody>()],
        }],
        errors: || vec![ApiError::MissingUrlParameters, ApiError::SegmentNotFound],
    };

    type Request = SegmentName;

    fn parse(cx: &RequestContext<'_>) -> Result<Self::Request, ApiError> {
        let Object(body): Object<RenameSegmentBody> = read_json(&cx.body)?;
        cx.no_query()?;
        name_of(&body.name)
    }

    async fn run(cx: &RequestContext<'_>, name: SegmentName) -> Result<Response, Error> {
        let author = cx.author(cx.keyed_request().await?);
        let id = segment_id(cx)?;
        let segment = cx.engine().rename_segment(&cx.access.space_id, &id, &name, &author).await?;
        Response::ok(&SegmentBody { segment: SegmentStatus::with_job(cx, segment).await? })
    }
}
