//! What became of rows, listed in the order of pages and rows.

use std::collections::BTreeMap;

use efface_core::{
    job::{
        JobId, MAX_PAGE, Outcome, Page, RowRef,
        chunk::{CHUNK_ROWS, Chunk, ChunkId, Outcomes},
        near_miss::NearMiss,
        row::Row,
    },
    rows::{MAX_ROWS, RowFault},
    space::SpaceId,
    time::Time,
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::store::{Store, StoreError};

/// Pages that are read at once where few rows match.
const PAGES: u8 = 100;

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowOutcome {
    /// Its page.
    pub page: u32,
    /// Its number within the page.
    pub row: usize,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it cannot be read, where that is so and its rows are still kept.
    pub fault: Option<RowFault>,
    /// How it would be found, where a dry run did not find it as it is written.
    pub near_miss: Option<NearMiss>,
    /// The row itself, where it finds nothing and the job's rows are still kept.
    pub missing: Option<MissingRow>,
}

/// A row that finds nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingRow {
    /// Which row of its job.
    pub at: RowRef,
    /// What it names.
    pub row: Row,
    /// It had its outcome by then.
    pub decided_by: Time,
}

/// Where a page of the list ended: all up to this row was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeCursor {
    page: u32,
    row: usize,
}

impl OutcomeCursor {
    /// Whether a list can have ended here. Clients send cursors back, and can make them up.
    pub fn is_row(&self) -> bool {
        self.page <= MAX_PAGE && self.row < MAX_ROWS
    }
}

/// A list of outcomes that is being made.
struct List<'a> {
    space: &'a SpaceId,
    job: JobId,
    only: Option<Outcome>,
    start: Option<OutcomeCursor>,
    limit: usize,
    found: Vec<RowOutcome>,
    /// All that matches up to here is in `found`.
    end: Option<OutcomeCursor>,
}

impl Store {
    /// A page of the outcomes of a job's rows, and where to go on. Without a cursor the page is the last: it is looked for
    /// one row further. At `until` it ends with what was found, and goes on looking where nothing was. So no page that has a
    /// cursor is empty.
    pub async fn list_outcomes(
        &self,
        space: &SpaceId,
        job: JobId,
        only: Option<Outcome>,
        start: Option<OutcomeCursor>,
        limit: usize,
        until: Instant,
    ) -> Result<(Vec<RowOutcome>, Option<OutcomeCursor>), StoreError> {
        let mut list = List { space, job, only, start, limit, found: Vec::new(), end: None };
        let mut from = Some(start.map_or(0, |start| start.page));
        let mut at_once: u8 = if only.is_some() { PAGES } else { 1 };
        while let Some(page) = from {
            if !list.found.is_empty() && Instant::now() >= until {
                return Ok((list.found, list.end));
            }
            let pages = self.pages(space, job, page, at_once.into()).await?;
            from = pages.last().filter(|_| pages.len() == usize::from(at_once)).map(|page| page.page + 1);
            let mut chunks = self.chunks_of(space, job, &pages).await?;
            for page in pages {
                let chunks = chunks.remove(&page.page).unwrap_or_default();
                if list.add_page(self, &page, &chunks).await? {
                    return Ok((list.found, list.end));
                }
            }
            at_once = PAGES;
        }
        Ok((list.found, None))
    }
}

impl List<'_> {
    /// Adds the outcomes of a page. Whether the list is full and there are more.
    async fn add_page(
        &mut self,
        store: &Store,
        page: &Page,
        chunks: &BTreeMap<u32, Chunk>,
    ) -> Result<bool, StoreError> {
        let after = self.start.filter(|start| start.page == page.page);
        let first = after.map_or(0, |start| start.row + 1);
        let wants = |outcome| self.only.is_none_or(|only| only == outcome);
        let (wants_faults, wants_missing) = (page.invalid > 0 && wants(Outcome::Invalid), wants(Outcome::NotFound));
        for (number, base) in (0..page.chunks).zip((0..).step_by(CHUNK_ROWS)) {
            if base + CHUNK_ROWS <= first {
                continue;
            }
            let chunk = chunks.get(&number);
            let has_faults = wants_faults && chunk.is_none_or(|chunk| has(&chunk.outcomes, Outcome::Invalid));
            let has_missing = wants_missing && chunk.is_some_and(|chunk| has(&chunk.outcomes, Outcome::NotFound));
            let rows =
                if has_faults || has_missing { store.rows(self.space, self.job, page, number).await? } else { None };
            let outcomes = match (chunk, &rows) {
                (Some(chunk), _) => chunk.outcomes.clone(),
                // A chunk that has not started has the outcomes of its invalid rows.
                (None, Some(rows)) => Outcomes::of(rows),
                (None, None) => continue,
            };
            for (at, outcome) in outcomes.iter() {
                let (row, Some(outcome)) = (base + at, outcome) else { continue };
                if row < first || self.only.is_some_and(|only| only != outcome) {
                    continue;
                }
                if self.found.len() == self.limit {
                    return Ok(true);
                }
                let written = rows.as_ref().and_then(|rows| rows.get(at));
                let (fault, near_miss) = (written.and_then(fault), outcomes.near_miss(at));
                let missing = chunk.zip(written).filter(|_| outcome == Outcome::NotFound);
                let missing = missing.map(|(chunk, row)| MissingRow {
                    at: ChunkId { page: page.page, chunk: number, attempt: 0 }.row(at),
                    row: row.clone(),
                    decided_by: chunk.heartbeat_at,
                });
                self.found.push(RowOutcome { page: page.page, row, outcome, fault, near_miss, missing });
                self.end = Some(OutcomeCursor { page: page.page, row });
            }
        }
        self.end = Some(OutcomeCursor { page: page.page, row: MAX_ROWS - 1 });
        Ok(false)
    }
}

fn fault(row: &Row) -> Option<RowFault> {
    if let Row::Invalid(fault) = row { Some(*fault) } else { None }
}

fn has(outcomes: &Outcomes, wanted: Outcome) -> bool {
    outcomes.iter().any(|(_, outcome)| outcome == Some(wanted))
}
