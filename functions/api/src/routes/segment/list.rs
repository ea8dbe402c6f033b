//! List the segments of a space.

use efface_core::{
    api_error::ApiError,
    limit::Limit,
    list::{self, ListQuery},
    role::Permission,
    segment::SegmentId,
};
use efface_engine::Error;
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use utoipa::{PartialSchema, ToSchema};

use super::status::SegmentStatus;
use crate::{
    body::BodyRule,
    context::RequestContext,
    cursor::Cursor,
    endpoint::{Content, Docs, Location, Method, Parameter, SHORT, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
    routes::parameters::{LIMIT, NEXT},
};

/// Jobs that are read at once.
const AT_ONCE: usize = 16;

/// A page of segments, by id.
#[derive(Debug, Serialize, ToSchema)]
struct SegmentList {
    data: Vec<SegmentStatus>,
    cursor: Cursor,
}

/// Where a page of segments ended.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::routes) struct SegmentCursor {
    segment: SegmentId,
}

pub(in crate::routes) struct ListSegments;

impl Handler for ListSegments {
    const SPEC: Spec = Spec {
        id: "list_segments",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/segments",
        permission: PermissionRule::Fixed(Permission::ReadSegments),
        deletes: false,
        limit: Some(Limit::Reads),
        time: SHORT,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "segments",
        summary: "List the segments of a space",
        description: "Lists segments by id. Disabled ones are left out, unless `show_disabled` asks for them.",
        parameters: &[
            Parameter {
                name: "show_disabled",
                location: Location::Query,
                required: false,
                description: "Whether disabled segments are listed, too.",
                schema: bool::schema,
                example: None,
            },
            LIMIT,
            NEXT,
        ],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "A page of segments.",
            content: &[Content::json::<SegmentList>()],
        }],
        errors: || vec![ApiError::MissingUrlParameters],
    };

    type Request = (ListQuery, Option<SegmentCursor>);

    fn parse(cx: &RequestContext<'_>) -> Result<Self::Request, ApiError> {
        let query = ListQuery::read(&cx.request.query, &["show_disabled"])?;
        query.filter::<bool>("show_disabled", "`true` or `false`")?;
        let start = query.next.as_deref().map(list::decode_cursor).transpose()?;
        Ok((query, start))
    }

    async fn run(cx: &RequestContext<'_>, (query, start): Self::Request) -> Result<Response, Error> {
        let all = query.filter("show_disabled", "`true` or `false`")?.unwrap_or(false);
        let after = start.map(|start| start.segment.to_string());
        let (found, has_more) =
            cx.app.store.list_segments(&cx.access.space_id, after, query.limit, all, cx.list_until).await?;
        let next = found.last().filter(|_| has_more);
        let next = next.map(|last| SegmentCursor { segment: last.segment_id.clone() });
        let mut reads = Vec::with_capacity(found.len());
        for segment in found {
            reads.push(SegmentStatus::with_job(cx, segment));
        }
        let data = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
        Response::ok(&SegmentList { data, cursor: Cursor::new(cx.request, next.as_ref()) })
    }
}
