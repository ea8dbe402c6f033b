//! Sending a job's chunks: a message for each that has not started or waits, and for those whose worker died. Sending one
//! twice does no harm.

use std::time::Duration;

use efface_aws::{
    metrics::{self, Metric},
    queue::{MAX_DELAY, Pointer, Work},
    store::job::LiveJob,
};
use efface_core::{
    job::{
        JobHead, JobId, JobState, Phase,
        care::{MAX_HOPS, Scan, is_stalled, silent_seconds},
        chunk::{ChunkId, ChunkState},
    },
    space::SpaceId,
    time::Time,
};

use super::{
    pages::{PageChunks, Pages},
    segment::Next,
};
use crate::{Deadline, Engine, Error};

impl Engine {
    /// Sends messages for a job. `hops` is 0, or one more than that of the message that they follow from.
    pub(super) async fn send(
        &self,
        space: &SpaceId,
        job: JobId,
        hops: u32,
        work: impl IntoIterator<Item = Work>,
    ) -> Result<(), Error> {
        self.send_after(Duration::ZERO, space, job, hops, work).await
    }

    /// The same, to be delivered after a delay. Beyond the last hop nothing is sent: the reconciler goes on.
    pub(super) async fn send_after(
        &self,
        delay: Duration,
        space: &SpaceId,
        job: JobId,
        hops: u32,
        work: impl IntoIterator<Item = Work>,
    ) -> Result<(), Error> {
        if hops > MAX_HOPS {
            tracing::warn!("too many messages followed one from another; the reconciler goes on");
            return Ok(());
        }
        let pointer = |work| Pointer { space: space.clone(), job, work, hops };
        let pointers: Vec<Pointer> = work.into_iter().map(pointer).collect();
        Ok(self.queue.send_after(delay, &pointers).await?)
    }

    /// Sends a message for every chunk of a running job that has not started or waits, page by page from `from` on. A chunk
    /// that has started has a worker, or is stalled. When the time is up, a message of its own goes on from there. `redrive` is the redrive that it belongs to: only when all pages
    /// were gone through because of the present one, that is ended.
    pub(super) async fn dispatch(
        &self,
        space: &SpaceId,
        job: JobId,
        (from, redrive): (u32, u32),
        hops: u32,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let Some((mut status, next)) = self.carry_on(space, job, deadline).await? else { return Ok(()) };
        match next {
            // A job that is scheduled is released below.
            Next::Chunks | Next::Later(None) => {}
            Next::Again => return self.send(space, job, hops, [Work::Dispatch { from, redrive }]).await,
            Next::Later(Some(pause)) => {
                let work = [Work::Dispatch { from: 0, redrive }];
                return self.send_after(pause.min(MAX_DELAY), space, job, hops, work).await;
            }
        }
        if self.is_held(space, &status.head).await? {
            return Ok(());
        }
        if status.head.makes_rows() {
            if !self.prepare(space, &status.head, deadline).await? {
                return self.send(space, job, hops, [Work::Dispatch { from, redrive }]).await;
            }
            status.head.phase = Some(Phase::Deleting);
        }
        if status.head.state == JobState::Scheduled {
            // If it is due, a message of its own follows.
            return self.advance_job(space, job, self.clock.now()).await.map(drop);
        }
        if !status.head.state.accepts_chunks() {
            return Ok(());
        }
        let head = status.head;
        let mut pages = Pages::new(self, space, job, from);
        while let Some(from) = pages.position() {
            if deadline.is_over() {
                return self.send(space, job, hops, [Work::Dispatch { from, redrive }]).await;
            }
            if let Some(group) = pages.next().await? {
                self.send_pages(space, &head, group, hops).await?;
            }
        }
        if head.redriving && redrive == head.redrives {
            self.store.end_redrive(space, &head).await?;
        }
        // A job without rows, or whose last chunk was completed meanwhile, has nobody else to complete it.
        let status = self.advance_job(space, job, self.clock.now()).await?;
        if status.is_some_and(|status| Self::has_step(&status)) {
            return self.send(space, job, hops, [Work::Dispatch { from: 0, redrive }]).await;
        }
        Ok(())
    }

    async fn send_pages(
        &self,
        space: &SpaceId,
        head: &JobHead,
        pages: Vec<PageChunks>,
        hops: u32,
    ) -> Result<(), Error> {
        let mut work = Vec::new();
        for (page, started) in pages {
            for chunk in 0..page.chunks {
                let mut id = ChunkId { page: page.page, chunk, attempt: 0 };
                if let Some(there) = started.get(&chunk) {
                    id.attempt = there.attempt;
                    match there.state {
                        ChunkState::Waiting => {}
                        ChunkState::Completed
                            if head.redriving && self.store.redrive_chunk(space, head, id, there).await? =>
                        {
                            id.attempt += 1;
                        }
                        ChunkState::Started | ChunkState::Completed => continue,
                    }
                }
                work.push(Work::Chunk(id));
            }
        }
        self.send(space, head.job_id, hops, work).await
    }

    /// Sends the stalled chunks of a job again: started, not completed, and without a sign of life. How many there were.
    /// Where the time ends, the next run goes on.
    pub(super) async fn requeue_stalled(
        &self,
        LiveJob { space, job, scan }: &LiveJob,
        head: &JobHead,
        now: Time,
        deadline: Deadline,
    ) -> Result<usize, Error> {
        let begun = Scan::resume(*scan, head);
        let mut pages = Pages::new(self, space, *job, begun.page);
        let mut requeued = 0;
        while let Some(group) = pages.next().await? {
            let mut work = Vec::new();
            for (page, chunks) in group {
                let silent = chunks.values().map(|there| silent_seconds(there, now)).max();
                metrics::raise(Metric::OldestChunk, silent.unwrap_or_default());
                for (chunk, there) in chunks.into_iter().filter(|(_, there)| is_stalled(there, now)) {
                    let id = ChunkId { page: page.page, chunk, attempt: there.attempt };
                    if self.store.note_resend(space, *job, id, &there, now).await? {
                        work.push(Work::Chunk(id));
                    }
                }
            }
            requeued += work.len();
            self.send(space, *job, 0, work).await?;
            if deadline.is_over()
                && let Some(page) = pages.position()
            {
                self.store.keep_scan(space, *job, Some(Scan { page, ..begun })).await?;
                return Ok(requeued);
            }
        }
        if scan.is_some() {
            self.store.keep_scan(space, *job, None).await?;
        }
        Ok(requeued)
    }
}
