//! The head of a log.

use efface_core::{api_error::ApiError, limit::Limit, role::Permission};
use efface_engine::Error;

use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, MEDIUM, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

pub(in crate::routes) struct GetCheckpoint;

impl Handler for GetCheckpoint {
    const SPEC: Spec = Spec {
        id: "get_log_checkpoint",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/log/checkpoint",
        permission: PermissionRule::Fixed(Permission::ReadAuditLog),
        deletes: false,
        limit: Some(Limit::Reads),
        time: MEDIUM,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "audit log",
        summary: "Get the checkpoint of the log",
        description: "Gets the last signed head of the space's log: a signed note with its origin, size and root \
            (c2sp.org/tlog-checkpoint). There is none until something has happened in the space.",
        parameters: &[],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The checkpoint.",
            content: &[Content::text("text/plain")],
        }],
        errors: || vec![ApiError::MissingUrlParameters, ApiError::LogFileNotFound, ApiError::JournalOff],
    };

    type Request = ();

    fn parse(cx: &RequestContext<'_>) -> Result<(), ApiError> {
        cx.no_query()
    }

    async fn run(cx: &RequestContext<'_>, (): ()) -> Result<Response, Error> {
        let note = cx.evidence()?.reader().checkpoint(&cx.access.space_id).await?;
        Ok(Response::text(Success::Done, note.ok_or(ApiError::LogFileNotFound)?.to_string()))
    }
}
