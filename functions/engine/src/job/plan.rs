//! Dry runs: what each row would come to, while everything stays as it is.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use efface_core::{
    deletion::Identifier,
    job::chunk::Row,
    job::plan::{Extent, Plan},
    job::{Counts, JobId, Outcome},
    key::IdHash,
    profile::ProfileId,
    space::SpaceId,
    time::Time,
};
use futures::{StreamExt, stream};

use crate::{Deadline, Engine, concurrency::MOST, job::chunk::Decided};
use efface_aws::{
    StoreError,
    store::{job::Marked, profile::Head},
};

/// Rows of a page that are planned together.
const PART: usize = 1_000;

/// Members of a whole that are looked through at once.
const MEMBERS: usize = 16;

/// Where rows note what they would take, so that others find it taken.
#[derive(Debug)]
pub(crate) enum Marks<'a> {
    /// In the table, for a job.
    Table {
        /// The job.
        job: &'a JobId,
        /// When.
        now: Time,
    },
    /// In memory, for one page: what was marked, and by which row.
    Memory(&'a Mutex<HashMap<String, String>>),
}

/// A page whose plan is asked for at once.
#[derive(Debug, Clone, Copy)]
pub struct PlanRows<'a> {
    /// The space.
    pub space: &'a SpaceId,
    /// The rows.
    pub rows: &'a [Row],
    /// How long it may take.
    pub time: Duration,
}

impl Engine {
    /// The plan of one page; `None` where there was no time for all of it.
    pub async fn plan_page(&self, page: PlanRows<'_>) -> Result<Option<Plan>, StoreError> {
        let deadline = Deadline::after(page.time);
        let memory = Mutex::default();
        let marks = Marks::Memory(&memory);
        let mut counts = Counts::default();
        let mut extent = Extent::default();
        // Part by part: work that has not begun takes room, too.
        for (first, rows) in (0_usize..).step_by(PART).zip(page.rows.chunks(PART)) {
            let mut work = Vec::with_capacity(rows.len());
            for (at, row) in (first..).zip(rows) {
                work.push(self.plan_within(page.space, row, at.to_string(), &marks, deadline));
            }
            let mut decided = stream::iter(work).buffer_unordered(MOST);
            while let Some(decided) = decided.next().await {
                let Some((outcome, more)) = decided? else { return Ok(None) };
                counts.count(outcome, 1);
                extent += more;
            }
        }
        Ok(Some(Plan::new(counts.total(), &counts, extent)))
    }

    async fn plan_within(
        &self,
        space: &SpaceId,
        row: &Row,
        name: String,
        marks: &Marks<'_>,
        deadline: Deadline,
    ) -> Result<Decided, StoreError> {
        if deadline.is_over() {
            return Ok(None);
        }
        self.concurrency.run(deadline, || self.plan_row(space, row, &name, None, marks)).await.map(Some)
    }

    /// What a row would come to, and what it would take along.
    pub(crate) async fn plan_row(
        &self,
        space: &SpaceId,
        row: &Row,
        name: &str,
        found: Option<&Identifier>,
        marks: &Marks<'_>,
    ) -> Result<(Outcome, Extent), StoreError> {
        match row {
            Row::Invalid(_) => Ok((Outcome::Invalid, Extent::default())),
            Row::Profile(own) => self.plan_profile(space, own, &[], name, found, marks).await,
            Row::Plan { own, others } => self.plan_profile(space, own, others, name, found, marks).await,
            Row::Identifier { lookup, target, .. } => {
                let outcome = self.plan_identifier(space, lookup, target, name, marks).await?;
                let identifiers = i64::from(outcome == Outcome::Deleted);
                Ok((outcome, Extent { identifiers, ..Extent::default() }))
            }
        }
    }

    async fn plan_profile(
        &self,
        space: &SpaceId,
        own: &IdHash,
        others: &[IdHash],
        name: &str,
        found: Option<&Identifier>,
        marks: &Marks<'_>,
    ) -> Result<(Outcome, Extent), StoreError> {
        let mut profile = found.and_then(Identifier::active_profile);
        if profile.is_none() {
            profile = self.active(space, own).await?;
        }
        let whole = match &profile {
            Some(profile) => self.store.whole(space, profile).await?,
            None => None,
        };
        let Some(whole) = whole else {
            let mut other_case = false;
            for other in others {
                other_case = other_case || self.active(space, other).await?.is_some();
            }
            return Ok((Outcome::NotFound, Extent { other_case: other_case.into(), ..Extent::default() }));
        };
        if self.mark(space, &whole.root, name, marks).await? == Marked::OtherRow {
            return Ok((Outcome::Duplicate, Extent::default()));
        }
        Ok((Outcome::Deleted, self.extent(space, &whole).await?))
    }

    /// What the deletion of a whole would take along.
    async fn extent(&self, space: &SpaceId, whole: &Head) -> Result<Extent, StoreError> {
        let count = |n: usize| i64::try_from(n).unwrap_or_default();
        let mut work = Vec::new();
        for member in whole.members() {
            work.push(self.extent_of(space, member));
        }
        let mut extent = Extent { merges: count(whole.merged.len()), ..Extent::default() };
        let mut extents = stream::iter(work).buffer_unordered(MEMBERS);
        while let Some(more) = extents.next().await {
            extent += more?;
        }
        Ok(extent)
    }

    async fn extent_of(&self, space: &SpaceId, member: ProfileId) -> Result<Extent, StoreError> {
        let count = |n: usize| i64::try_from(n).unwrap_or_default();
        let mut extent = Extent::default();
        let mut after = None;
        loop {
            let listed = self.store.list_profile(space, &member, after).await?;
            extent.memberships += count(listed.segments.len());
            let hashes: Vec<&IdHash> = listed.identifiers.iter().collect();
            for hashes in hashes.chunks(100) {
                let found = self.store.identifiers(space, hashes, true).await?;
                let found = found.iter().filter_map(|(_, found)| found.as_ref());
                extent.identifiers +=
                    count(found.filter(|found| found.active_profile().as_ref() == Some(&member)).count());
            }
            after = listed.more;
            if after.is_none() {
                return Ok(extent);
            }
        }
    }

    async fn plan_identifier(
        &self,
        space: &SpaceId,
        lookup: &IdHash,
        target: &IdHash,
        name: &str,
        marks: &Marks<'_>,
    ) -> Result<Outcome, StoreError> {
        if lookup == target {
            return Ok(Outcome::Protected);
        }
        let (found, own) = futures::try_join!(self.active(space, lookup), self.active(space, target))?;
        let (Some(found), Some(own)) = (found, own) else { return Ok(Outcome::NotFound) };
        if found != own && !self.store.are_merged(space, &found, &own).await? {
            return Ok(Outcome::NotFound);
        }
        Ok(match self.mark(space, target.as_str(), name, marks).await? {
            Marked::ThisRow => Outcome::Deleted,
            Marked::OtherRow => Outcome::Duplicate,
        })
    }

    /// The profile of an active identifier, by a consistent read.
    async fn active(&self, space: &SpaceId, hash: &IdHash) -> Result<Option<ProfileId>, StoreError> {
        Ok(self.store.identifier(space, hash).await?.and_then(|found| found.active_profile()))
    }

    async fn mark(&self, space: &SpaceId, of: &str, name: &str, marks: &Marks<'_>) -> Result<Marked, StoreError> {
        match marks {
            Marks::Table { job, now } => self.store.mark(space, job, of, name, *now).await,
            Marks::Memory(marked) => {
                let mut marked = marked.lock().unwrap_or_else(PoisonError::into_inner);
                let first = marked.entry(of.to_owned()).or_insert_with(|| name.to_owned());
                Ok(if first == name { Marked::ThisRow } else { Marked::OtherRow })
            }
        }
    }
}
