//! The record of a deletion.

use efface_core::{
    api_error::ApiError,
    deletion::{Identifier, IdentifierState, Reason},
    limit::Limit,
    path,
    request::Selector,
    role::Permission,
    time::Time,
};
use efface_engine::{Error, log::Logged};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, Method, SHORT, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
    routes::receipt::propagation::Propagation,
};

/// The record of a deleted identifier.
#[derive(Debug, Serialize, ToSchema)]
struct DeletionBody {
    deletion: DeletionRecord,
}

/// Who deleted an identifier, when and why. It does not hold the identifier's value, which is deleted.
#[derive(Debug, Serialize, ToSchema)]
struct DeletionRecord {
    /// The identifier's type.
    r#type: String,
    /// Always `deleted`.
    status: &'static str,
    /// When it was deleted.
    deleted_at: Option<Time>,
    /// The request that deleted it: the `Request-Id` of its response.
    request_id: Option<String>,
    /// The token of that request.
    token_id: Option<String>,
    /// Why it was deleted.
    reason: Option<Reason>,
    /// The job that deleted it, where one did.
    job_id: Option<String>,
    /// The path of its receipt; null where this deployment keeps no audit log.
    receipt_url: Option<String>,
    propagation: Propagation,
}

pub(in crate::routes) struct GetDeletion;

impl Handler for GetDeletion {
    const SPEC: Spec = Spec {
        id: "get_deletion",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/deletions/{identifier}",
        permission: PermissionRule::Fixed(Permission::ReadDeletions),
        deletes: false,
        limit: Some(Limit::Reads),
        time: SHORT,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "deletions",
        summary: "Get the record of a deletion",
        description: "Gets the record of a deleted identifier, and whether the audit log has it. An identifier that is active, \
            again or still, has none; its receipt stays.",
        parameters: &[],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The record.",
            content: &[Content::json::<DeletionBody>()],
        }],
        errors: || vec![ApiError::MissingUrlParameters, ApiError::DeletionNotFound],
    };

    type Request = Selector;

    fn parse(cx: &RequestContext<'_>) -> Result<Selector, ApiError> {
        let selector = cx.path.profile().parse(cx.request.encoding)?;
        cx.no_query_after_value()?;
        Ok(selector)
    }

    async fn run(cx: &RequestContext<'_>, selector: Selector) -> Result<Response, Error> {
        let types = &cx.access.space.identifier_types;
        let id_type = types.find(&selector.id_type).ok_or(ApiError::DeletionNotFound)?;
        let hash = cx.access.hash(&id_type, &selector.value);
        let found = cx.app.store.identifier(&cx.access.space_id, hash).await?;
        let deleted = found.filter(|identifier| identifier.state == IdentifierState::Deleted);
        let deleted = deleted.ok_or(ApiError::DeletionNotFound)?;
        let space = &cx.access.space_id;
        let logged = match cx.evidence() {
            Ok(evidence) => Some(evidence.deletion_logged(space, hash, &deleted).await.unwrap_or_else(not_found_out)),
            Err(_) => None,
        };
        let value = path::encode(selector.value.expose());
        let receipt_url = logged.map(|_| format!("/v1/spaces/{space}/receipts/{id_type}:{value}"));
        let propagation = Propagation::new(deleted.deleted_at, logged);
        Response::ok(&DeletionBody { deletion: record(deleted, receipt_url, propagation) })
    }
}

/// The table alone tells that the identifier was deleted: it is told also while journal or log cannot be read.
#[expect(clippy::needless_pass_by_value, reason = "the form that `unwrap_or_else` takes")]
fn not_found_out(error: Error) -> Logged {
    tracing::warn!(%error, "whether a deletion is in the log was not found out");
    Logged { index: None, at: None }
}

fn record(identifier: Identifier, receipt_url: Option<String>, propagation: Propagation) -> DeletionRecord {
    DeletionRecord {
        r#type: identifier.r#type.to_string(),
        status: "deleted",
        deleted_at: identifier.deleted_at,
        request_id: identifier.request_id.map(|id| id.to_string()),
        token_id: identifier.token_id.map(|id| id.to_string()),
        reason: identifier.reason,
        job_id: identifier.job_id.map(|id| id.to_string()),
        receipt_url,
        propagation,
    }
}
