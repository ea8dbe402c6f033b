//! Making jobs, and adding pages to those that are open.

use std::time::Duration;

use efface_aws::{
    queue::{MAX_DELAY, Pointer, Work},
    store::job::Committed,
};
use efface_core::{
    api_error::ApiError,
    id::RequestId,
    job::{JobHead, JobId, JobState, JobStatus, NewJob},
    space::SpaceId,
};

use super::AdmittedPage;
use crate::{Caller, Engine, Error};

/// Ends the sentence "A job that is … can't be …".
pub const MORE_ROWS: &str = "given more rows";

/// Whether a job was made by this call.
pub(super) enum Made {
    /// Yes; nothing was sent for it yet.
    Now(Box<JobStatus>),
    /// It was there.
    Before(Box<JobStatus>),
}

impl Engine {
    /// Makes the job that a request stands for, unless it is there already, and has it carried out. Where the message gets
    /// lost, the reconciler sends it.
    pub async fn create_job(
        &self,
        caller: &Caller<'_>,
        new: &NewJob,
        page: &AdmittedPage,
        request: RequestId,
    ) -> Result<JobStatus, Error> {
        let space = &caller.access.space_id;
        let status = match self.make_job(caller, new, page, request).await? {
            Made::Before(status) => {
                let version = status.head.version;
                let status = self.judge(caller, *status, None).await?;
                if status.head.version == version {
                    return Ok(status);
                }
                status
            }
            Made::Now(status) => self.judge(caller, *status, None).await?,
        };
        if page.rows().is_empty() && status.head.state == JobState::Queued {
            let status = self.advance_job(space, status.head.job_id, caller.now).await?;
            return Ok(status.ok_or(ApiError::Unavailable)?);
        }
        self.ask_for_dispatch(space, &status.head).await;
        Ok(status)
    }

    /// Makes a job: its chunks first, then everything that counts in one transaction.
    pub(super) async fn make_job(
        &self,
        caller: &Caller<'_>,
        new: &NewJob,
        page: &AdmittedPage,
        request: RequestId,
    ) -> Result<Made, Error> {
        let (store, space) = (&self.store, &caller.access.space_id);
        let job = JobId::of_request(request);
        if request != caller.request
            && let Some(status) = store.job(space, job).await?
        {
            return Ok(Made::Before(Box::new(status)));
        }
        let rows = page.stored(0).rows;
        let head = JobHead::new(new, job, caller.access.token_id.clone(), is_held(caller, new, rows), caller.now);
        let stored = (!page.rows().is_empty()).then(|| page.stored(0));
        self.put_page(space, &head, 0, page, !new.open).await?;
        if !store.create_job(space, &head, stored.as_ref()).await? {
            // Somebody sent the same request at the same time.
            let status = store.job(space, job).await?.ok_or(ApiError::Unavailable)?;
            return Ok(Made::Before(Box::new(status)));
        }
        Ok(Made::Now(Box::new(JobStatus { head, progress: page.stored(0).progress() })))
    }

    /// Asks for the rows of a job that executes a plan to be made.
    pub(super) async fn ask_for_preparation(&self, space: &SpaceId, head: &JobHead) {
        self.ask_for_work(&dispatch_of(space, head), Duration::ZERO).await;
    }

    /// Asks for a job's chunks to be sent, now or when its time comes. Where that is far, or the queue does not take the
    /// message, the reconciler finds the job.
    pub(crate) async fn ask_for_dispatch(&self, space: &SpaceId, head: &JobHead) {
        let pointer = dispatch_of(space, head);
        match (head.state, head.start_at) {
            (JobState::Queued | JobState::Running, _) => self.ask_for_work(&pointer, Duration::ZERO).await,
            (JobState::Scheduled, Some(at)) => {
                // A little more, so that the worker's clock has come so far, too.
                let delay =
                    u64::try_from((at.second() - self.clock.now().second()).max(0) + 2).map(Duration::from_secs);
                if let Some(delay) = delay.ok().filter(|delay| *delay <= MAX_DELAY) {
                    self.ask_for_work(&pointer, delay).await;
                }
            }
            _ => {}
        }
    }

    /// Asks for work on a job, after a delay. Where the queue does not take the message, the reconciler finds the job.
    pub(crate) async fn ask_for_work(&self, pointer: &Pointer, delay: Duration) {
        if let Err(error) = self.queue.send_after(delay, std::slice::from_ref(pointer)).await {
            tracing::warn!(%error, job_id = %pointer.job, "the job waits for the reconciler");
        }
    }

    /// Adds a page to a job under a number of the client's own; the job as it is now. The same page again succeeds,
    /// whatever became of the job since.
    ///
    /// # Errors
    /// [`ApiError::PageConflict`] for other rows under the number, [`ApiError::InvalidState`] where the job takes no pages.
    pub async fn add_page(
        &self,
        caller: &Caller<'_>,
        head: &JobHead,
        number: u32,
        page: &AdmittedPage,
    ) -> Result<JobStatus, Error> {
        let (store, space, job) = (&self.store, &caller.access.space_id, head.job_id);
        let stored = page.stored(number);
        let committed = match store.page(space, job, number).await? {
            Some(there) => Committed::Again(there),
            None if head.state != JobState::Open => Committed::NotOpen,
            None => {
                self.put_page(space, head, number, page, false).await?;
                store.commit_page(space, head, &stored).await?
            }
        };
        let status = store.job(space, job).await?.ok_or(ApiError::JobNotFound)?;
        match committed {
            Committed::Again(there) if there.content != stored.content => Err(ApiError::PageConflict(number).into()),
            Committed::NotOpen => Err(ApiError::InvalidState(status.head.state, MORE_ROWS).into()),
            Committed::Yes | Committed::Again(_) => Ok(status),
        }
    }
}

/// The work of sending a job's chunks, before which its rows are made where it executes a plan.
fn dispatch_of(space: &SpaceId, head: &JobHead) -> Pointer {
    let work = Work::Dispatch { from: 0, redrive: head.redrives };
    Pointer { space: space.clone(), job: head.job_id, work, hops: 0 }
}

/// Whether a new job is held until its rows are added up, with those of its group: that is done when it is there.
pub(crate) fn is_held(caller: &Caller<'_>, new: &NewJob, rows: i64) -> bool {
    let may_exceed = |most: u32| new.group.is_some() || rows > most.into();
    !new.open && !new.dry_run && caller.access.space.approval_over.is_some_and(may_exceed)
}
