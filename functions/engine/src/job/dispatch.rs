//! Sending a job's chunks: a message for each that has no result. Sending one twice does no harm.

use efface_core::{job::JobId, space::SpaceId, time::Time};

use crate::{Deadline, Engine};
use efface_aws::{
    StoreError,
    queue::{ChunkId, Pointer, Work},
    store::job::{ChunkState, JobHead, Page},
};

/// Pages that are listed at once.
const PAGES: i32 = 100;

/// Without a sign of life for so long a worker is dead: its function ends after 30 s (`infra/template.yaml`).
const DEAD_SECONDS: i64 = 75;

impl Engine {
    /// Asks for a job's chunks to be sent. Where the queue does not take it, the reconciler will.
    pub async fn send_dispatch(&self, space: &SpaceId, job: &JobId) -> Result<(), StoreError> {
        self.send_dispatch_from(space, job, 0).await
    }

    async fn send_dispatch_from(&self, space: &SpaceId, job: &JobId, from: u32) -> Result<(), StoreError> {
        let (space, job) = (space.clone(), job.clone());
        self.queue.send(&[Pointer { space, job, work: Work::Dispatch { from } }]).await
    }

    /// Sends a message for every chunk of a running job that has no result, page by page; when time is up, a message of
    /// its own goes on from there.
    pub async fn dispatch(
        &self,
        space: &SpaceId,
        job: &JobId,
        from: u32,
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        let Some(status) = self.store.job(space, job).await?.filter(|status| status.head.state.runs()) else {
            return Ok(());
        };
        let head = status.head;
        let mut next = Some(from);
        while let Some(page) = next {
            let pages = self.store.pages(space, job, page, PAGES).await?;
            next = pages.last().filter(|_| pages.len() == PAGES as usize).map(|page| page.page + 1);
            for page in pages {
                if deadline.is_over() {
                    return self.send_dispatch_from(space, job, page.page).await;
                }
                self.send_page(space, job, &head, &page).await?;
            }
        }
        if head.redriving {
            self.store.end_redrive(space, &head).await?;
        }
        // A job without rows, or whose last result was all that was missing, has nobody else to end it.
        self.store.settle_job(space, job, self.clock.now()).await?;
        Ok(())
    }

    /// Sends the chunks of a job that have begun, are not done, and show no sign of life: their runners have died. How
    /// many there were.
    pub(crate) async fn revive(&self, space: &SpaceId, job: &JobId, now: Time) -> Result<usize, StoreError> {
        let mut dead = Vec::new();
        let mut next = Some(0);
        while let Some(page) = next {
            let pages = self.store.pages(space, job, page, PAGES).await?;
            next = pages.last().filter(|_| pages.len() == PAGES as usize).map(|page| page.page + 1);
            for (page, chunks) in self.store.chunks_of(space, job, &pages).await? {
                for (chunk, there) in chunks {
                    let is_dead = now.second() - there.begun_at.second() >= DEAD_SECONDS;
                    if there.state == ChunkState::Begun && is_dead {
                        let work = Work::Chunk(ChunkId { page, chunk, attempt: there.attempt });
                        dead.push(Pointer { space: space.clone(), job: job.clone(), work });
                    }
                }
            }
        }
        self.queue.send(&dead).await?;
        Ok(dead.len())
    }

    async fn send_page(&self, space: &SpaceId, job: &JobId, head: &JobHead, page: &Page) -> Result<(), StoreError> {
        let begun = self.store.chunks(space, job, page.page).await?;
        let mut pointers = Vec::new();
        for chunk in 0..page.chunks {
            let mut id = ChunkId { page: page.page, chunk, attempt: 0 };
            match begun.get(&chunk) {
                None => {}
                Some(there) => {
                    id.attempt = there.attempt;
                    if there.state == ChunkState::Done {
                        if !head.redriving || self.store.retry_chunk(space, head, id, there).await? == 0 {
                            continue;
                        }
                        id.attempt += 1;
                    }
                }
            }
            pointers.push(Pointer { space: space.clone(), job: job.clone(), work: Work::Chunk(id) });
        }
        self.queue.send(&pointers).await
    }
}
