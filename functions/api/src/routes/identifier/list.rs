//! The identifiers of a profile, page by page.

use efface_aws::{StoreError, store::profile::IdentifierCursor};
use efface_core::{api_error::ApiError, deletion::Identifier, list, request::USERS, role::Permission, time::Time};
use efface_engine::Error;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    body::BodyRule,
    context::RequestContext,
    cursor::Cursor,
    endpoint::{Content, Docs, Method, SHORT, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
    routes::{
        parameters::{INCLUDE, LIMIT, NEXT, VERBOSE},
        profile::find::{ProfileList, find},
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
        needs_activation: false,
        time: SHORT,
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
        errors: ProfileList::errors,
    };

    type Request = ProfileList;

    fn parse(cx: &RequestContext<'_>) -> Result<ProfileList, ApiError> {
        ProfileList::parse(cx)
    }

    async fn run(cx: &RequestContext<'_>, ProfileList { selector, query }: ProfileList) -> Result<Response, Error> {
        let head = find(cx, &selector).await?;
        let start = query.next.as_deref().map(list::decode_cursor::<IdentifierCursor>).transpose()?;
        if start.as_ref().is_some_and(|start| !start.is_in(&head)) {
            return Err(list::bad_cursor().into());
        }
        let (store, space) = (&cx.app.store, &cx.access.space_id);
        let listed = store.list_identifiers(space, &head, query.include.as_deref(), start, query.limit).await;
        let (identifiers, next) = listed?;
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
