//! The receipts for what a job deleted.

use efface_core::{
    api_error::ApiError,
    limit::Limit,
    list::{self, ListQuery},
    role::Permission,
};
use efface_engine::{
    Error,
    log::{JobReceipt, JobReceiptsCursor},
};
use serde::Serialize;

use super::errors;
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, MEDIUM, Method, Spec, SuccessDoc},
    permission::{PermissionRule, job_of_path},
    pipeline::Handler,
    response::{Response, Success},
    routes::parameters::{LIMIT, NEXT},
};

/// A line of the response.
#[derive(Serialize)]
struct Line {
    /// The entry's index in the log.
    index: u64,
    /// The row that deleted the identifier.
    page: Option<u32>,
    row: Option<u32>,
    id_type: Option<String>,
    receipt: String,
}

impl Line {
    fn new(JobReceipt { row, id_type, receipt }: &JobReceipt) -> Self {
        Self {
            index: receipt.index,
            page: row.map(|row| row.page),
            row: row.map(|row| row.row),
            id_type: id_type.as_ref().map(ToString::to_string),
            receipt: receipt.to_string(),
        }
    }
}

pub(in crate::routes) struct ListJobReceipts;

impl Handler for ListJobReceipts {
    const SPEC: Spec = Spec {
        id: "list_job_receipts",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/deletion_jobs/{job_id}/receipts",
        permission: PermissionRule::Fixed(Permission::ReadAuditLog),
        deletes: false,
        limit: Some(Limit::Reads),
        time: MEDIUM,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "audit log",
        summary: "List the receipts of a job",
        description: "Lists the receipts for the identifiers that a job has deleted, in the order of the log: a line of JSON \
            for each, with `index`, `page`, `row`, `id_type` and `receipt`. The next page is in the header `Link`; the last \
            one may be empty. The list of a job that is over does not end before its end is in the journal; that of another \
            one ends with what is there so far. Entries may come later: compare the number with the job's counts.",
        parameters: &[LIMIT, NEXT],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "A page of receipts.",
            content: &[Content::text("application/x-ndjson")],
        }],
        errors: || {
            let mut errors = errors();
            errors.push(ApiError::JobNotFound);
            errors
        },
    };

    type Request = (usize, Option<JobReceiptsCursor>);

    fn parse(cx: &RequestContext<'_>) -> Result<Self::Request, ApiError> {
        let query = ListQuery::read(&cx.request.query, &[])?;
        let start = query.next.as_deref().map(list::decode_cursor).transpose()?;
        Ok((query.limit, start))
    }

    async fn run(cx: &RequestContext<'_>, (limit, start): Self::Request) -> Result<Response, Error> {
        let (evidence, space) = (cx.evidence()?, &cx.access.space_id);
        let job = job_of_path(cx).await?;
        if start.is_some_and(|start| start.job != job.head.job_id) {
            return Err(list::bad_cursor().into());
        }
        let (receipts, next) = evidence.receipts_of_job(space, &job.head, start, limit, cx.list_until).await?;
        let mut lines = String::new();
        for receipt in &receipts {
            let line = serde_json::to_string(&Line::new(receipt));
            lines += &line.map_err(|_| Error::Fault("a line that is no JSON"))?;
            lines.push('\n');
        }
        let link = |next| format!("{}?limit={limit}&next={}", cx.request.path, list::encode_cursor(&next));
        Ok(Response::ndjson(lines, next.map(link)))
    }
}
