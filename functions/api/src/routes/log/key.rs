//! The keys that have signed a log.

use efface_core::{api_error::ApiError, limit::Limit, log::KeyUse, role::Permission};
use efface_engine::Error;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, MEDIUM, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

/// The keys that sign a log, the first one first.
#[derive(Debug, Serialize, ToSchema)]
struct LogKeys {
    keys: Vec<LogKeyUse>,
}

/// A key and the sizes of the log that it signed.
#[derive(Debug, Serialize, ToSchema)]
struct LogKeyUse {
    /// The verifier key: `name+id+key` (c2sp.org/signed-note).
    key: String,
    /// The first size that it may have signed.
    from: u64,
    /// The last one; null: it signs now.
    to: Option<u64>,
}

impl LogKeyUse {
    fn new(KeyUse { key, from, to }: &KeyUse) -> Self {
        Self { key: key.to_string(), from: *from, to: *to }
    }
}

pub(in crate::routes) struct GetKeys;

impl Handler for GetKeys {
    const SPEC: Spec = Spec {
        id: "get_log_keys",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/log/key",
        permission: PermissionRule::Fixed(Permission::ReadAuditLog),
        deletes: false,
        limit: Some(Limit::Reads),
        time: MEDIUM,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "audit log",
        summary: "Get the keys of the log",
        description: "Gets the keys that have signed checkpoints of the space's log, with the sizes that each signed. \
            Whoever verifies a log compares them with keys from elsewhere: a key that only the API tells proves nothing \
            about the API.",
        parameters: &[],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The keys.",
            content: &[Content::json::<LogKeys>()],
        }],
        errors: || vec![ApiError::MissingUrlParameters, ApiError::LogFileNotFound, ApiError::JournalOff],
    };

    type Request = ();

    fn parse(cx: &RequestContext<'_>) -> Result<(), ApiError> {
        cx.no_query()
    }

    async fn run(cx: &RequestContext<'_>, (): ()) -> Result<Response, Error> {
        let keys = cx.evidence()?.reader().keys(&cx.access.space_id).await?;
        let keys: Vec<_> = keys.uses().iter().map(LogKeyUse::new).collect();
        if keys.is_empty() {
            return Err(ApiError::LogFileNotFound.into());
        }
        Response::ok(&LogKeys { keys })
    }
}
