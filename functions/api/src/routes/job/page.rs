//! A page of rows, as requests and responses have it.

use efface_core::{
    api_error::ApiError,
    message::Message,
    rows::{MAX_ROWS, RawRow, reject_wide},
    space::IdentifierTypes,
};
use efface_engine::job::AdmittedPage;
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::unreadable;

/// How many rejected rows a response lists at most (contract).
const LISTED: usize = 1_000;

/// A row that was rejected.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(in crate::routes) struct Rejected {
    /// Its number within the page, from 0.
    row: usize,
    /// The code for programs.
    code: &'static str,
    /// The message for people.
    message: &'static str,
}

/// What became of the rows of a page.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct PageResult {
    /// Rows that will have an outcome.
    accepted: usize,
    /// The first 1,000 rows that were rejected.
    #[schema(max_items = 1_000)]
    rejected: Vec<Rejected>,
    /// How many rows were rejected.
    rejected_total: usize,
}

impl From<&AdmittedPage> for PageResult {
    fn from(page: &AdmittedPage) -> Self {
        let (rejected, rejected_total) = rejected_rows(page);
        Self { accepted: page.rows().len() - rejected_total, rejected, rejected_total }
    }
}

/// The first rows of a page that were rejected, and how many there are.
pub(in crate::routes) fn rejected_rows(page: &AdmittedPage) -> (Vec<Rejected>, usize) {
    let listed = page.faults().take(LISTED);
    let rejected = listed.map(|(row, fault)| Rejected { row, code: fault.code(), message: fault.message() });
    (rejected.collect(), page.faults().count())
}

/// Rejects a page with too many rows, or with a header that would be taken for a row.
pub(in crate::routes) fn check_rows(rows: &[RawRow], types: &IdentifierTypes) -> Result<(), ApiError> {
    if rows.len() > MAX_ROWS {
        let text = "A page must have at most {} rows; make an open job and send more pages.";
        return Err(ApiError::PageTooLarge(Message::new(text, &[&MAX_ROWS])));
    }
    reject_wide(rows, types).map_err(unreadable)
}
