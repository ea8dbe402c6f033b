//! Dry runs: what each row would come to, while everything stays as it is.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use efface_aws::{StoreError, store::job::Reserved};
use efface_core::{
    deletion::Identifier,
    id::ProfileId,
    job::{
        Counts, JobId, Outcome, RowRef,
        near_miss::NearMiss,
        plan::{Extent, LISTED_NEAR_MISSES, NearMissRow, Plan},
        row::{Lookup, Row},
    },
    key::IdHash,
    profile::Head,
    space::SpaceId,
    time::Time,
};
use futures::{FutureExt, StreamExt, stream};

use super::Decided;
use crate::{Deadline, Engine, Error, concurrency::MAX};

/// Rows of a page that are planned together. Work that waits takes memory, too.
const PART: usize = 1_000;

/// Members of a merged profile that are looked through at once.
const MEMBERS: usize = 16;

/// Where rows reserve what they would delete, so that other rows of it are duplicates.
#[derive(Debug)]
pub(super) enum Reservations<'a> {
    /// In the table, for a job.
    Table {
        /// The job.
        job: JobId,
        /// Until when they are kept.
        until: Time,
    },
    /// In memory, for one page: what was reserved, and by which row.
    Memory(&'a Mutex<HashMap<String, RowRef>>),
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
    pub async fn plan_page(&self, page: PlanRows<'_>) -> Result<Option<Plan>, Error> {
        let deadline = Deadline::after(page.time);
        let memory = Mutex::default();
        let reservations = Reservations::Memory(&memory);
        let mut counts = Counts::default();
        let mut extent = Extent::default();
        let mut near_misses = Vec::new();
        for (first, rows) in (0_u32..).step_by(PART).zip(page.rows.chunks(PART)) {
            let mut work = Vec::with_capacity(rows.len());
            for (at, row) in (first..).zip(rows) {
                let planned = self.plan_within(page.space, row, RowRef { page: 0, row: at }, &reservations, deadline);
                work.push(planned.map(move |decided| (at, decided)));
            }
            let mut decided = stream::iter(work).buffer_unordered(MAX);
            while let Some((row, decided)) = decided.next().await {
                let Some((outcome, more)) = decided? else { return Ok(None) };
                counts.count(outcome, 1);
                near_misses.extend(more.near_miss().map(|near_miss| NearMissRow { row, code: near_miss.as_str() }));
                extent += more;
            }
            near_misses.sort_unstable_by_key(|near_miss| near_miss.row);
            near_misses.truncate(LISTED_NEAR_MISSES);
        }
        Ok(Some(Plan { near_misses, ..Plan::new(counts.total(), &counts, extent, &self.pricing) }))
    }

    async fn plan_within(
        &self,
        space: &SpaceId,
        row: &Row,
        at: RowRef,
        reservations: &Reservations<'_>,
        deadline: Deadline,
    ) -> Result<Decided, Error> {
        if deadline.is_over() {
            return Ok(None);
        }
        self.concurrency.run(deadline, || self.plan_row(space, row, at, None, reservations)).await.map(Some)
    }

    /// What a row would come to, and what it would remove.
    pub(super) async fn plan_row(
        &self,
        space: &SpaceId,
        row: &Row,
        at: RowRef,
        found: Option<&Identifier>,
        reservations: &Reservations<'_>,
    ) -> Result<(Outcome, Extent), Error> {
        Ok(match row {
            Row::Invalid(_) => (Outcome::Invalid, Extent::default()),
            Row::Profile(own) => self.plan_profile(space, (*own, &[]), at, found, reservations).await?,
            Row::Plan { own, others } => self.plan_profile(space, (*own, others), at, found, reservations).await?,
            Row::ProfileId(profile) => match self.store.active_root(space, *profile).await? {
                Some(root) => self.plan_root(space, &root, at, reservations).await?,
                None => (Outcome::NotFound, Extent::default()),
            },
            Row::Identifier { lookup, target, .. } => {
                let outcome = self.plan_identifier(space, *lookup, *target, at, reservations).await?;
                let identifiers = i64::from(outcome == Outcome::Deleted);
                (outcome, Extent { identifiers, ..Extent::default() })
            }
        })
    }

    async fn plan_profile(
        &self,
        space: &SpaceId,
        (own, others): (IdHash, &[(NearMiss, IdHash)]),
        at: RowRef,
        found: Option<&Identifier>,
        reservations: &Reservations<'_>,
    ) -> Result<(Outcome, Extent), StoreError> {
        let mut profile = found.and_then(Identifier::active_profile);
        if profile.is_none() {
            profile = self.active_profile(space, own).await?;
        }
        let root = match profile {
            Some(profile) => self.store.active_root(space, profile).await?,
            None => None,
        };
        let Some(root) = root else {
            let near_miss = self.near_miss(space, others).await?;
            return Ok((Outcome::NotFound, Extent::of_near_miss(near_miss)));
        };
        self.plan_root(space, &root, at, reservations).await
    }

    async fn plan_root(
        &self,
        space: &SpaceId,
        root: &Head,
        at: RowRef,
        reservations: &Reservations<'_>,
    ) -> Result<(Outcome, Extent), StoreError> {
        if self.reserve(space, &root.root.to_string(), at, reservations).await? == Reserved::OtherRow {
            return Ok((Outcome::Duplicate, Extent::default()));
        }
        Ok((Outcome::Deleted, self.extent(space, root).await?))
    }

    /// The first of these forms that has an active profile.
    async fn near_miss(&self, space: &SpaceId, others: &[(NearMiss, IdHash)]) -> Result<Option<NearMiss>, StoreError> {
        for (near_miss, other) in others {
            if self.active_profile(space, *other).await?.is_some() {
                return Ok(Some(*near_miss));
            }
        }
        Ok(None)
    }

    /// What the deletion of a merged profile would remove.
    async fn extent(&self, space: &SpaceId, root: &Head) -> Result<Extent, StoreError> {
        let mut work = Vec::new();
        for member in root.members() {
            work.push(self.extent_of(space, member));
        }
        let mut extent = Extent { merges: count(root.merged.len()), ..Extent::default() };
        let mut extents = stream::iter(work).buffer_unordered(MEMBERS);
        while let Some(more) = extents.next().await {
            extent += more?;
        }
        Ok(extent)
    }

    async fn extent_of(&self, space: &SpaceId, member: ProfileId) -> Result<Extent, StoreError> {
        let mut extent = Extent::default();
        let mut after = None;
        loop {
            let listed = self.store.list_profile(space, member, after).await?;
            extent.memberships += count(listed.segments.len());
            for (_, found) in self.store.identifiers(space, &listed.identifiers, false).await? {
                extent.identifiers += i64::from(found?.active_profile() == Some(member));
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
        lookup: Lookup,
        target: IdHash,
        at: RowRef,
        reservations: &Reservations<'_>,
    ) -> Result<Outcome, StoreError> {
        if lookup.user_id() == Some(target) {
            return Ok(Outcome::Protected);
        }
        let found = async {
            match lookup {
                Lookup::UserId(hash) | Lookup::Other(hash) => self.active_profile(space, hash).await,
                Lookup::Profile(profile) => Ok(self.store.active_root(space, profile).await?.map(|_| profile)),
            }
        };
        let (found, own) = futures::try_join!(found, self.active_profile(space, target))?;
        let (Some(found), Some(own)) = (found, own) else { return Ok(Outcome::NotFound) };
        if found != own && !self.store.are_merged(space, found, own).await? {
            return Ok(Outcome::NotFound);
        }
        Ok(match self.reserve(space, &target.to_string(), at, reservations).await? {
            Reserved::ThisRow => Outcome::Deleted,
            Reserved::OtherRow => Outcome::Duplicate,
        })
    }

    /// The profile of an active identifier, by a consistent read.
    async fn active_profile(&self, space: &SpaceId, hash: IdHash) -> Result<Option<ProfileId>, StoreError> {
        Ok(self.store.identifier(space, hash).await?.and_then(|found| found.active_profile()))
    }

    async fn reserve(
        &self,
        space: &SpaceId,
        of: &str,
        at: RowRef,
        reservations: &Reservations<'_>,
    ) -> Result<Reserved, StoreError> {
        match reservations {
            Reservations::Table { job, until } => self.store.reserve(space, *job, of, at, *until).await,
            Reservations::Memory(reserved) => {
                let mut reserved = reserved.lock().unwrap_or_else(PoisonError::into_inner);
                let first = *reserved.entry(of.to_owned()).or_insert(at);
                Ok(if first == at { Reserved::ThisRow } else { Reserved::OtherRow })
            }
        }
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
