//! Deleting one profile, as a request asks for it: a job of one row, carried out at once, so that a crash anywhere is
//! finished by the worker.

use std::time::Duration;

use efface_aws::queue::{Pointer, Work};
use efface_core::{
    api_error::ApiError,
    id::ProfileId,
    job::{JobHead, JobId, JobStatus, NewJob, chunk::ChunkId},
    key::IdHash,
    profile::{DeletionCounts, Head},
    time::Time,
};

use crate::{Caller, ChunkRun, Deadline, Engine, Error, idempotency::KeyedRequest, job::AdmittedPage};

/// How long the request carries the deletion out itself before the worker goes on with it.
const OWN_TIME: Duration = Duration::from_secs(3);

/// The work of a job of one row.
const ONLY_CHUNK: Work = Work::Chunk(ChunkId { page: 0, chunk: 0, attempt: 0 });

/// What the deletion of a profile came to.
#[derive(Debug)]
pub enum DeletedProfile {
    /// The profile is deleted.
    Done {
        /// The job that deleted it.
        job: JobId,
        /// When reads found it no more.
        deleted_at: Time,
        /// When all of it was gone.
        gone_at: Option<Time>,
        /// What was removed.
        counts: DeletionCounts,
    },
    /// The profile will be deleted: this job goes on. As soon as it has started, reads find the profile no more.
    Goes(Box<JobStatus>),
}

impl Engine {
    /// Deletes the profile that an identifier finds. A repeated request has the same result, also if the person has come
    /// back since.
    ///
    /// # Errors
    /// [`ApiError::ProfileNotFound`], [`ApiError::IdempotencyConflict`], or a failure of the store.
    pub async fn delete_profile(
        &self,
        caller: &Caller<'_>,
        own: IdHash,
        keyed: Option<KeyedRequest<'_>>,
    ) -> Result<DeletedProfile, Error> {
        let space = &caller.access.space_id;
        let (request, is_repeated) = self.resolve(caller, keyed).await?;
        let job = JobId::of_request(request);
        let before = if is_repeated { self.store.job(space, job).await? } else { None };
        if before.is_none() {
            self.create_profile_job(caller, own, job).await?;
        }
        let pointer = Pointer { space: space.clone(), job, work: ONLY_CHUNK, hops: 0 };
        if self.run_at_once(&pointer).await.is_none() {
            self.ask_for_work(&pointer, Duration::ZERO).await;
        }
        let status = self.store.job(space, job).await?.ok_or(ApiError::Unavailable)?;
        self.deleted_profile(caller, own, status).await
    }

    /// Makes the job, where there is a profile.
    async fn create_profile_job(&self, caller: &Caller<'_>, own: IdHash, job: JobId) -> Result<(), Error> {
        let space = &caller.access.space_id;
        let found = self.store.identifier(space, own).await?;
        let profile = found.and_then(|found| found.active_profile()).ok_or(ApiError::ProfileNotFound)?;
        self.store.active_root(space, profile).await?.ok_or(ApiError::ProfileNotFound)?;
        let new = NewJob { profile_id: Some(profile), ..NewJob::delete_profiles() };
        // It needs no approval: whoever asks for one profile has looked at it.
        let head = JobHead::new(&new, job, caller.access.token_id.clone(), false, caller.now);
        let page = AdmittedPage::of_profile(caller.access, own);
        self.put_page(space, &head, 0, &page, true).await?;
        // Where the job is there already, somebody sent the same request at the same time.
        self.store.create_job(space, &head, Some(&page.stored(0))).await?;
        Ok(())
    }

    /// Carries the job out as far as that goes; whatever is left is the worker's. `None` where no message points at it.
    async fn run_at_once(&self, pointer: &Pointer) -> Option<ChunkRun> {
        let work = self.work(pointer, Deadline::after(OWN_TIME));
        match tokio::time::timeout(2 * OWN_TIME, Box::pin(work)).await {
            Ok(Ok(run)) => Some(run),
            Ok(Err(error)) => {
                tracing::warn!(%error, job_id = %pointer.job, "the worker goes on with the deletion");
                None
            }
            Err(_) => None,
        }
    }

    async fn deleted_profile(
        &self,
        caller: &Caller<'_>,
        own: IdHash,
        status: JobStatus,
    ) -> Result<DeletedProfile, Error> {
        if status.progress.remaining() > 0 || status.progress.counts.failed > 0 {
            return Ok(DeletedProfile::Goes(Box::new(status)));
        }
        if status.progress.counts.deleted == 0 {
            // Somebody else deleted the profile in between.
            return Err(ApiError::ProfileNotFound.into());
        }
        // The profile that the identifier found when the job was made; or, where that one was merged or made anew before
        // it was deleted, the one that the identifier belonged to then.
        let found = self.store.identifier(&caller.access.space_id, own).await?;
        let members = [status.head.profile_id, found.map(|found| found.profile_id)];
        for member in members.into_iter().flatten() {
            if let Some(root) = self.deletion_of(caller, member, &status.head).await?
                && let Some((deleted_at, counts)) = root.deleted_at.zip(root.deletion_counts)
            {
                let (job, gone_at) = (status.head.job_id, root.gone_at);
                return Ok(DeletedProfile::Done { job, deleted_at, gone_at, counts });
            }
        }
        Err(ApiError::ProfileNotFound.into())
    }

    /// The root of the profile that the job deleted.
    async fn deletion_of(&self, caller: &Caller<'_>, member: ProfileId, job: &JobHead) -> Result<Option<Head>, Error> {
        let root = self.store.root(&caller.access.space_id, member).await?;
        Ok(root.filter(|root| root.job_id == Some(job.job_id)))
    }
}
