//! When a profile was created and last changed.

use efface_core::{api_error::ApiError, limit::Limit, request::Selector, role::Permission, time::Time};
use efface_engine::Error;
use serde::Serialize;
use utoipa::ToSchema;

use super::find::{self, find};
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, Method, SHORT, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

/// A profile's metadata.
#[derive(Debug, Serialize, ToSchema)]
struct MetadataBody {
    metadata: Metadata,
}

/// What is known of a profile itself; unknown is null.
#[derive(Debug, Serialize, ToSchema)]
struct Metadata {
    /// The profile's own id, `use_…`: that of the root, where profiles were merged. It is no personal data.
    segment_id: String,
    /// When the oldest of its members was created.
    created_at: Time,
    /// When data was last added to any of them.
    updated_at: Time,
    /// Always null: profiles do not expire.
    expires_at: Option<String>,
    /// The first message that named it.
    first_message_id: Option<String>,
    /// The source of that message.
    first_source_id: Option<String>,
    /// The last message that named it.
    last_message_id: Option<String>,
    /// The source of that message.
    last_source_id: Option<String>,
}

pub(in crate::routes) struct GetMetadata;

impl Handler for GetMetadata {
    const SPEC: Spec = Spec {
        id: "get_metadata",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/metadata",
        permission: PermissionRule::Fixed(Permission::ReadProfiles),
        deletes: false,
        limit: Some(Limit::Reads),
        time: SHORT,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "profiles",
        summary: "Get the metadata of a profile",
        description: "Gets when a profile was created and when data was last added to it.",
        parameters: &[],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The metadata.",
            content: &[Content::json::<MetadataBody>()],
        }],
        errors: find::errors,
    };

    type Request = Selector;

    fn parse(cx: &RequestContext<'_>) -> Result<Selector, ApiError> {
        cx.no_query()?;
        cx.path.profile().parse(cx.request.encoding)
    }

    async fn run(cx: &RequestContext<'_>, selector: Selector) -> Result<Response, Error> {
        let root = find(cx, &selector).await?;
        let heads = cx.app.store.list_heads(&cx.access.space_id, &root).await?;
        // Only deleted heads have no times: the profile was deleted between the reads of its root and of its members.
        let metadata = Metadata {
            segment_id: root.root.to_string(),
            created_at: heads.iter().filter_map(|head| head.created_at).min().ok_or(ApiError::ProfileNotFound)?,
            updated_at: heads.iter().filter_map(|head| head.updated_at).max().ok_or(ApiError::ProfileNotFound)?,
            expires_at: None,
            first_message_id: None,
            first_source_id: None,
            last_message_id: None,
            last_source_id: None,
        };
        Response::ok(&MetadataBody { metadata })
    }
}
