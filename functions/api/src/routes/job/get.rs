//! Where a job stands.

use efface_core::{api_error::ApiError, limit::Limit};
use efface_engine::Error;

use super::JobBody;
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, Method, SHORT, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

pub(in crate::routes) struct GetJob;

impl Handler for GetJob {
    const SPEC: Spec = Spec {
        id: "get_job",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/deletion_jobs/{job_id}",
        permission: PermissionRule::OfJob { control: false },
        deletes: false,
        limit: Some(Limit::Reads),
        time: SHORT,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "jobs",
        summary: "Get a job",
        description: "Gets where a job stands. Its counts and what remains add up to its rows at any time.",
        parameters: &[],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The job.",
            content: &[Content::json::<JobBody>()],
        }],
        errors: || vec![ApiError::MissingUrlParameters],
    };

    type Request = ();

    fn parse(cx: &RequestContext<'_>) -> Result<(), ApiError> {
        cx.no_query()
    }

    async fn run(cx: &RequestContext<'_>, (): ()) -> Result<Response, Error> {
        Response::ok(&JobBody::new(cx, cx.job()?.clone()))
    }
}
