//! Whether the function responds at all.

use efface_aws::version;
use efface_core::list;
use efface_engine::Error;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    body::BodyRule,
    endpoint::{Content, Docs, Method, SHORT, Spec, SuccessDoc},
    event::Request,
    permission::PermissionRule,
    pipeline::OpenHandler,
    response::{Response, Success},
};

/// The state of the function.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// Always `ok`.
    status: &'static str,
    /// The version of Efface that responds.
    version: &'static str,
    /// The commit that it was built from, or `unknown`.
    commit: &'static str,
}

pub(super) struct GetHealth;

impl OpenHandler for GetHealth {
    const SPEC: Spec = Spec {
        id: "get_health",
        method: Method::Get,
        path: "/health",
        permission: PermissionRule::Open,
        deletes: false,
        limit: None,
        time: SHORT,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "health",
        summary: "Get the state of the function",
        description: "Tells that the function runs. It needs no token and sends no request to the store.",
        parameters: &[],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The function runs.",
            content: &[Content::json::<Health>()],
        }],
        errors: Vec::new,
    };

    fn respond(request: &Request) -> Result<Response, Error> {
        list::no_query_but(&request.query, &[])?;
        Response::ok(&Health { status: "ok", version: version::VERSION, commit: version::COMMIT })
    }
}
