//! The identifiers of a profile, page by page.

use efface_aws::{
    StoreError,
    store::profile::{IdentifierCursor, edge_ranges},
};
use efface_core::{
    api_error::ApiError, deletion::Identifier, limit::Limit, list, request::USERS, role::Permission, time::Time,
};
use efface_engine::Error;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    body::BodyRule,
    context::RequestContext,
    cursor::Cursor,
    endpoint::{Content, Docs, MEDIUM, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
    routes::{
        parameters::{INCLUDE, LIMIT, NEXT, VERBOSE},
        profile::find::{self, ProfileList, find},
    },
};

/// A page of a profile's identifiers.
#[derive(Debug, Serialize, ToSchema)]
struct ExternalIds {
    /// The identifiers, in an order that does not change.
    data: Vec<ExternalIdEntry>,
    cursor: Cursor,
}

/// One identifier of a profile.
#[derive(Debug, Serialize, ToSchema)]
struct ExternalIdEntry {
    /// The source of the event that brought it; unknown is null.
    source_id: Option<String>,
    /// Always `users`.
    collection: &'static str,
    /// The identifier's value.
    id: String,
    /// The identifier's type.
    r#type: String,
    /// When it was stored.
    created_at: Time,
    /// Always `none`.
    encoding: &'static str,
    /// The first message that named it; unknown is null.
    first_message_id: Option<String>,
    /// With `verbose=true`: the member of the merged profile that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    segment_id: Option<String>,
}

pub(in crate::routes) struct ListExternalIds;

impl Handler for ListExternalIds {
    const SPEC: Spec = Spec {
        id: "list_external_ids",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/external_ids",
        permission: PermissionRule::Fixed(Permission::ReadProfiles),
        deletes: false,
        limit: Some(Limit::Reads),
        time: MEDIUM,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "profiles",
        summary: "List the identifiers of a profile",
        description: "Lists the active identifiers of a profile and of all that were merged into it.",
        parameters: &[LIMIT, NEXT, INCLUDE, VERBOSE],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "A page of identifiers.",
            content: &[Content::json::<ExternalIds>()],
        }],
        errors: find::errors,
    };

    type Request = ProfileList<IdentifierCursor>;

    fn parse(cx: &RequestContext<'_>) -> Result<Self::Request, ApiError> {
        let request: Self::Request = ProfileList::parse(cx)?;
        let is_edge = request.start.as_ref().is_none_or(IdentifierCursor::is_edge);
        if is_edge { Ok(request) } else { Err(list::bad_cursor()) }
    }

    async fn run(cx: &RequestContext<'_>, request: Self::Request) -> Result<Response, Error> {
        let ProfileList { selector, query, start } = request;
        let head = find(cx, &selector).await?;
        if start.as_ref().is_some_and(|start| !start.is_in(&head)) {
            return Err(list::bad_cursor().into());
        }
        let (store, space, known) = (&cx.app.store, &cx.access.space_id, &cx.access.space.identifier_types);
        // A name that is no type of the space finds nothing.
        let types = query.include.map(|names| names.iter().filter_map(|name| known.find(name)).collect());
        let ranges = edge_ranges(&head, types.as_ref(), start);
        let (identifiers, next) = store.list_identifiers(space, ranges, query.limit, cx.list_until).await?;
        let data =
            identifiers.into_iter().map(|identifier| entry(identifier, query.verbose)).collect::<Result<_, _>>()?;
        Response::ok(&ExternalIds { data, cursor: Cursor::new(cx.request, next.as_ref()) })
    }
}

fn entry(identifier: Identifier, verbose: bool) -> Result<ExternalIdEntry, StoreError> {
    let without_value = || StoreError::Unreadable("active identifier without a value".to_owned());
    Ok(ExternalIdEntry {
        source_id: None,
        collection: USERS,
        id: identifier.value.ok_or_else(without_value)?.into(),
        r#type: identifier.r#type.to_string(),
        created_at: identifier.created_at,
        encoding: "none",
        first_message_id: None,
        segment_id: verbose.then(|| identifier.profile_id.to_string()),
    })
}
