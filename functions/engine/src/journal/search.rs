//! Searches of a space's journal, the newest entries first. They read the journal alone, never the log's files.
//!
//! What an identifier, a job or a request has to do with is found by the index. For all else the packs are read from the end
//! on, a part at a time, so that a page may be empty though the search goes on. Where it is given from when on, the counts
//! of days tell how many entries can fit at all: when so many were seen, the search is over.

use std::{
    collections::BTreeMap,
    ops::{ControlFlow, RangeInclusive},
};

use efface_aws::{Journal, StoreError, journal::DayCounts};
use efface_core::{
    journal::{
        Entry, EntryError, EventId, Noun, Pack,
        counts::Day,
        index::Numbers,
        search::{Criteria, Told},
    },
    key::IdHash,
    space::SpaceId,
    time::Time,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::Error;

/// Packs that a page reads by the index at most, and those that are read at once.
const PACKS: i32 = 20;
const PACKS_AT_ONCE: usize = 4;

/// How many packs the requests of a page without index read, one request after the other. The first one is small: where
/// most entries fit, it is enough.
const PARTS: [i32; 4] = [2, 18, 80, 100];

/// How many entries a page without index looks at before it reads no further packs: 20 full ones.
const LOOKED_AT: usize = 2_000;

/// The most days of which counts are read: one request returns them all.
const MOST_DAYS: i64 = 1_000;

const DAY_MILLIS: i64 = 24 * 3_600 * 1_000;

/// What is searched: the journals of all spaces.
#[derive(Debug, Clone)]
pub struct JournalSearch {
    journal: Journal,
}

/// A page that is asked for.
#[derive(Debug)]
pub struct Search<'a> {
    /// The space.
    pub space: &'a SpaceId,
    /// What is looked for.
    pub criteria: &'a Criteria,
    /// Where the page before ended; `None` for the first page. It must be of the same [criteria](SearchCursor::is_of).
    pub start: Option<SearchCursor>,
    /// The most entries of the page.
    pub limit: usize,
    /// When to begin nothing further.
    pub until: Instant,
    /// The present.
    pub now: Time,
}

/// An entry that was found.
#[derive(Debug)]
pub struct FoundEntry {
    /// Its number, which is its index in the log.
    pub index: u64,
    /// The entry.
    pub entry: Entry,
    /// What its leaf tells.
    pub told: Told,
}

/// A page of what was found, and where to go on; `None` at the end.
pub type FoundPage = (Vec<FoundEntry>, Option<SearchCursor>);

/// Where a page ended. Clients get it, and can make one up: it names no identifier, and leads to nothing but entries of the
/// space, each of which is compared with the criteria.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchCursor {
    /// The digest of the criteria.
    of: String,
    /// Goes on before this number, or before the event with this sort key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    /// How many entries may still fit, of those before the second number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left: Option<(u64, u64)>,
}

impl SearchCursor {
    /// Whether it is of a search for these, and names an event where it names one.
    pub fn is_of(&self, criteria: &Criteria) -> bool {
        // DynamoDB refuses a sort key that is empty or too long.
        let is_sort_key = |event: &String| format!("{}#{event}", Noun::Space).parse::<EventId>().is_ok();
        self.of == criteria.digest() && self.event.as_ref().is_none_or(is_sort_key)
    }
}

/// A page that is being made.
struct Page<'a> {
    criteria: &'a Criteria,
    limit: usize,
    until: Instant,
    found: Vec<FoundEntry>,
}

impl Page<'_> {
    /// Takes an entry, if it fits. Breaks where the page is full.
    fn look_at(&mut self, index: u64, entry: &Entry) -> Result<ControlFlow<()>, Error> {
        let told = entry.told().map_err(unreadable)?;
        if self.criteria.fit(entry, &told) {
            self.found.push(FoundEntry { index, entry: entry.clone(), told });
        }
        Ok(if self.found.len() < self.limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    fn cursor(&self) -> SearchCursor {
        SearchCursor { of: self.criteria.digest(), number: None, event: None, left: None }
    }
}

/// Where a search without index stands.
struct Scan {
    before: u64,
    left: Option<(u64, u64)>,
    /// Where the pack must end that is read next; not known where a client has told to go on.
    end: Option<u64>,
}

impl Scan {
    fn is_over(&self) -> bool {
        self.before == 0 || self.left.is_some_and(|(left, below)| left == 0 && self.before <= below)
    }
}

impl JournalSearch {
    /// A search of this journal.
    pub fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// A page of the entries that fit, the newest first: those of an identifier by their events, all others by their numbers.
    ///
    /// # Errors
    /// [`StoreError`], also where an entry cannot be read.
    pub async fn page(&self, search: Search<'_>) -> Result<FoundPage, Error> {
        let Search { space, criteria, start, limit, until, now } = search;
        let page = Page { criteria, limit, until, found: Vec::new() };
        if let Some(hash) = criteria.identifier {
            return self.of_identifier(space, hash, page, start).await;
        }
        if criteria.job.is_some() || criteria.request.is_some() {
            return self.of_index(space, page, start.and_then(|start| start.number)).await;
        }
        let scan = match start {
            Some(start) => Scan { before: start.number.unwrap_or_default(), left: start.left, end: None },
            None => self.begin(space, criteria, now).await?,
        };
        self.scan(space, page, scan).await
    }

    async fn of_identifier(
        &self,
        space: &SpaceId,
        hash: IdHash,
        mut page: Page<'_>,
        start: Option<SearchCursor>,
    ) -> Result<FoundPage, Error> {
        let before = start.and_then(|start| start.event);
        let noun = Noun::Identifier(hash);
        let (listed, more) = self.journal.entries_before(space, &noun, before, PACKS).await?;
        let packs = listed.iter().map(|(_, number)| self.pack_with(space, *number)).collect::<Vec<_>>();
        let packs: Vec<Pack> = stream::iter(packs).buffered(PACKS_AT_ONCE).try_collect().await?;
        let count = listed.len();
        for (place, ((event, number), pack)) in listed.into_iter().zip(packs).enumerate() {
            let (_, entry) = pack.numbered().find(|(at, _)| *at == number).ok_or_else(lacks_entries)?;
            if page.look_at(number, entry)?.is_break() {
                let is_last = place + 1 == count && more.is_none();
                let next = (!is_last).then(|| SearchCursor { event: Some(event.sort_key()), ..page.cursor() });
                return Ok((page.found, next));
            }
        }
        let next = more.map(|event| SearchCursor { event: Some(event.sort_key()), ..page.cursor() });
        Ok((page.found, next))
    }

    async fn pack_with(&self, space: &SpaceId, number: u64) -> Result<Pack, Error> {
        self.journal.pack_with(space, number).await?.ok_or_else(lacks_entries)
    }

    /// What happened on the days from one to another, both included, that have any entry. One request.
    pub async fn counts_of_days(
        &self,
        space: &SpaceId,
        first: &Day,
        last: &Day,
    ) -> Result<BTreeMap<Day, DayCounts>, Error> {
        Ok(self.journal.days(space, first, last).await?)
    }

    /// The entries of a job or of a request: by the index, whose items name their packs.
    async fn of_index(&self, space: &SpaceId, mut page: Page<'_>, before: Option<u64>) -> Result<FoundPage, Error> {
        if before == Some(0) {
            return Ok((Vec::new(), None));
        }
        let listed = match (page.criteria.job, page.criteria.request) {
            (Some(job), _) => self.journal.job_packs_before(space, job, before, PACKS).await?,
            (None, Some(request)) => self.journal.request_packs_before(space, request, before, PACKS).await?,
            (None, None) => Vec::new(),
        };
        let is_all = i32::try_from(listed.len()).is_ok_and(|count| count < PACKS);
        let mut last = None;
        let mut reads = Vec::new();
        for of in listed {
            reads.push(self.entries(space, of));
        }
        let mut packs = stream::iter(reads).buffered(PACKS_AT_ONCE);
        while let Some(entries) = packs.next().await {
            let (first, entries) = entries?;
            for (number, entry) in
                entries.into_iter().rev().filter(|(number, _)| before.is_none_or(|before| *number < before))
            {
                last = Some(number);
                if page.look_at(number, &entry)?.is_break() {
                    let next = SearchCursor { number: last, ..page.cursor() };
                    return Ok((page.found, Some(next)));
                }
            }
            // The next page begins before this pack, also where all of it was looked at before.
            last = Some(first);
            if page.is_over() {
                break;
            }
        }
        let is_end = is_all && packs.next().await.is_none();
        let next = last.filter(|_| !is_end).map(|number| SearchCursor { number: Some(number), ..page.cursor() });
        Ok((page.found, next))
    }

    /// The number of a pack's first entry, and some of its entries, in order.
    async fn entries(&self, space: &SpaceId, of: Numbers) -> Result<(u64, Vec<(u64, Entry)>), Error> {
        let pack = self.journal.pack(space, of.first).await?.ok_or_else(lacks_entries)?;
        let is_of = |number: &u64| of.numbers.binary_search(number).is_ok();
        let entries =
            pack.numbered().filter(|(number, _)| is_of(number)).map(|(number, entry)| (number, entry.clone()));
        Ok((of.first, entries.collect()))
    }

    /// Where a search without index begins, and how many entries may fit: by the counts of the days, where there is a first
    /// day. Entries that are not counted yet, because their pack is not drained, are looked at beside.
    async fn begin(&self, space: &SpaceId, criteria: &Criteria, now: Time) -> Result<Scan, Error> {
        let head = self.journal.head(space).await?;
        let all = Scan { before: head.n(), left: None, end: Some(head.n()) };
        let Some(days) = days(criteria, now) else { return Ok(all) };
        let counts = self.journal.days(space, days.start(), days.end()).await?;
        let left = counts.values().map(|day| criteria.count(&day.entries)).sum();
        let is_drained = head.undrained().is_empty();
        let last = counts.values().map(|DayCounts { until, .. }| *until).max().unwrap_or_default();
        let before = if is_drained { last.min(head.n()) } else { head.n() };
        Ok(Scan { before, left: Some((left, head.indexed())), end: Some(before) })
    }

    async fn scan(&self, space: &SpaceId, mut page: Page<'_>, mut at: Scan) -> Result<FoundPage, Error> {
        let mut looked_at = 0;
        for part in PARTS {
            if at.is_over() {
                return Ok((page.found, None));
            }
            if looked_at >= LOOKED_AT || (looked_at > 0 && page.is_over()) {
                break;
            }
            let packs = self.journal.packs_before(space, at.before, part).await?;
            if packs.is_empty() {
                return if at.end.is_some() { Err(lacks_entries()) } else { Ok((page.found, None)) };
            }
            for pack in packs {
                if at.end.is_some_and(|end| pack.end() != end) {
                    return Err(lacks_entries());
                }
                at.end = Some(pack.first());
                let entries: Vec<_> = pack.numbered().filter(|(number, _)| *number < at.before).collect();
                looked_at += entries.len();
                for (number, entry) in entries.into_iter().rev() {
                    at.pass(number, page.criteria.is_counted(entry));
                    if page.look_at(number, entry)?.is_break() {
                        return Ok(ended(page, &at));
                    }
                }
            }
        }
        Ok(ended(page, &at))
    }
}

impl Scan {
    /// Goes on before an entry that was looked at, which was counted or not among those that may fit.
    fn pass(&mut self, number: u64, is_counted: bool) {
        self.before = number;
        if let Some((left, below)) = &mut self.left
            && is_counted
            && number < *below
        {
            *left = left.saturating_sub(1);
        }
    }
}

fn ended(page: Page<'_>, at: &Scan) -> FoundPage {
    let cursor = SearchCursor { number: Some(at.before), left: at.left, ..page.cursor() };
    (page.found, (!at.is_over()).then_some(cursor))
}

/// The days whose counts tell how many entries may fit; `None` where they are too many to be read at once.
fn days(criteria: &Criteria, now: Time) -> Option<RangeInclusive<Day>> {
    let from = criteria.from?;
    let span = criteria.to.unwrap_or(now).millis().saturating_sub(from.millis());
    let (first, last) = criteria.days()?;
    (span <= MOST_DAYS * DAY_MILLIS).then_some(first..=last)
}

fn lacks_entries() -> Error {
    StoreError::Unreadable("journal that lacks entries".to_owned()).into()
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn unreadable(error: EntryError) -> Error {
    StoreError::Unreadable(format!("entry of a journal: {error}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_of_days_that_one_request_returns() {
        let time = |text: &str| Some(Time::parse(text).unwrap());
        let now = Time::parse("2026-01-31T12:00:00Z").unwrap();
        for (from, to, expected) in [
            (None, None, None),
            (None, time("2026-01-01T00:00:00Z"), None),
            (time("2026-01-30T23:00:00Z"), None, Some("2026-01-30 to 9999-12-31")),
            (time("2020-01-30T23:00:00Z"), None, None),
            (time("2020-01-30T23:00:00Z"), time("2020-02-01T00:00:00Z"), Some("2020-01-30 to 2020-01-31")),
        ] {
            let criteria = Criteria { from, to, ..Criteria::default() };
            let days = days(&criteria, now).map(|days| format!("{} to {}", days.start(), days.end()));
            assert_eq!(days.as_deref(), expected, "{criteria:?}");
        }
    }

    #[test]
    fn a_scan_is_over_when_all_that_was_counted_was_seen() {
        let mut scan = Scan { before: 10, left: Some((2, 8)), end: None };
        for (number, is_counted, is_over) in [(9, true, false), (8, false, false), (7, true, false), (6, false, false)]
        {
            scan.pass(number, is_counted);
            assert_eq!(scan.is_over(), is_over, "{number}");
        }
        scan.pass(5, true);
        assert!(scan.is_over(), "what was not counted, as 9, did not count");
        assert!(Scan { before: 0, left: None, end: None }.is_over());
        assert!(!Scan { before: 9, left: Some((0, 8)), end: None }.is_over(), "8 was not counted");
    }
}
