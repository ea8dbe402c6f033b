//! Make a segment.

use efface_core::{
    api_error::ApiError,
    json::Object,
    limit::Limit,
    request::read_json,
    role::Permission,
    segment::{SegmentError, SegmentId, SegmentKind, SegmentName},
};
use efface_engine::Error;
use serde::Deserialize;
use utoipa::ToSchema;

use super::status::{SegmentBody, SegmentStatus};
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, MEDIUM, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

/// A new segment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateSegmentBody {
    /// Its id: 1 to 64 of `a-z A-Z 0-9 _ . -`. Without one it gets one.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_.-]+$")]
    id: Option<String>,
    /// Its name, for people.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    kind: SegmentKind,
}

/// Reads a name.
pub(super) fn name_of(text: &str) -> Result<SegmentName, ApiError> {
    text.parse().map_err(|error: SegmentError| ApiError::bad_request("The request body at `name`: {}.", &[&error]))
}

pub(in crate::routes) struct CreateSegment;

impl Handler for CreateSegment {
    const SPEC: Spec = Spec {
        id: "create_segment",
        method: Method::Post,
        path: "/v1/spaces/{space_id}/segments",
        permission: PermissionRule::Fixed(Permission::ManageSegments),
        deletes: false,
        limit: Some(Limit::Jobs),
        time: MEDIUM,
        body: BodyRule::SMALL_JSON,
    };

    const DOCS: Docs = Docs {
        tag: "segments",
        summary: "Make a segment",
        description: "Makes a segment. The kind is a label: all kinds behave alike. A segment that a load names is there \
            already, as a `manual_segment` whose name is its id.",
        parameters: &[],
        request: &[Content::json::<CreateSegmentBody>()],
        responses: &[
            SuccessDoc {
                success: Success::Created,
                description: "The segment was made.",
                content: &[Content::json::<SegmentBody>()],
            },
            SuccessDoc {
                success: Success::Done,
                description: "The same segment is there already.",
                content: &[Content::json::<SegmentBody>()],
            },
        ],
        errors: || vec![ApiError::MissingUrlParameters, ApiError::SegmentExists],
    };

    type Request = (Option<SegmentId>, SegmentName, SegmentKind);

    fn parse(cx: &RequestContext<'_>) -> Result<Self::Request, ApiError> {
        let Object(body): Object<CreateSegmentBody> = read_json(&cx.body)?;
        let id = body.id.as_deref().map(str::parse).transpose();
        let id = id.map_err(|error: SegmentError| ApiError::bad_request("The request body at `id`: {}.", &[&error]))?;
        cx.no_query()?;
        Ok((id, name_of(&body.name)?, body.kind))
    }

    async fn run(cx: &RequestContext<'_>, (id, name, kind): Self::Request) -> Result<Response, Error> {
        // A repeated request gets the id that the first one gave.
        let request = cx.first_request().await?;
        let id = id.map_or_else(|| format!("seg_{request}").parse(), Ok);
        let id = id.map_err(|_| Error::Fault("a request that makes no id"))?;
        let (segment, is_new) =
            cx.engine().create_segment(&cx.access.space_id, id, name, kind, &cx.author(None)).await?;
        let body = SegmentBody { segment: SegmentStatus::with_job(cx, segment).await? };
        if is_new { Response::created(&body) } else { Response::ok(&body) }
    }
}
