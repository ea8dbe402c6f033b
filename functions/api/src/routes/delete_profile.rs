//! Delete one profile whole: a job of one row, carried out at once, so that a crash anywhere is finished by the worker.

use std::time::Duration;

use efface_aws::{
    queue::ChunkId,
    store::{
        job::{JobHead, JobStatus},
        profile_deletion::Erased,
    },
};
use efface_core::{
    api_error::ApiError,
    identifier::{GROUP_ID, IdentifierType},
    job::{Action, JobId},
    key::IdHash,
    profile::{ProfileId, RequestId},
    role::Permission,
    time::Time,
};
use efface_engine::{ChunkRun, Deadline, access::Access};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    idempotency,
    jobs::{self, JobBody, Page, post_page},
    profile,
};
use crate::{
    RequestContext,
    auth::{authorise, check_activated},
    response::{Response, store_failed},
    route::Route,
};

/// How long we carry it out ourselves before the worker goes on with it.
const OWN_TIME: Duration = Duration::from_secs(3);

/// A profile that was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiptBody {
    /// What was deleted, and when.
    receipt: Receipt,
}

/// What was deleted, and when.
#[derive(Debug, Serialize, ToSchema)]
pub struct Receipt {
    /// The request that asked for it: the first one that was sent with its key.
    request_id: String,
    /// The job that did it.
    job_id: String,
    /// When reads found nothing any more.
    #[schema(value_type = String, format = DateTime)]
    deleted_at: Time,
    /// What went.
    counts: ReceiptCounts,
}

/// What went with a profile.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiptCounts {
    /// Identifiers.
    external_ids: i64,
    /// Memberships of segments.
    memberships: i64,
    /// Profiles that were merged into it.
    merges: i64,
    /// Traits.
    traits: i64,
}

/// Deletes a profile with all that is merged into it: identifiers, traits, metadata and memberships. Where that takes
/// longer than a few seconds, the answer is the job that does it.
#[utoipa::path(delete, path = "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}",
    tag = "deletions",
    params(crate::openapi::ProfileParams, crate::openapi::IdempotencyParams),
    responses(
        (status = 200, description = "The profile is deleted.", body = ReceiptBody),
        (status = 202, description = "The profile is being deleted: reads find it no more.", body = JobBody),
        crate::openapi::JobErrors))]
pub(crate) async fn delete(
    call: &RequestContext<'_>,
    access: &Access,
    route: &Route<'_>,
) -> Result<Response, ApiError> {
    let selector = route.profile().parse(call.request.encoding)?;
    let known = access.space.identifier_types.find(&selector.id_type);
    let id_type: IdentifierType =
        known.filter(|id_type| id_type.as_str() != GROUP_ID).ok_or(ApiError::UnsupportedType)?;
    jobs::no_query(call)?;
    idempotency::key(call.request)?;
    authorise(access, Permission::DeleteProfiles)?;
    check_activated(access)?;
    let own = profile::hash(access, &id_type, &selector.value);
    let (request, is_repeated) = idempotency::settle(call, access).await?;
    let job = JobId::of_request(&request);
    let (store, space) = (&call.app.store, &access.space_id);
    let before = if is_repeated { store.job(space, &job).await.map_err(store_failed)? } else { None };
    if before.is_none() {
        start(call, access, &own, &job).await?;
    }
    let ran = run(call, access, &job).await;
    if ran != Some(ChunkRun::Completed)
        && let Err(error) = call.app.engine.send_dispatch(space, &job).await
    {
        tracing::warn!(%error, job_id = %job, "the job waits for the reconciler");
    }
    let status = store.job(space, &job).await.map_err(store_failed)?.ok_or(ApiError::Unavailable)?;
    answer(call, access, &own, &request, status).await
}

/// Makes the job, where there is a profile.
async fn start(call: &RequestContext<'_>, access: &Access, own: &IdHash, job: &JobId) -> Result<(), ApiError> {
    let (store, space) = (&call.app.store, &access.space_id);
    let found = store.identifier(space, own).await.map_err(store_failed)?;
    let profile = found.and_then(|found| found.active_profile()).ok_or(ApiError::ProfileNotFound)?;
    store.whole(space, &profile).await.map_err(store_failed)?.ok_or(ApiError::ProfileNotFound)?;
    let new = jobs::create::NewJob {
        action: Action::DeleteProfile,
        dry_run: false,
        group: None,
        open: false,
        max_deletions: None,
    };
    let profile_id = Some(profile.as_str().to_owned());
    let head = JobHead { single: true, profile_id, ..jobs::create::head(call, access, &new, job) };
    let page = Page::of_profile(access, own.clone());
    post_page(call, access, job, 0, &page, true).await?;
    // Where it is there already, somebody sent the same request at the same time.
    store.create_job(space, &head, Some(&page.stored(0))).await.map_err(store_failed).map(drop)
}

/// Carries it out as far as that goes; whatever is left is the worker's.
async fn run(call: &RequestContext<'_>, access: &Access, job: &JobId) -> Option<ChunkRun> {
    let id = ChunkId { page: 0, chunk: 0, attempt: 0 };
    let work = call.app.engine.run_chunk(&access.space_id, job, id, Deadline::after(OWN_TIME));
    match tokio::time::timeout(2 * OWN_TIME, Box::pin(work)).await {
        Ok(Ok(ran)) => Some(ran),
        Ok(Err(error)) => {
            tracing::warn!(%error, job_id = %job, "the worker goes on with it");
            None
        }
        Err(_) => None,
    }
}

async fn answer(
    call: &RequestContext<'_>,
    access: &Access,
    own: &IdHash,
    request: &RequestId,
    status: JobStatus,
) -> Result<Response, ApiError> {
    if status.progress.remaining() > 0 || status.progress.counts.failed > 0 {
        return Response::accepted(&JobBody::new(status, call.now));
    }
    if status.progress.counts.deleted == 0 {
        // Somebody else deleted it between our look and our fence.
        return Err(ApiError::ProfileNotFound);
    }
    let root = erased_root(call, access, own, &status.head).await?;
    let (deleted_at, erased) = root.ok_or(ApiError::ProfileNotFound)?;
    let Erased { external_ids, memberships, merges, traits } = erased;
    Response::ok(&ReceiptBody {
        receipt: Receipt {
            request_id: request.to_string(),
            job_id: status.head.job_id,
            deleted_at,
            counts: ReceiptCounts { external_ids, memberships, merges, traits },
        },
    })
}

/// What the job kept on the root of the profile that it deleted: the one that its identifier found when it was made; or,
/// where it was merged or made anew before it was deleted, the one that it found then.
async fn erased_root(
    call: &RequestContext<'_>,
    access: &Access,
    own: &IdHash,
    job: &JobHead,
) -> Result<Option<(Time, Erased)>, ApiError> {
    let found = call.app.store.identifier(&access.space_id, own).await.map_err(store_failed)?;
    for profile in [job.profile_id.clone(), found.map(|found| found.profile_id)].into_iter().flatten() {
        if let Some(erased) = erased(call, access, &profile, job).await? {
            return Ok(Some(erased));
        }
    }
    Ok(None)
}

async fn erased(
    call: &RequestContext<'_>,
    access: &Access,
    member: &str,
    job: &JobHead,
) -> Result<Option<(Time, Erased)>, ApiError> {
    let (store, space) = (&call.app.store, &access.space_id);
    let Ok(member) = ProfileId::parse(member) else { return Ok(None) };
    let head = store.head(space, &member).await.map_err(store_failed)?;
    let root = match head.as_ref().and_then(|head| ProfileId::parse(&head.root).ok()) {
        Some(root) if root != member => store.head(space, &root).await.map_err(store_failed)?,
        _ => head,
    };
    let root = root.filter(|root| root.job_id.as_ref() == Some(&job.job_id));
    Ok(root.and_then(|root| root.deleted_at.zip(root.erased)))
}
