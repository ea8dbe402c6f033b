//! The identifiers of a profile, page by page.

use efface_aws::store::profile::Position;
use efface_core::{
    api_error::ApiError, deletion::Identifier, list, profile::ProfileId, request::USERS, role::Permission, time::Time,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    body::BodyRule,
    context::RequestContext,
    cursor::Cursor,
    endpoint::{Content, Method, SHORT, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success, store_failed},
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

    async fn run(cx: &RequestContext<'_>, ProfileList { selector, query }: ProfileList) -> Result<Response, ApiError> {
        let head = find(cx, &selector).await?;
        let start = query.next.as_deref().map(list::decode_cursor::<Position>).transpose()?;
        if start.as_ref().is_some_and(|start| !start.is_in(&head)) {
            return Err(list::bad_cursor());
        }
        let (store, space) = (&cx.app.store, &cx.access.space_id);
        let listed = store.list_identifiers(space, &head, query.include.as_deref(), start, query.limit).await;
        let (identifiers, next) = listed.map_err(store_failed)?;
        let data = identifiers.into_iter().map(|identifier| entry(identifier, query.verbose)).collect();
        Response::ok(&ExternalIds { data, cursor: Cursor::new(cx.request, next.as_ref()) })
    }
}

fn entry(identifier: Identifier, verbose: bool) -> ExternalIdEntry {
    let segment_id = ProfileId::parse(&identifier.profile_id).ok().filter(|_| verbose);
    ExternalIdEntry {
        source_id: None,
        collection: USERS,
        id: identifier.value.unwrap_or_default(),
        r#type: identifier.r#type,
        created_at: identifier.created_at,
        encoding: "none",
        first_message_id: None,
        segment_id: segment_id.map(|id| id.as_str().to_owned()),
    }
}
