//! What became of rows, listed in the order of pages and rows.

use std::collections::{BTreeMap, HashMap};

use efface_core::{
    job::chunk::{CHUNK_ROWS, Outcomes, Row},
    job::{JobId, Outcome as RowOutcome},
    rows::RowFault,
    space::SpaceId,
};
use serde::{Deserialize, Serialize};

use super::{Chunk, Page};
use crate::store::{Store, StoreError};

/// Pages that are listed at once.
const PAGES: u8 = 100;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Its page.
    pub page: u32,
    /// Its number within the page.
    pub row: usize,
    /// What became of it.
    pub outcome: RowOutcome,
    /// Why it can't be read, where that is so and not forgotten.
    pub fault: Option<RowFault>,
}

/// Where a page of the list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomePosition {
    page: u32,
    row: usize,
}

impl Store {
    /// A page of the outcomes of a job's rows, and where to go on. It is looked for one row further, so that no page but
    /// the first can be empty.
    pub async fn list_outcomes(
        &self,
        space: &SpaceId,
        job: &JobId,
        only: Option<RowOutcome>,
        start: Option<OutcomePosition>,
        limit: usize,
    ) -> Result<(Vec<Outcome>, Option<OutcomePosition>), StoreError> {
        let mut found = Vec::new();
        let mut from = Some(start.map_or(0, |start| start.page));
        // What is rare is looked for in many pages.
        let at_once: u8 = if only.is_some() { PAGES } else { 1 };
        while let Some(page) = from {
            let pages = self.pages(space, job, page, at_once.into()).await?;
            from = pages.last().filter(|_| pages.len() == usize::from(at_once)).map(|page| page.page + 1);
            let mut states: HashMap<_, _> = self.chunks_of(space, job, &pages).await?.into_iter().collect();
            for page in pages {
                let states = states.remove(&page.page).unwrap_or_default();
                let after = start.filter(|start| start.page == page.page).map(|start| start.row);
                self.outcomes_of_page(space, job, (&page, &states), only, after, limit, &mut found).await?;
                if found.len() > limit {
                    found.truncate(limit);
                    let last = found.last().map(|last| OutcomePosition { page: last.page, row: last.row });
                    return Ok((found, last));
                }
            }
        }
        Ok((found, None))
    }

    #[expect(clippy::too_many_arguments, reason = "a step of the list, and where it stands")]
    async fn outcomes_of_page(
        &self,
        space: &SpaceId,
        job: &JobId,
        (page, states): (&Page, &BTreeMap<u32, Chunk>),
        only: Option<RowOutcome>,
        after: Option<usize>,
        limit: usize,
        found: &mut Vec<Outcome>,
    ) -> Result<(), StoreError> {
        let first = after.map_or(0, |after| after + 1);
        let wants_faults = page.invalid > 0 && only.is_none_or(|only| only == RowOutcome::Invalid);
        for chunk in u32::try_from(first / CHUNK_ROWS).unwrap_or_default()..page.chunks {
            let state = states.get(&chunk);
            if state.is_none() && !wants_faults {
                continue;
            }
            let has_faults = wants_faults && state.is_none_or(|state| has_invalid(&state.outcomes()));
            let rows = if has_faults { self.rows(space, job, page, chunk).await? } else { None };
            let outcomes = state.map(Chunk::outcomes).or_else(|| rows.as_deref().map(Outcomes::of)).unwrap_or_default();
            let base = usize::try_from(chunk).unwrap_or_default() * CHUNK_ROWS;
            for (at, outcome) in outcomes.iter() {
                let (row, Some(outcome)) = (base + at, outcome) else { continue };
                if row < first || only.is_some_and(|only| only != outcome) {
                    continue;
                }
                let fault = match rows.as_ref().and_then(|rows| rows.get(at)) {
                    Some(Row::Invalid(fault)) => Some(*fault),
                    _ => None,
                };
                found.push(Outcome { page: page.page, row, outcome, fault });
                if found.len() > limit {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn has_invalid(outcomes: &Outcomes) -> bool {
    outcomes.iter().any(|(_, outcome)| outcome == Some(RowOutcome::Invalid))
}
