//! The jobs that were live when the backup was made. None of them goes on: whoever wants the rest of its rows deleted
//! makes a new job.

use efface_aws::store::job::{ChunkRecord, LiveCursor};
use efface_core::{
    job::{
        Control, JobHead, JobId, JobState,
        chunk::{ChunkId, ChunkState},
        event::Cause,
        plan::Extent,
        state::ControlRequest,
    },
    space::SpaceId,
};

use super::Reapply;
use crate::{Error, job::Pages};

/// Live jobs that are listed at once.
const JOBS: i32 = 100;

impl Reapply {
    /// Cancels the jobs that are not final. They are cancelled once, before the restored table is in use: a later run
    /// leaves its jobs alone.
    pub(super) async fn cancel_jobs(&mut self) -> Result<(), Error> {
        if self.run.jobs_are_cancelled || !self.is_first() {
            return Ok(());
        }
        let mut cursor = Some(LiveCursor::default());
        while let Some(at) = cursor {
            let (jobs, next) = self.to.live_jobs(at, JOBS).await?;
            for live in jobs {
                let live = live?;
                if self.cancel_job(&live.space, live.job).await? {
                    self.run.cancelled_jobs += 1;
                    self.keep_run().await?;
                }
            }
            cursor = next;
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
        let cancel = ControlRequest::own(Control::Cancel, Cause::Operator, self.asked.now);
        self.engine.control_job(space, job, &cancel, None).await?;
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
        let mut pages = Pages::new(&self.engine, space, head.job_id, 0);
        while let Some(group) = pages.next().await? {
            for (page, chunks) in group {
                for (chunk, there) in chunks {
                    if there.state != ChunkState::Started {
                        continue;
                    }
                    let id = ChunkId { page: page.page, chunk, attempt: there.attempt };
                    let (outcomes, extent) = (there.outcomes.clone(), Extent::default());
                    let record = ChunkRecord {
                        outcomes,
                        next: ChunkState::Waiting,
                        extent,
                        findings: Vec::new(),
                        is_alone: true,
                    };
                    let released = self.to.record_outcomes(space, head, id, &there, &record, self.asked.now).await?;
                    released.ok_or_else(|| Error::contended("the chunk"))?;
                }
            }
        }
        Ok(())
    }
}
