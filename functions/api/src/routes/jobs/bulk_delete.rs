//! The page of a workflow: each row deletes a profile. What comes here is a job of its own, or with the others of its
//! group one run.

use efface_core::{
    api_error::ApiError,
    job::{Action, Group, JobId},
    role::Permission,
    rows::{MAX_SENT, read_page},
};
use efface_engine::access::Access;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    admit::{Page, PageAnswer},
    create::{NewJob, create, inflated, unreadable},
    no_query,
};
use crate::{
    RequestContext,
    auth::{authorise, check_activated},
    event::Request,
    response::Response,
    routes::{
        body::{self, essence},
        idempotency,
    },
};

/// Names one of the space's instances, as the workflow's configuration has it.
const INSTANCE: &str = "x-reactor-instance-name";

/// Labels the pages of one run.
const GROUP: &str = "x-deletion-group";

/// What pages are declared as. What they are is seen from the page itself.
const TYPES: [&str; 15] = [
    "",
    "application/json",
    "application/x-ndjson",
    "application/ndjson",
    "application/x-jsonl",
    "application/csv",
    "text/x-csv",
    "application/jsonl",
    "application/x-jsonlines",
    "text/csv",
    "text/plain",
    "application/gzip",
    "application/x-gzip",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
];

/// A page that was taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkDeleted {
    /// The job that carries it out.
    job_id: String,
    /// What was accepted.
    #[serde(flatten)]
    page: PageAnswer,
    /// The path at which the job is followed.
    status_url: String,
}

/// Takes a page of `key:value` rows, in any of the formats of tables, and deletes the profile of each. The token names the
/// space.
#[utoipa::path(post, path = "/internal/bulk-delete-internal",
    tag = "jobs",
    params(crate::openapi::BulkParams, crate::openapi::IdempotencyParams),
    request_body(content(
        (crate::openapi::BulkBody = "application/json"),
        (String = "application/x-ndjson"),
        (String = "text/csv"))),
    responses(
        (status = 202, description = "The page is kept and will be carried out.", body = BulkDeleted),
        crate::openapi::BulkErrors))]
pub(crate) async fn post(call: &RequestContext<'_>, access: &Access) -> Result<Response, ApiError> {
    check_body(call.request)?;
    let body = inflated(call.request)?;
    let media_type = call.request.header("content-type")?.map(essence).unwrap_or_default().to_ascii_lowercase();
    let raw = read_page(&body, &media_type).map_err(unreadable)?;
    let group = call.request.header(GROUP)?.map(Group::parse).transpose();
    let group = group.map_err(|error| ApiError::BadRequest(format!("The header {GROUP}: {error}.")))?;
    no_query(call)?;
    authorise(access, Permission::DeleteProfiles)?;
    check_activated(access)?;
    let instance = call.request.header(INSTANCE)?.unwrap_or_default();
    if !access.space.reactor_instances.iter().any(|name| name == instance) {
        return Err(ApiError::InstanceNotFound);
    }
    let page = Page::admit(access, Action::DeleteProfile, false, &raw, &body);
    let (mut request, _) = idempotency::settle(call, access).await?;
    if let Some(group) = &group {
        request = idempotency::settle_page(call, access, request, group.as_str(), page.content()).await?;
    }
    let new = NewJob { action: Action::DeleteProfile, dry_run: false, group, open: false, max_deletions: None };
    create(call, access, &new, &page, &request).await?;
    let job = JobId::of_request(&request);
    Response::accepted(&BulkDeleted {
        job_id: job.to_string(),
        page: page.answer(),
        status_url: format!("/v1/spaces/{}/deletion_jobs/{job}", access.space_id),
    })
}

fn check_body(request: &Request) -> Result<(), ApiError> {
    body::check(request, MAX_SENT, &TYPES, &["identity", "gzip"], ApiError::UnsupportedPageType)
}
