//! Going through the pages of a job, which may be many, in groups that one run can hold.

use std::collections::{BTreeMap, VecDeque};

use efface_aws::StoreError;
use efface_core::{
    job::{JobId, Page, chunk::Chunk},
    space::SpaceId,
};

use crate::Engine;

/// Pages that are listed at once.
const LISTED: u8 = 100;

/// Chunks of a group, unless its only page has more.
const CHUNKS: u32 = 200;

/// A page, and those of its chunks that have started.
pub(crate) type PageChunks = (Page, BTreeMap<u32, Chunk>);

/// The pages of a job that are still to be looked at.
pub(crate) struct Pages<'a> {
    engine: &'a Engine,
    space: &'a SpaceId,
    job: JobId,
    listed: VecDeque<Page>,
    /// Where to list from next; `None` where all pages are listed.
    next: Option<u32>,
}

impl<'a> Pages<'a> {
    /// A job's pages from this number on.
    pub(crate) fn new(engine: &'a Engine, space: &'a SpaceId, job: JobId, from: u32) -> Self {
        Self { engine, space, job, listed: VecDeque::new(), next: Some(from) }
    }

    /// The number from which to go on later; `None` at the end.
    pub(crate) fn position(&self) -> Option<u32> {
        self.listed.front().map(|page| page.page).or(self.next)
    }

    /// The next pages; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<PageChunks>>, StoreError> {
        if let (true, Some(from)) = (self.listed.is_empty(), self.next) {
            let pages = self.engine.store.pages(self.space, self.job, from, LISTED.into()).await?;
            let is_full = pages.len() == usize::from(LISTED);
            self.next = pages.last().filter(|_| is_full).map(|page| page.page + 1);
            self.listed = pages.into();
        }
        let (mut group, mut chunks) = (Vec::new(), 0);
        while let Some(page) = self.listed.pop_front_if(|page| group.is_empty() || chunks + page.chunks <= CHUNKS) {
            chunks += page.chunks;
            group.push(page);
        }
        if group.is_empty() {
            return Ok(None);
        }
        let mut started = self.engine.store.chunks_of(self.space, self.job, &group).await?;
        let with_chunks = |page: Page| {
            let chunks = started.remove(&page.page).unwrap_or_default();
            (page, chunks)
        };
        Ok(Some(group.into_iter().map(with_chunks).collect()))
    }
}
