//! Deletion of one profile: a job of one row that is carried out at once. If this function stops, the worker completes
//! it.

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
    identifier::{IdentifierType, IdentifierValue},
    job::{Action, JobId},
    key::IdHash,
    profile::{ProfileId, RequestId},
    time::Time,
};
use efface_engine::{ChunkRun, Deadline};

use super::{
    create_job::{NewJob, head},
    hash, idempotency,
    page::{Page, post_page},
};
use crate::{context::RequestContext, response::store_failed};

/// How long the request itself works on the job before the worker goes on.
const OWN_TIME: Duration = Duration::from_secs(3);

/// The result of a deletion of a profile.
pub(crate) enum ProfileDeletion {
    /// The profile is deleted.
    Done {
        /// The first request with the same key.
        request_id: RequestId,
        /// The job that deleted it.
        job_id: String,
        /// When reads stopped finding it.
        deleted_at: Time,
        /// What was deleted with it.
        erased: Erased,
    },
    /// The job goes on.
    UnderWay(Box<JobStatus>),
}

/// Deletes the profile that an identifier belongs to.
pub(crate) async fn delete(
    cx: &RequestContext<'_>,
    id_type: &IdentifierType,
    value: &IdentifierValue,
) -> Result<ProfileDeletion, ApiError> {
    let own = hash(&cx.access, id_type, value);
    let (request, is_repeated) = idempotency::first_request(cx).await?;
    let job = JobId::of_request(&request);
    let (store, space) = (&cx.app.store, &cx.access.space_id);
    let before = if is_repeated { store.job(space, &job).await.map_err(store_failed)? } else { None };
    if before.is_none() {
        start(cx, &own, &job).await?;
    }
    let ran = run(cx, &job).await;
    if ran != Some(ChunkRun::Completed)
        && let Err(error) = cx.app.engine.send_dispatch(space, &job).await
    {
        tracing::warn!(%error, job_id = %job, "the job waits for the reconciler");
    }
    let status = store.job(space, &job).await.map_err(store_failed)?.ok_or(ApiError::Unavailable)?;
    result(cx, &own, request, status).await
}

/// Creates the job, where there is a profile.
async fn start(cx: &RequestContext<'_>, own: &IdHash, job: &JobId) -> Result<(), ApiError> {
    let (store, space) = (&cx.app.store, &cx.access.space_id);
    let found = store.identifier(space, own).await.map_err(store_failed)?;
    let profile = found.and_then(|found| found.active_profile()).ok_or(ApiError::ProfileNotFound)?;
    store.whole(space, &profile).await.map_err(store_failed)?.ok_or(ApiError::ProfileNotFound)?;
    let new = NewJob { action: Action::DeleteProfile, dry_run: false, group: None, open: false, max_deletions: None };
    let profile_id = Some(profile.as_str().to_owned());
    let head = JobHead { single: true, profile_id, ..head(cx, &new, job) };
    let page = Page::of_profile(&cx.access, own.clone());
    post_page(cx, job, 0, &page, true).await?;
    // Where the job exists already, the same request was sent twice at the same time.
    store.create_job(space, &head, Some(&page.stored(0))).await.map_err(store_failed).map(drop)
}

/// Carries the job out for a few seconds. The worker does the rest.
async fn run(cx: &RequestContext<'_>, job: &JobId) -> Option<ChunkRun> {
    let id = ChunkId { page: 0, chunk: 0, attempt: 0 };
    let work = cx.app.engine.run_chunk(&cx.access.space_id, job, id, Deadline::after(OWN_TIME));
    match tokio::time::timeout(2 * OWN_TIME, Box::pin(work)).await {
        Ok(Ok(ran)) => Some(ran),
        Ok(Err(error)) => {
            tracing::warn!(%error, job_id = %job, "the worker goes on with the job");
            None
        }
        Err(_) => None,
    }
}

async fn result(
    cx: &RequestContext<'_>,
    own: &IdHash,
    request_id: RequestId,
    status: JobStatus,
) -> Result<ProfileDeletion, ApiError> {
    if status.progress.remaining() > 0 || status.progress.counts.failed > 0 {
        return Ok(ProfileDeletion::UnderWay(Box::new(status)));
    }
    if status.progress.counts.deleted == 0 {
        // Another request deleted it after we had found it.
        return Err(ApiError::ProfileNotFound);
    }
    let root = erased_root(cx, own, &status.head).await?;
    let (deleted_at, erased) = root.ok_or(ApiError::ProfileNotFound)?;
    Ok(ProfileDeletion::Done { request_id, job_id: status.head.job_id, deleted_at, erased })
}

/// What the job wrote on the root of the profile that it deleted. That is the profile that the identifier belonged to
/// when the job was created or, where it was merged or created anew in between, when it was deleted.
async fn erased_root(cx: &RequestContext<'_>, own: &IdHash, job: &JobHead) -> Result<Option<(Time, Erased)>, ApiError> {
    let found = cx.app.store.identifier(&cx.access.space_id, own).await.map_err(store_failed)?;
    for profile in [job.profile_id.clone(), found.map(|found| found.profile_id)].into_iter().flatten() {
        if let Some(erased) = erased(cx, &profile, job).await? {
            return Ok(Some(erased));
        }
    }
    Ok(None)
}

async fn erased(cx: &RequestContext<'_>, member: &str, job: &JobHead) -> Result<Option<(Time, Erased)>, ApiError> {
    let (store, space) = (&cx.app.store, &cx.access.space_id);
    let Ok(member) = ProfileId::parse(member) else { return Ok(None) };
    let head = store.head(space, &member).await.map_err(store_failed)?;
    let root = match head.as_ref().and_then(|head| ProfileId::parse(&head.root).ok()) {
        Some(root) if root != member => store.head(space, &root).await.map_err(store_failed)?,
        _ => head,
    };
    let root = root.filter(|root| root.job_id.as_ref() == Some(&job.job_id));
    Ok(root.and_then(|root| root.deleted_at.zip(root.erased)))
}
