//! What a request's own token is and may do.

use efface_core::{
    api_error::ApiError,
    id::ProfileId,
    identifier::Normalisation,
    limit::Limit,
    role::{Permission, Role},
    space::Space,
    time::Time,
};
use efface_engine::{Error, access::Access};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, Method, SHORT, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

/// A token and its space.
#[derive(Debug, Serialize, ToSchema)]
struct TokenBody {
    token: TokenDetails,
    space: SpaceDetails,
}

/// The token that the request was sent with. It does not hold the token itself.
#[derive(Debug, Serialize, ToSchema)]
struct TokenDetails {
    /// The name under which records and administrators know it.
    id: String,
    /// What people call it.
    label: Option<String>,
    /// Its role.
    role: Role,
    /// What the role allows. Beside that, a token may read and control the jobs that it created.
    permissions: Vec<Permission>,
    /// When it was created.
    created_at: Time,
    /// When it stops by itself; null: never.
    expires_at: Option<Time>,
}

/// The settings of the space that matter to its clients.
#[derive(Debug, Serialize, ToSchema)]
struct SpaceDetails {
    /// Its id.
    id: String,
    /// Whether the deletion API is switched on.
    activated: bool,
    /// The identifier types that it knows.
    identifier_types: Vec<TypeDetails>,
    /// The most in one clock second.
    limits: Limits,
    /// A job with more rows needs the approval of a second token; null: none does.
    approval_over: Option<u32>,
}

/// An identifier type.
#[derive(Debug, Serialize, ToSchema)]
struct TypeDetails {
    name: String,
    /// How its values are compared: `none`, byte for byte, or `lowercase`, regardless of letter case.
    #[schema(value_type = String)]
    normalisation: Normalisation,
}

/// How much a space takes in one clock second.
#[derive(Debug, Serialize, ToSchema)]
struct Limits {
    /// Single deletions.
    deletions_per_second: u32,
    /// Single deletions on one profile.
    deletions_per_second_per_profile: u32,
    /// Jobs and pages.
    jobs_per_second: u32,
    /// Dry runs.
    dry_runs_per_second: u32,
    /// Reads, in each instance of the function.
    reads_per_second: u32,
}

impl Limits {
    fn of(space: &Space) -> Self {
        let any_profile = ProfileId::from_bytes([0; 16]);
        Self {
            deletions_per_second: space.limit(Limit::Deletions),
            deletions_per_second_per_profile: space.limit(Limit::DeletionsOn(any_profile)),
            jobs_per_second: space.limit(Limit::Jobs),
            dry_runs_per_second: space.limit(Limit::DryRuns),
            reads_per_second: space.limit(Limit::Reads),
        }
    }
}

impl TokenBody {
    fn of(access: &Access) -> Self {
        let (record, space) = (access.token(), &access.space);
        let types = space.identifier_types.all();
        Self {
            token: TokenDetails {
                id: record.token_id.to_string(),
                label: record.label.as_ref().map(ToString::to_string),
                role: access.role,
                permissions: access.role.permissions().collect(),
                created_at: record.created_at,
                expires_at: record.expires_at,
            },
            space: SpaceDetails {
                id: access.space_id.to_string(),
                activated: space.activated,
                identifier_types: types
                    .map(|(name, normalisation)| TypeDetails { name: name.to_owned(), normalisation })
                    .collect(),
                limits: Limits::of(space),
                approval_over: space.approval_over,
            },
        }
    }
}

pub(in crate::routes) struct GetToken;

impl Handler for GetToken {
    const SPEC: Spec = Spec {
        id: "get_token",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/token",
        permission: PermissionRule::AnyToken,
        deletes: false,
        limit: Some(Limit::Reads),
        time: SHORT,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "tokens",
        summary: "Get the request's token",
        description: "Gets what the request's own token is and may do, and the settings of its space. Changes of a space \
            show within 60 seconds.",
        parameters: &[],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The token and its space.",
            content: &[Content::json::<TokenBody>()],
        }],
        errors: Vec::<ApiError>::new,
    };

    type Request = ();

    fn parse(cx: &RequestContext<'_>) -> Result<(), ApiError> {
        cx.no_query()
    }

    async fn run(cx: &RequestContext<'_>, (): ()) -> Result<Response, Error> {
        Response::ok(&TokenBody::of(&cx.access))
    }
}
