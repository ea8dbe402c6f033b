//! Where a job stands.

use efface_core::api_error::ApiError;
use efface_engine::access::Access;

use super::{JobBody, find, no_query};
use crate::{RequestContext, response::Response, route::Route};

/// Reads where a job stands. Its counts and what remains add up to its rows at any time.
#[utoipa::path(get, path = "/v1/spaces/{space_id}/deletion_jobs/{job_id}",
    tag = "jobs",
    params(crate::openapi::JobParams),
    responses((status = 200, description = "The job.", body = JobBody), crate::openapi::ReadErrors))]
pub(crate) async fn get(call: &RequestContext<'_>, access: &Access, route: &Route<'_>) -> Result<Response, ApiError> {
    no_query(call)?;
    let status = find(call, access, route, false).await?;
    Response::ok(&JobBody::new(status, call.now))
}
