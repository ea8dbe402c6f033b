//! A user by an identifier whose type is not given.

use std::{collections::BTreeMap, time::Duration};

use efface_aws::store::profile::edge_ranges;
use efface_core::{api_error::ApiError, identifier::IdentifierValue, limit::Limit, path, role::Permission, time::Time};
use efface_engine::{Deadline, Error, job::Named};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, MEDIUM, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

/// How long a look-up that fails is tried again.
const FIND_TIME: Duration = Duration::from_secs(2);

/// The most identifiers that a response has.
const MAX_IDENTIFIERS: usize = 1_000;

/// A profile.
#[derive(Debug, Serialize, ToSchema)]
struct User {
    /// The profile's own id.
    id: String,
    /// Its identifiers, at most 1,000.
    external_ids: Vec<Identifier>,
    /// Its traits by name.
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    attributes: BTreeMap<String, Box<RawValue>>,
    /// When the oldest of its members was created.
    created_at: Option<Time>,
    /// When data was last added to any of them.
    updated_at: Option<Time>,
}

/// An identifier.
#[derive(Debug, Serialize, ToSchema)]
struct Identifier {
    r#type: String,
    id: String,
}

pub(in crate::routes) struct GetUser;

impl Handler for GetUser {
    const SPEC: Spec = Spec {
        id: "get_user",
        method: Method::Get,
        path: "/api/dataset/{dataset}/user/{user}",
        permission: PermissionRule::Fixed(Permission::DeleteProfiles),
        deletes: false,
        limit: Some(Limit::Reads),
        time: MEDIUM,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "dataset",
        summary: "Get a user",
        description: "Gets the profile that an identifier finds: as a user_id, then as an anonymous_id, then as any other \
            type, unless two types find different profiles.",
        parameters: &[],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The profile.",
            content: &[Content::json::<User>()],
        }],
        errors: || vec![ApiError::MissingUrlParameters, ApiError::ProfileNotFound],
    };

    type Request = IdentifierValue;

    fn parse(cx: &RequestContext<'_>) -> Result<IdentifierValue, ApiError> {
        let user = path::decode(cx.path.selector, cx.request.encoding);
        let user = user.map_err(|error| ApiError::bad_request("{}", &[&error]))?;
        if user.is_empty() {
            return Err(ApiError::MissingUrlParameters);
        }
        cx.no_query_after_value()?;
        IdentifierValue::parse(&user).map_err(|error| ApiError::bad_request("The user in the URL: {}.", &[&error]))
    }

    async fn run(cx: &RequestContext<'_>, user: IdentifierValue) -> Result<Response, Error> {
        let named = cx.engine().find_named(&cx.access, &[&user], Deadline::after(FIND_TIME)).await?;
        let Some(Named::Profile(_, profile)) = named.into_iter().next() else {
            return Err(ApiError::ProfileNotFound.into());
        };
        let (store, space) = (&cx.app.store, &cx.access.space_id);
        let root = store.active_root(space, profile).await?.ok_or(ApiError::ProfileNotFound)?;
        let ranges = edge_ranges(&root, None, None);
        let ((identifiers, more), traits, heads) = futures::try_join!(
            store.list_identifiers(space, ranges, MAX_IDENTIFIERS, cx.list_until),
            store.list_traits(space, &root),
            store.list_heads(space, &root),
        )?;
        if more.is_some() && identifiers.len() < MAX_IDENTIFIERS {
            // The time was up before they were all read.
            return Err(ApiError::Unavailable.into());
        }
        let identifier = |found: efface_core::deletion::Identifier| {
            Some(Identifier { r#type: found.r#type.to_string(), id: found.value?.expose().to_owned() })
        };
        Response::ok(&User {
            id: root.root.to_string(),
            external_ids: identifiers.into_iter().filter_map(identifier).collect(),
            attributes: traits.into_iter().map(|(name, set)| (name, set.value)).collect(),
            created_at: heads.iter().filter_map(|head| head.created_at).min(),
            updated_at: heads.iter().filter_map(|head| head.updated_at).max(),
        })
    }
}
