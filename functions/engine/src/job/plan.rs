//! Dry runs: what each row would come to, while everything stays as it is.

use std::time::Duration;

use efface_aws::{
    StoreError,
    queue::{Pointer, Work},
    store::job::{LiveJob, Reserved},
};
use efface_core::{
    api_error::ApiError,
    deletion::Identifier,
    id::{ProfileId, RequestId},
    job::{
        JobHead, JobId, JobState, JobStatus, NewJob, Outcome, RowRef,
        chunk::ChunkId,
        finding::Finding,
        near_miss::NearMiss,
        plan::{Extent, LISTED_NEAR_MISSES, NearMissRow, Plan},
        row::{Lookup, Row},
    },
    key::IdHash,
    profile::Head,
    space::SpaceId,
    time::Time,
};
use futures::{StreamExt, stream};

use super::{AdmittedPage, DecidedRow, create::Made, segment::Next};
use crate::{Caller, ChunkRun, Deadline, Engine, Error};

/// Pages of a dry run that a request carries out at most.
const PAGES_AT_ONCE: i32 = 10;

/// Members of a merged profile that are looked through at once.
const MEMBERS: usize = 16;

/// Where the rows of a dry run reserve what they would delete, so that other rows of it are duplicates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reservations {
    /// The job.
    pub(super) job: JobId,
    /// Until when they are kept.
    pub(super) until: Time,
}

impl Engine {
    /// Makes a dry run and carries it out at once, as far as the time goes; then a worker goes on. The job as it is now,
    /// and its plan where it is completed.
    pub async fn plan_at_once(
        &self,
        caller: &Caller<'_>,
        new: &NewJob,
        page: &AdmittedPage,
        request: RequestId,
        time: Duration,
    ) -> Result<(JobStatus, Option<Plan>), Error> {
        let (space, deadline) = (&caller.access.space_id, Deadline::after(time));
        let (Made::Now(status) | Made::Before(status)) = self.make_job(caller, new, page, request).await?;
        let job = status.head.job_id;
        if !status.head.state.is_final() {
            self.carry_out_at_once(space, &status.head, page.stored(0).chunks, deadline).await;
        }
        let status = self.advance_job(space, job, self.clock.now()).await?.ok_or(ApiError::Unavailable)?;
        if status.head.state != JobState::Completed {
            return Ok((status, None));
        }
        let status = self.verified(space, status, deadline).await?;
        let plan = Plan { near_misses: self.near_misses(space, job).await?, ..self.plan(&status) };
        Ok((status, Some(plan)))
    }

    /// Carries out the dry run of a segment, as far as the time goes. The job where it is completed.
    pub(crate) async fn plan_segment_at_once(
        &self,
        space: &SpaceId,
        job: JobId,
        deadline: Deadline,
    ) -> Result<Option<JobStatus>, Error> {
        let Some((status, next)) = self.carry_on(space, job, deadline).await? else { return Ok(None) };
        if status.head.state == JobState::Completed {
            return self.verified(space, status, deadline).await.map(Some);
        }
        if next != Next::Chunks {
            return Ok(None);
        }
        for page in self.store.pages(space, job, 0, PAGES_AT_ONCE).await? {
            for chunk in 0..page.chunks {
                let work = Work::Chunk(ChunkId { page: page.page, chunk, attempt: 0 });
                let pointer = Pointer { space: space.clone(), job, work, hops: 0 };
                if deadline.is_over()
                    || !matches!(Box::pin(self.work(&pointer, deadline)).await, Ok(ChunkRun::Completed))
                {
                    return Ok(None);
                }
            }
        }
        let status =
            self.advance_job(space, status.head.job_id, self.clock.now()).await?.ok_or(ApiError::Unavailable)?;
        if status.head.state != JobState::Completed {
            return Ok(None);
        }
        self.verified(space, status, deadline).await.map(Some)
    }

    /// Carries out the chunks of a job's only page, as far as the time goes. Whatever is left is the worker's, and a failure
    /// is its log's.
    pub(super) async fn carry_out_at_once(&self, space: &SpaceId, head: &JobHead, chunks: u32, deadline: Deadline) {
        for chunk in 0..chunks {
            let work = Work::Chunk(ChunkId { page: 0, chunk, attempt: 0 });
            let pointer = Pointer { space: space.clone(), job: head.job_id, work, hops: 0 };
            let run = if deadline.is_over() { None } else { Some(Box::pin(self.work(&pointer, deadline)).await) };
            if !matches!(run, Some(Ok(ChunkRun::Completed))) {
                return self.ask_for_dispatch(space, head).await;
            }
        }
    }

    /// The plan of a completed dry run.
    pub fn plan(&self, JobStatus { head, progress }: &JobStatus) -> Plan {
        let digest = head.digest.filter(|_| head.verified_at.is_some()).map(|digest| digest.to_string());
        Plan { digest, ..Plan::new(head.action, progress.rows, &progress.counts, progress.extent, &self.pricing) }
    }

    /// A completed job after its outcomes were read again, unless that was done before.
    async fn verified(&self, space: &SpaceId, status: JobStatus, deadline: Deadline) -> Result<JobStatus, Error> {
        if status.head.verified_at.is_some() {
            return Ok(status);
        }
        let job = status.head.job_id;
        let live = LiveJob { space: space.clone(), job, scan: None };
        self.verify(&live, &status, self.clock.now(), deadline).await?;
        Ok(self.store.job(space, job).await?.unwrap_or(status))
    }

    /// The first near misses of a dry run of one page.
    async fn near_misses(&self, space: &SpaceId, job: JobId) -> Result<Vec<NearMissRow>, Error> {
        let mut near_misses = Vec::new();
        for (chunk, there) in self.store.chunks(space, job, 0).await? {
            for at in 0..there.outcomes.rows() {
                let row = ChunkId { page: 0, chunk, attempt: 0 }.row(at).row;
                let near_miss = there.outcomes.near_miss(at);
                near_misses.extend(near_miss.map(|near_miss| NearMissRow { row, code: near_miss.as_str() }));
            }
        }
        near_misses.truncate(LISTED_NEAR_MISSES);
        Ok(near_misses)
    }

    /// What a row would come to, and what it would remove.
    pub(super) async fn plan_row(
        &self,
        space: &SpaceId,
        row: &Row,
        at: RowRef,
        found: Option<&Identifier>,
        reservations: &Reservations,
    ) -> Result<DecidedRow, Error> {
        Ok(match row {
            Row::Invalid(_) => Outcome::Invalid.into(),
            // Only jobs that execute a plan have such rows.
            Row::Planned(_) => Outcome::Failed.into(),
            Row::Profile(own) => self.plan_profile(space, (*own, &[]), at, found, reservations).await?,
            Row::Plan { own, others } => self.plan_profile(space, (*own, others), at, found, reservations).await?,
            Row::ProfileId(profile) => match self.store.active_root(space, *profile).await? {
                Some(root) => self.plan_root(space, &root, at, reservations).await?,
                None => Outcome::NotFound.into(),
            },
            Row::Identifier { lookup, target, .. } => {
                let outcome = self.plan_identifier(space, *lookup, *target, at, reservations).await?;
                let identifiers = i64::from(outcome == Outcome::Deleted);
                DecidedRow { extent: Extent { identifiers, ..Extent::default() }, ..outcome.into() }
            }
        })
    }

    async fn plan_profile(
        &self,
        space: &SpaceId,
        (own, others): (IdHash, &[(NearMiss, IdHash)]),
        at: RowRef,
        found: Option<&Identifier>,
        reservations: &Reservations,
    ) -> Result<DecidedRow, StoreError> {
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
            return Ok(DecidedRow { extent: Extent::of_near_miss(near_miss), ..Outcome::NotFound.into() });
        };
        self.plan_root(space, &root, at, reservations).await
    }

    async fn plan_root(
        &self,
        space: &SpaceId,
        root: &Head,
        at: RowRef,
        reservations: &Reservations,
    ) -> Result<DecidedRow, StoreError> {
        if self.reserve(space, &root.root.to_string(), at, reservations).await? == Reserved::OtherRow {
            return Ok(Outcome::Duplicate.into());
        }
        let found = Some(Finding { root: root.root, version: root.version });
        Ok(DecidedRow { outcome: Outcome::Deleted, extent: self.extent(space, root).await?, found })
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
        reservations: &Reservations,
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
        Reservations { job, until }: &Reservations,
    ) -> Result<Reserved, StoreError> {
        self.store.reserve(space, *job, of, at, *until).await
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
