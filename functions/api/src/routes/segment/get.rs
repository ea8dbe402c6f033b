//! One segment.

use std::time::Duration;

use efface_core::{api_error::ApiError, limit::Limit, list::ListQuery, role::Permission};
use efface_engine::{Deadline, Error};
use utoipa::PartialSchema;

use super::{
    segment_id,
    status::{SegmentBody, SegmentStatus},
};
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, Location, MEDIUM, Method, Parameter, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

/// How long members are counted.
const COUNTING: Duration = Duration::from_secs(5);

pub(in crate::routes) struct GetSegment;

impl Handler for GetSegment {
    const SPEC: Spec = Spec {
        id: "get_segment",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/segments/{segment_id}",
        permission: PermissionRule::Fixed(Permission::ReadSegments),
        deletes: false,
        limit: Some(Limit::Reads),
        time: MEDIUM,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "segments",
        summary: "Get a segment",
        description: "A segment, the job that deletes its members or did so last, and what that job tells, newest first.",
        parameters: &[Parameter {
            name: "count",
            location: Location::Query,
            required: false,
            description: "Whether its members are counted. `members` stays null where that takes more than 5 s.",
            schema: bool::schema,
            example: None,
        }],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The segment.",
            content: &[Content::json::<SegmentBody>()],
        }],
        errors: || vec![ApiError::MissingUrlParameters, ApiError::SegmentNotFound],
    };

    type Request = bool;

    fn parse(cx: &RequestContext<'_>) -> Result<Self::Request, ApiError> {
        efface_core::list::no_query_but(&cx.request.query, &["count"])?;
        let query = ListQuery::read(&cx.request.query, &["count"])?;
        let counts = query.filter("count", "`true` or `false`")?.unwrap_or(false);
        Ok(counts)
    }

    async fn run(cx: &RequestContext<'_>, counts: bool) -> Result<Response, Error> {
        let id = segment_id(cx)?;
        let space = &cx.access.space_id;
        let segment = cx.engine().segment(space, &id).await?;
        let deadline = Deadline::after(COUNTING);
        let members = if counts { cx.engine().count_members(space, &id, deadline).await? } else { None };
        let status = SegmentStatus::with_notifications(cx, segment).await?;
        Response::ok(&SegmentBody { segment: status.counted(members, cx.now) })
    }
}
