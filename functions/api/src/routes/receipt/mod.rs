//! Receipts: what an outsider needs to check a deletion, or the end of a job, without the operator.

pub(super) mod identifier;
pub(super) mod job;
pub(super) mod job_list;
pub(super) mod propagation;

use efface_core::api_error::ApiError;

/// Examples of the errors of requests for receipts.
fn errors() -> Vec<ApiError> {
    vec![ApiError::MissingUrlParameters, ApiError::JournalOff, ApiError::NotLoggedYet]
}
