//! The receipt for the end of a job.

use efface_core::{api_error::ApiError, limit::Limit, role::Permission};
use efface_engine::Error;

use super::errors;
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, MEDIUM, Method, Spec, SuccessDoc},
    permission::{PermissionRule, job_of_path},
    pipeline::Handler,
    response::{Response, Success},
};

pub(in crate::routes) struct GetJobReceipt;

impl Handler for GetJobReceipt {
    const SPEC: Spec = Spec {
        id: "get_job_receipt",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/deletion_jobs/{job_id}/receipt",
        permission: PermissionRule::Fixed(Permission::ReadAuditLog),
        deletes: false,
        limit: Some(Limit::Reads),
        time: MEDIUM,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "audit log",
        summary: "Get the receipt for the end of a job",
        description: "Gets the receipt for the last entry of a job that is over: that it was verified, else that it was \
            completed or cancelled. The entry has the job's rows by outcome and, once it is verified, a digest of its \
            outcomes.",
        parameters: &[],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The receipt.",
            content: &[Content::text("text/plain")],
        }],
        errors: || {
            let mut errors = errors();
            errors.extend([ApiError::JobNotFound, ApiError::JobNotOver]);
            errors
        },
    };

    type Request = ();

    fn parse(cx: &RequestContext<'_>) -> Result<(), ApiError> {
        cx.no_query()
    }

    async fn run(cx: &RequestContext<'_>, (): ()) -> Result<Response, Error> {
        let evidence = cx.evidence()?;
        let job = job_of_path(cx).await?;
        let receipt = evidence.receipt_of_job(&cx.access.space_id, &job.head).await?;
        Ok(Response::text(Success::Done, receipt.to_string()))
    }
}
