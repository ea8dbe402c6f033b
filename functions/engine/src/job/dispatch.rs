//! Sending a job's chunks: a message for each that is not completed. Sending one twice does no harm.

use efface_aws::queue::{Pointer, Work};
use efface_core::{
    job::{
        JobHead, JobId, Page,
        care::is_stalled,
        chunk::{ChunkId, ChunkState},
    },
    space::SpaceId,
    time::Time,
};

use super::{PAGES, next_page};
use crate::{Deadline, Engine, Error};

impl Engine {
    /// Asks for a job's chunks to be sent.
    pub(crate) async fn send_dispatch(&self, space: &SpaceId, job: JobId) -> Result<(), Error> {
        self.send_dispatch_from(space, job, 0).await
    }

    async fn send_dispatch_from(&self, space: &SpaceId, job: JobId, from: u32) -> Result<(), Error> {
        Ok(self.queue.send(&[pointer(space, job, Work::Dispatch { from })]).await?)
    }

    /// Sends a message for every chunk of a running job that is not completed, page by page from `from` on. When the time
    /// is up, a message of its own goes on from there.
    pub async fn dispatch(&self, space: &SpaceId, job: JobId, from: u32, deadline: Deadline) -> Result<(), Error> {
        let Some(status) = self.store.job(space, job).await?.filter(|status| status.head.state.accepts_chunks()) else {
            return Ok(());
        };
        let head = status.head;
        let mut next = Some(from);
        while let Some(page) = next {
            let pages = self.store.pages(space, job, page, PAGES.into()).await?;
            next = next_page(&pages);
            for page in pages {
                if deadline.is_over() {
                    return self.send_dispatch_from(space, job, page.page).await;
                }
                self.send_page(space, &head, &page).await?;
            }
        }
        if head.redriving {
            self.store.end_redrive(space, &head).await?;
        }
        // A job without rows, or whose last chunk was completed meanwhile, has nobody else to complete it.
        self.advance_job(space, job, self.clock.now()).await?;
        Ok(())
    }

    /// Sends the stalled chunks of a job again: started, not completed, and without a sign of life. How many there were.
    pub(super) async fn requeue_stalled(&self, space: &SpaceId, job: JobId, now: Time) -> Result<usize, Error> {
        let mut stalled = Vec::new();
        let mut next = Some(0);
        while let Some(page) = next {
            let pages = self.store.pages(space, job, page, PAGES.into()).await?;
            next = next_page(&pages);
            for (page, chunks) in self.store.chunks_of(space, job, &pages).await? {
                for (chunk, there) in chunks {
                    if is_stalled(&there, now) {
                        let id = ChunkId { page, chunk, attempt: there.attempt };
                        stalled.push(pointer(space, job, Work::Chunk(id)));
                    }
                }
            }
        }
        self.queue.send(&stalled).await?;
        Ok(stalled.len())
    }

    async fn send_page(&self, space: &SpaceId, head: &JobHead, page: &Page) -> Result<(), Error> {
        let started = self.store.chunks(space, head.job_id, page.page).await?;
        let mut pointers = Vec::new();
        for chunk in 0..page.chunks {
            let mut id = ChunkId { page: page.page, chunk, attempt: 0 };
            if let Some(there) = started.get(&chunk) {
                id.attempt = there.attempt;
                if there.state == ChunkState::Completed {
                    if !head.redriving || !self.store.redrive_chunk(space, head, id, there).await? {
                        continue;
                    }
                    id.attempt += 1;
                }
            }
            pointers.push(pointer(space, head.job_id, Work::Chunk(id)));
        }
        Ok(self.queue.send(&pointers).await?)
    }
}

pub(super) fn pointer(space: &SpaceId, job: JobId, work: Work) -> Pointer {
    Pointer { space: space.clone(), job, work }
}
