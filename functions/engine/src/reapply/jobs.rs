//! The jobs that were live when the backup was made. None of them goes on: whoever wants the rest of its rows deleted
//! makes a new job.

use efface_aws::{
    QueueError,
    queue::{Port, Queue, Received},
    store::job::ChunkRecord,
};
use efface_core::{
    job::{
        Control, JobHead, JobId, JobState,
        chunk::{ChunkId, ChunkState},
        plan::Extent,
    },
    space::SpaceId,
};
use futures::future::BoxFuture;

use super::Reapply;
use crate::{
    Error,
    job::{PAGES, next_page},
};

/// Live jobs that are listed at once.
const JOBS: i32 = 100;

impl Reapply {
    /// Cancels the jobs that are not final. They are cancelled once, before the restored table is in use: a later run
    /// leaves its jobs alone.
    pub(super) async fn cancel_jobs(&mut self) -> Result<(), Error> {
        if self.run.jobs_are_cancelled || !self.is_first() {
            return Ok(());
        }
        let mut after = None;
        loop {
            let (jobs, more) = self.to.live_jobs(after, JOBS).await?;
            for job in jobs {
                let (space, job) = job?;
                if self.cancel_job(&space, job).await? {
                    self.run.cancelled_jobs += 1;
                    self.keep_run().await?;
                }
            }
            after = more;
            if after.is_none() {
                break;
            }
        }
        self.run.jobs_are_cancelled = true;
        self.keep_run().await
    }

    /// Cancels a job, if it is there and not final. Whether it was, or would be, cancelled.
    pub(super) async fn cancel_job(&self, space: &SpaceId, job: JobId) -> Result<bool, Error> {
        let status = self.to.job(space, job).await?.filter(|status| !status.head.state.is_final());
        let Some(status) = status else { return Ok(false) };
        if self.asked.is_dry_run {
            return Ok(true);
        }
        self.engine.control_job(space, job, Control::Cancel, None, self.asked.now).await?;
        self.release_chunks(space, &status.head).await?;
        match self.engine.advance_job(space, job, self.asked.now).await? {
            Some(status) if status.head.state == JobState::Cancelled => {
                self.to.retire_job(space, &status.head, None).await?;
                Ok(true)
            }
            _ => Err(Error::contended("the job")),
        }
    }

    /// Takes started chunks back: their workers wrote to the old table, and will never end them in this one.
    async fn release_chunks(&self, space: &SpaceId, head: &JobHead) -> Result<(), Error> {
        let mut from = Some(0);
        while let Some(page) = from {
            let pages = self.to.pages(space, head.job_id, page, PAGES.into()).await?;
            from = next_page(&pages);
            for (page, chunks) in self.to.chunks_of(space, head.job_id, &pages).await? {
                for (chunk, there) in chunks {
                    if there.state != ChunkState::Started {
                        continue;
                    }
                    let id = ChunkId { page, chunk, attempt: there.attempt };
                    let (outcomes, extent) = (there.outcomes.clone(), Extent::default());
                    let record = ChunkRecord { outcomes, next: ChunkState::Waiting, extent };
                    let released = self.to.record_outcomes(space, head, id, &there, &record, self.asked.now).await?;
                    released.ok_or_else(|| Error::contended("the chunk"))?;
                }
            }
        }
        Ok(())
    }
}

/// The queue of an engine that only cancels jobs: nothing is sent for those.
#[derive(Debug)]
pub(super) struct NoQueue;

impl NoQueue {
    pub(super) fn queue() -> Queue {
        Queue::new(Self)
    }
}

fn none<T>() -> Result<T, QueueError> {
    Err(QueueError::Internal("a restored table has no queue".to_owned()))
}

impl Port for NoQueue {
    fn send<'a>(&'a self, _: &'a [String]) -> BoxFuture<'a, Result<Vec<usize>, QueueError>> {
        Box::pin(async { none() })
    }

    fn receive(&self) -> BoxFuture<'_, Result<Vec<Received>, QueueError>> {
        Box::pin(async { none() })
    }

    fn delete<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), QueueError>> {
        Box::pin(async { none() })
    }
}
