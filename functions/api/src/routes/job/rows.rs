//! Add a page to a job that is open.

use efface_aws::store::job::Committed;
use efface_core::{
    api_error::ApiError,
    job::{JobId, JobState},
    json::Object,
    request::read_json,
    rows::{RawRow, page_rows},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{create::CreatedJob, page::check_rows, status::Job};
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, LONG, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success, store_failed},
    use_case::{
        idempotency,
        page::{Page, post_page},
    },
};

/// The largest number of a page.
const MAX_PAGE: u32 = 9_999_999;

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
        needs_activation: true,
        time: LONG,
        body: BodyRule::JSON_PAGE,
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
            return Err(ApiError::BadRequest(format!("The request body at `page`: it must be at most {MAX_PAGE}.")));
        }
        check_rows(&body.rows)?;
        cx.no_query()?;
        Ok(body)
    }

    async fn run(cx: &RequestContext<'_>, body: AddRowsBody) -> Result<Response, ApiError> {
        idempotency::first_request(cx).await?;
        let (store, space) = (&cx.app.store, &cx.access.space_id);
        let head = &cx.job()?.head;
        let job = JobId::parse(&head.job_id).map_err(|_| ApiError::JobNotFound)?;
        let page = Page::admit(&cx.access, head.action, head.dry_run, &body.rows, &cx.body);
        let stored = page.stored(body.page);
        let committed = match store.page(space, &job, body.page).await.map_err(store_failed)? {
            Some(stored) => Committed::Again(stored),
            None if head.state != JobState::Open => Committed::NotOpen,
            None => {
                post_page(cx, &job, body.page, &page, false).await?;
                store.commit_page(space, head, &stored).await.map_err(store_failed)?
            }
        };
        let status = store.job(space, &job).await.map_err(store_failed)?.ok_or(ApiError::JobNotFound)?;
        match committed {
            Committed::Again(first) if first.content != stored.content => Err(ApiError::PageConflict(body.page)),
            Committed::NotOpen => Err(ApiError::InvalidState(status.head.state, MORE_ROWS)),
            Committed::Yes | Committed::Again(_) => {
                Response::accepted(&CreatedJob { job: Job::new(status, cx.now), page: (&page).into(), plan: None })
            }
        }
    }
}

/// Ends the sentence "A job that is … can't be …".
const MORE_ROWS: &str = "given more rows";
