//! List the members of a segment.

use efface_core::{
    api_error::ApiError,
    id::ProfileId,
    limit::Limit,
    list::{self, ListQuery},
    role::Permission,
    segment::MemberCursor,
};
use efface_engine::Error;
use serde::Serialize;
use utoipa::ToSchema;

use super::segment_id;
use crate::{
    body::BodyRule,
    context::RequestContext,
    cursor::Cursor,
    endpoint::{Content, Docs, MEDIUM, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
    routes::parameters::{LIMIT, NEXT},
};

/// A page of members.
#[derive(Debug, Serialize, ToSchema)]
struct MemberList {
    /// The ids of profiles.
    #[schema(value_type = Vec<String>)]
    data: Vec<ProfileId>,
    cursor: Cursor,
}

pub(in crate::routes) struct ListMembers;

impl Handler for ListMembers {
    const SPEC: Spec = Spec {
        id: "list_members",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/segments/{segment_id}/members",
        permission: PermissionRule::Fixed(Permission::ReadSegments),
        deletes: false,
        limit: Some(Limit::Reads),
        time: MEDIUM,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "segments",
        summary: "List the members of a segment",
        description: "Lists the profile ids of the members, in no order that means anything.",
        parameters: &[LIMIT, NEXT],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "A page of members.",
            content: &[Content::json::<MemberList>()],
        }],
        errors: || vec![ApiError::MissingUrlParameters, ApiError::SegmentNotFound],
    };

    type Request = (usize, Option<ProfileId>);

    fn parse(cx: &RequestContext<'_>) -> Result<Self::Request, ApiError> {
        let query = ListQuery::read(&cx.request.query, &[])?;
        let start: Option<ProfileId> = query.next.as_deref().map(list::decode_cursor).transpose()?;
        Ok((query.limit, start))
    }

    async fn run(cx: &RequestContext<'_>, (limit, start): Self::Request) -> Result<Response, Error> {
        let id = segment_id(cx)?;
        let space = &cx.access.space_id;
        cx.engine().segment(space, &id).await?;
        let from = start.map_or_else(MemberCursor::default, MemberCursor::after);
        // One further, so that no page that has a cursor is the last one.
        let (mut data, _) = cx.app.store.members(space, &id, from, limit + 1).await?;
        let has_more = data.len() > limit;
        data.truncate(limit);
        let next = data.last().copied().filter(|_| has_more);
        Response::ok(&MemberList { data, cursor: Cursor::new(cx.request, next.as_ref()) })
    }
}
