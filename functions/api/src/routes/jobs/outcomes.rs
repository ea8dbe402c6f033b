//! What became of a job's rows.

use std::fmt::Write;

use efface_aws::store::job::{Outcome as StoredOutcome, OutcomePosition};
use efface_core::{
    api_error::ApiError,
    job::{JobId, Outcome},
    list::{self, ListQuery},
};
use efface_engine::access::Access;
use serde::Serialize;
use utoipa::ToSchema;

use super::find;
use crate::{
    RequestContext,
    openapi::Cursor,
    response::{Response, store_failed},
    route::Route,
};

/// A page of outcomes, in the order of pages and rows.
#[derive(Debug, Serialize, ToSchema)]
pub struct Outcomes {
    /// The outcomes.
    data: Vec<RowOutcome>,
    /// Where to go on.
    cursor: Cursor,
}

/// What became of a row.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowOutcome {
    /// Its page.
    page: u32,
    /// Its number within the page, from 0.
    row: usize,
    /// `deleted`, `duplicate`, `not_found`, `invalid`, `protected` or `failed`.
    outcome: &'static str,
    /// The word for programs.
    code: &'static str,
    /// The text for people.
    message: &'static str,
}

impl From<StoredOutcome> for RowOutcome {
    fn from(stored: StoredOutcome) -> Self {
        let StoredOutcome { page, row, outcome, fault } = stored;
        let (code, message) = match (outcome, fault) {
            (_, Some(fault)) => (fault.code(), fault.message()),
            (Outcome::Deleted, _) => ("deleted", "It has been deleted."),
            (Outcome::Duplicate, _) => ("duplicate", "Another row of this job or group deleted it."),
            (Outcome::NotFound, _) => ("not_found", "There is no such profile or identifier."),
            (Outcome::Invalid, _) => ("invalid_row", "The row can't be read."),
            (Outcome::Protected, _) => {
                ("protected", "It finds its own profile, or the profile would be left without a user_id.")
            }
            (Outcome::Failed, _) => ("failed", "It could not be done; redrive the job to try again."),
        };
        Self { page, row, outcome: outcome.as_str(), code, message }
    }
}

/// Lists what became of rows that have an outcome, as JSON, or with `Accept: text/csv` as a table.
#[utoipa::path(get, path = "/v1/spaces/{space_id}/deletion_jobs/{job_id}/outcomes",
    tag = "jobs",
    params(crate::openapi::JobParams, crate::openapi::OutcomeListParams),
    responses(
        (status = 200, description = "A page of outcomes.", content(
            (Outcomes = "application/json"),
            (String = "text/csv"))),
        crate::openapi::ReadErrors))]
pub(crate) async fn get(call: &RequestContext<'_>, access: &Access, route: &Route<'_>) -> Result<Response, ApiError> {
    let query = ListQuery::read(&call.request.query, &["outcome"])?;
    let words = "deleted, duplicate, not_found, invalid, protected or failed";
    let outcome: Option<Outcome> = query.filter("outcome", words)?;
    let start: Option<OutcomePosition> = query.next.as_deref().map(list::decode_cursor).transpose()?;
    let is_csv = call.request.header("accept")?.is_some_and(wants_csv);
    let status = find(call, access, route, false).await?;
    let job = JobId::parse(&status.head.job_id).map_err(|_| ApiError::JobNotFound)?;
    let listed = call.app.store.list_outcomes(&access.space_id, &job, outcome, start, query.limit).await;
    let (outcomes, next) = listed.map_err(store_failed)?;
    let data: Vec<RowOutcome> = outcomes.into_iter().map(Into::into).collect();
    let next = next.as_ref().map(list::encode_cursor);
    if is_csv {
        let next = next.map(|next| link(call, &query, &next));
        return Ok(Response::csv(table(&data), next));
    }
    Response::ok(&Outcomes { data, cursor: Cursor::new(call.request, next) })
}

fn wants_csv(accept: &str) -> bool {
    let mut types = accept.split(',').map(|one| one.split(';').next().unwrap_or_default().trim());
    types.any(|one| one.eq_ignore_ascii_case("text/csv"))
}

/// None of the cells holds a comma, a quote or a line break, but the texts: they are quoted.
fn table(data: &[RowOutcome]) -> String {
    let mut table = "page,row,outcome,code,message\r\n".to_owned();
    for RowOutcome { page, row, outcome, code, message } in data {
        // Writing to a text does not fail.
        let _ = write!(table, "{page},{row},{outcome},{code},\"{message}\"\r\n");
    }
    table
}

fn link(call: &RequestContext<'_>, query: &ListQuery, next: &str) -> String {
    let outcome = query.filters.get("outcome").map(|outcome| format!("&outcome={outcome}")).unwrap_or_default();
    format!("{}?limit={}{outcome}&next={next}", call.request.path, query.limit)
}
