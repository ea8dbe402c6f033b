//! Add a page to a job that is open.

use efface_aws::store::job::Committed;
use efface_core::{
    api_error::ApiError,
    job::{JobId, JobState},
    json::Object,
    request::read_json,
    rows::{RawRow, page_rows},
};
use efface_engine::access::Access;
use serde::Deserialize;

use super::{
    Job,
    admit::{Page, post_page},
    create::{CreatedJob, check_page, check_rows, inflated},
    find, no_query,
};
use crate::{
    RequestContext,
    auth::check_activated,
    response::{Response, store_failed},
    route::Route,
    routes::idempotency,
};

/// The largest number of a page.
const MAX_PAGE: u32 = 9_999_999;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    page: u32,
    #[serde(deserialize_with = "page_rows")]
    rows: Vec<RawRow>,
}

/// Adds a page of rows under a number of the client's own. The same page again has the same answer, whatever became of
/// the job since; other rows under its number are refused.
#[utoipa::path(post, path = "/v1/spaces/{space_id}/deletion_jobs/{job_id}/rows",
    tag = "jobs",
    params(crate::openapi::JobParams, crate::openapi::IdempotencyParams),
    request_body(content = crate::openapi::AddRowsBody, content_type = "application/json"),
    responses((status = 202, description = "The page is kept.", body = CreatedJob), crate::openapi::JobErrors))]
pub(crate) async fn post(call: &RequestContext<'_>, access: &Access, route: &Route<'_>) -> Result<Response, ApiError> {
    check_page(call.request)?;
    let sent = inflated(call.request)?;
    let Object(body): Object<Body> = read_json(&sent)?;
    if body.page > MAX_PAGE {
        return Err(ApiError::BadRequest(format!("The request body at `page`: it must be at most {MAX_PAGE}.")));
    }
    check_rows(&body.rows)?;
    no_query(call)?;
    let status = find(call, access, route, true).await?;
    check_activated(access)?;
    idempotency::settle(call, access).await?;
    let (store, space) = (&call.app.store, &access.space_id);
    let head = &status.head;
    let job = JobId::parse(&head.job_id).map_err(|_| ApiError::JobNotFound)?;
    let page = Page::admit(access, head.action, head.dry_run, &body.rows, &sent);
    let stored = page.stored(body.page);
    let there = match store.page(space, &job, body.page).await.map_err(store_failed)? {
        Some(there) => Committed::Again(there),
        None if head.state != JobState::Open => Committed::NotOpen,
        None => {
            post_page(call, access, &job, body.page, &page, false).await?;
            store.commit_page(space, head, &stored).await.map_err(store_failed)?
        }
    };
    let status = store.job(space, &job).await.map_err(store_failed)?.ok_or(ApiError::JobNotFound)?;
    match there {
        Committed::Again(there) if there.content != stored.content => Err(ApiError::PageConflict(body.page)),
        Committed::NotOpen => Err(ApiError::InvalidState(status.head.state, "given more rows")),
        Committed::Yes | Committed::Again(_) => {
            Response::accepted(&CreatedJob { job: Job::new(status, call.now), page: page.answer(), plan: None })
        }
    }
}
