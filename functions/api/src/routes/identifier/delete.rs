//! Delete one identifier of a profile.

use efface_core::{
    api_error::ApiError,
    limit::Limit,
    request::{DeleteBody, DeleteIdentifier as Request},
    role::Permission,
};
use efface_engine::Error;
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

/// The success of a deletion.
#[derive(Debug, Serialize, ToSchema)]
struct DeletedBody {
    /// Always `success`.
    #[schema(example = "success")]
    code: &'static str,
    /// Always this text.
    #[schema(example = "External identifier has been deleted.")]
    message: &'static str,
}

pub(in crate::routes) struct DeleteIdentifier;

impl Handler for DeleteIdentifier {
    const SPEC: Spec = Spec {
        id: "delete_identifier",
        method: Method::Post,
        path: "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/external_ids/delete",
        permission: PermissionRule::Fixed(Permission::DeleteIdentifiers),
        deletes: true,
        limit: None,
        time: SHORT,
        body: BodyRule::SMALL_JSON,
    };

    const DOCS: Docs = Docs {
        tag: "deletions",
        summary: "Delete one identifier",
        description: "Deletes one identifier of the profile that has a `user_id`. The rest of the profile and its \
            history stay. The value of the identifier is deleted; a record of its deletion stays.",
        parameters: &[],
        request: &[Content::json::<DeleteBody>()],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The identifier is deleted.",
            content: &[Content::json::<DeletedBody>()],
        }],
        errors: || {
            vec![
                ApiError::MissingUrlParameters,
                ApiError::InvalidCollection("accounts".to_owned()),
                ApiError::UnsupportedLookupType("email".to_owned()),
                ApiError::OnlyOneExternalId,
                ApiError::UnsupportedType,
                ApiError::TargetIsLookup,
                ApiError::RateLimited(Limit::Deletions, Limit::Deletions.default_setting()),
                ApiError::LookupNotFound,
                ApiError::ExternalIdNotFound,
            ]
        },
    };

    type Request = Request;

    fn parse(cx: &RequestContext<'_>) -> Result<Request, ApiError> {
        let types = &cx.access.space.identifier_types;
        let request = Request::parse(cx.path.profile(), cx.request.encoding, &cx.body, types)?;
        // The contract does not name unknown query parameters: they come after all that it orders.
        cx.no_query()?;
        cx.keyed()?;
        Ok(request)
    }

    async fn run(cx: &RequestContext<'_>, request: Request) -> Result<Response, Error> {
        let quotas = Box::pin(cx.engine().delete_identifier(&cx.caller(), &request, cx.keyed()?)).await?;
        let body = DeletedBody { code: "success", message: "External identifier has been deleted." };
        Ok(Response::ok(&body)?.with_quotas(quotas))
    }
}
