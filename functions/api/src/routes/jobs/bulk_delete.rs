//! The page of a workflow: each row deletes a profile. What comes here is a job of its own, or with the others of its
//! group one run.

use efface_aws::access::Access;
use efface_core::{
    job::{Action, Group, JobId},
    refusal::Refusal,
    role::Permission,
    rows::{MAX_SENT, PageError, read_page},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    admit::{Page, PageAnswer},
    create::{NewJob, create},
    no_query,
};
use crate::{Call, answer::Answer, auth::authorise, door::Request, routes::idempotency};

/// Names one of the space's instances, as the workflow's configuration has it.
const INSTANCE: &str = "x-reactor-instance-name";

/// Labels the pages of one run.
const GROUP: &str = "x-deletion-group";

/// What pages are declared as. What they are is seen from the page itself.
const TYPES: [&str; 11] = [
    "",
    "application/json",
    "application/x-ndjson",
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
pub(crate) async fn post(call: &Call<'_>, access: &Access) -> Result<Answer, Refusal> {
    check_body(call.request)?;
    let raw = read_page(&call.request.body).map_err(|error| match error {
        PageError::Unreadable(text) => Refusal::BadRequest(text),
        PageError::TooLarge | PageError::TooManyRows => Refusal::PageTooLarge(error.to_string()),
    })?;
    let group = call.request.header(GROUP)?.map(Group::parse).transpose();
    let group = group.map_err(|error| Refusal::BadRequest(format!("The header {GROUP}: {error}.")))?;
    no_query(call)?;
    authorise(access, Permission::DeleteProfiles)?;
    let instance = call.request.header(INSTANCE)?.unwrap_or_default();
    if !access.space.reactor_instances.iter().any(|name| name == instance) {
        return Err(Refusal::InstanceNotFound);
    }
    let page = Page::admit(access, Action::DeleteProfile, false, &raw);
    let (mut request, _) = idempotency::settle(call, access).await?;
    if let Some(group) = &group {
        request = idempotency::settle_page(call, access, request, group.as_str(), page.content()).await?;
    }
    let new = NewJob { action: Action::DeleteProfile, dry_run: false, group, open: false, max_deletions: None };
    create(call, access, &new, &page, &request).await?;
    let job = JobId::of_request(&request);
    Answer::accepted(&BulkDeleted {
        job_id: job.to_string(),
        page: page.answer(),
        status_url: format!("/v1/spaces/{}/deletion_jobs/{job}", access.space_id),
    })
}

fn check_body(request: &Request) -> Result<(), Refusal> {
    if request.body.len() > MAX_SENT {
        return Err(Refusal::PayloadTooLarge(MAX_SENT));
    }
    let header = |name| request.header(name).map_err(|_| Refusal::UnsupportedPageType);
    let media_type = header("content-type")?.unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let encoding = header("content-encoding")?.unwrap_or("identity").to_ascii_lowercase();
    let is_known = TYPES.contains(&essence.as_str()) && ["identity", "gzip"].contains(&encoding.as_str());
    if is_known { Ok(()) } else { Err(Refusal::UnsupportedPageType) }
}
