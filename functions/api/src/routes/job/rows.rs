//! Add a page to a job that is open.

use efface_core::{
    api_error::ApiError,
    job::{JobState, MAX_PAGE},
    json::Object,
    limit::Limit,
    request::read_json,
    rows::{RawRow, page_rows},
};
use efface_engine::{
    Error,
    job::{AdmittedPage, MORE_ROWS},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{create::CreatedJob, page::check_rows, status::Job};
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, LONG, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

/// A page of rows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct AddRowsBody {
    /// The number of the page, which the client chooses.
    #[schema(minimum = 0, maximum = 9_999_999)]
    page: u32,
    /// At most 100,000 rows, as when a job is created.
    #[serde(deserialize_with = "page_rows")]
    #[schema(value_type = Vec<Value>, max_items = 100_000)]
    rows: Vec<RawRow>,
}

pub(in crate::routes) struct AddRows;

impl Handler for AddRows {
    const SPEC: Spec = Spec {
        id: "add_rows",
        method: Method::Post,
        path: "/v1/spaces/{space_id}/deletion_jobs/{job_id}/rows",
        permission: PermissionRule::OfJob { control: true },
        deletes: true,
        limit: Some(Limit::Jobs),
        time: LONG,
        body: BodyRule::JSON_PAGE,
    };

    const DOCS: Docs = Docs {
        tag: "jobs",
        summary: "Add a page of rows to an open job",
        description: "Adds a page of rows under a number that the client chooses. The same page again has the same \
            response, whatever became of the job since. Other rows under its number are rejected.",
        parameters: &[],
        request: &[Content::json::<AddRowsBody>()],
        responses: &[SuccessDoc {
            success: Success::Accepted,
            description: "The page is stored.",
            content: &[Content::json::<CreatedJob>()],
        }],
        errors: || {
            let closed = ApiError::InvalidState(JobState::Queued, MORE_ROWS);
            vec![ApiError::MissingUrlParameters, ApiError::PageConflict(0), closed]
        },
    };

    type Request = AddRowsBody;

    fn parse(cx: &RequestContext<'_>) -> Result<AddRowsBody, ApiError> {
        let Object(body): Object<AddRowsBody> = read_json(&cx.body)?;
        if body.page > MAX_PAGE {
            return Err(ApiError::bad_request("The request body at `page`: it must be at most {}.", &[&MAX_PAGE]));
        }
        check_rows(&body.rows, &cx.access.space.identifier_types)?;
        cx.no_query()?;
        Ok(body)
    }

    async fn run(cx: &RequestContext<'_>, body: AddRowsBody) -> Result<Response, Error> {
        cx.first_request().await?;
        let head = &cx.job()?.head;
        let page = AdmittedPage::new(&cx.access, head.action, head.dry_run, &body.rows, &cx.body);
        let status = cx.engine().add_page(&cx.caller(), head, body.page, &page).await?;
        Response::accepted(&CreatedJob { job: Job::new(cx, status), page: (&page).into(), plan: None })
    }
}
