//! Deleting the profiles that names find, which are identifiers without their types. A name is looked up as a `user_id`,
//! then as an `anonymous_id`, and the first that finds anything counts; else as every other type of the space, unless two
//! of them find different profiles.
//!
//! A tombstone is something, too: clients repeat a request to see that everybody is gone, and a name must not find another
//! person then, who has it as an identifier of another type.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use efface_core::{
    api_error::ApiError,
    id::{ProfileId, RequestId},
    identifier::{GROUP_ID, IdentifierType, IdentifierValue, USER_ID},
    job::{JobId, JobState, JobStatus, NewJob, row::Row},
    key::IdHash,
    profile::Head,
    rows::{Name, RowFault},
    space::SpaceId,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::{AdmittedPage, create::Made};
use crate::{Caller, Deadline, Engine, Error, access::Access};

/// The type that is looked up after `user_id`.
const ANONYMOUS_ID: &str = "anonymous_id";

/// Identifiers that are read in one request.
const AT_ONCE: usize = 100;

/// Requests at the same time.
const REQUESTS: usize = 8;

/// Names that are looked up by all other types together.
const NAMES: usize = 1_000;

/// What a name finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// Nothing.
    Nothing,
    /// This identifier, which is deleted.
    Deleted(IdHash),
    /// An active profile, by this identifier.
    Profile(IdHash, ProfileId),
    /// Several profiles.
    Several,
}

impl Engine {
    /// Deletes the profiles that names find, as a job that the request carries out as far as its time goes; then a worker
    /// goes on. The job as it is now.
    pub async fn delete_names(
        &self,
        caller: &Caller<'_>,
        names: &[Name],
        request: RequestId,
        time: Duration,
    ) -> Result<JobStatus, Error> {
        let (space, deadline) = (&caller.access.space_id, Deadline::after(time));
        if request != caller.request
            && let Some(status) = self.store.job(space, JobId::of_request(request)).await?
        {
            return Ok(status);
        }
        let page = AdmittedPage::of_rows(caller.access, self.rows_of(caller.access, names, deadline).await?);
        let (Made::Now(status) | Made::Before(status)) =
            self.make_job(caller, &NewJob::delete_profiles(), &page, request).await?;
        let status = self.judge(caller, *status, None).await?;
        if status.head.state != JobState::Queued {
            return Ok(status);
        }
        self.carry_out_at_once(space, &status.head, page.stored(0).chunks, deadline).await;
        let now = self.clock.now();
        Ok(self.advance_job(space, status.head.job_id, now).await?.ok_or(ApiError::Unavailable)?)
    }

    async fn rows_of(&self, access: &Access, names: &[Name], deadline: Deadline) -> Result<Vec<Row>, Error> {
        let values: Vec<&IdentifierValue> = names.iter().filter_map(|name| name.as_ref().ok()).collect();
        let mut found = self.find_named(access, &values, deadline).await?.into_iter();
        let row = |name: &Name| match name {
            Err(fault) => Row::Invalid(*fault),
            Ok(value) => match found.next() {
                // The row confirms that a deleted one is not there.
                Some(Named::Profile(hash, _) | Named::Deleted(hash)) => Row::Profile(hash),
                Some(Named::Several) => Row::Invalid(RowFault::Ambiguous),
                Some(Named::Nothing) | None => Row::Profile(access.hash(&IdentifierType::user_id(), value)),
            },
        };
        Ok(names.iter().map(row).collect())
    }

    /// What each name finds. After the deadline, a read that fails is not tried again.
    pub async fn find_named(
        &self,
        access: &Access,
        names: &[&IdentifierValue],
        deadline: Deadline,
    ) -> Result<Vec<Named>, Error> {
        let types = &access.space.identifier_types;
        let mut named_so_far = vec![Named::Nothing; names.len()];
        for id_type in [USER_ID, ANONYMOUS_ID].iter().filter_map(|name| types.find(name)) {
            let left = (0..names.len()).filter(|at| named_so_far[*at] == Named::Nothing);
            let left: Vec<(usize, IdHash)> = left.map(|at| (at, access.hash(&id_type, names[at]))).collect();
            let found = self.find(&access.space_id, left.iter().map(|(_, hash)| *hash).collect(), deadline).await?;
            for (at, hash) in left {
                found.get(&hash).inspect(|found| named_so_far[at] = found.named(hash));
            }
        }
        let others = types.all().map(|(name, _)| name).filter(|name| ![USER_ID, ANONYMOUS_ID, GROUP_ID].contains(name));
        let others: Vec<IdentifierType> = others.filter_map(|name| types.find(name)).collect();
        let left: Vec<usize> = (0..names.len()).filter(|at| named_so_far[*at] == Named::Nothing).collect();
        for some in left.chunks(NAMES) {
            let hashes: Vec<Vec<IdHash>> =
                some.iter().map(|at| others.iter().map(|id_type| access.hash(id_type, names[*at])).collect()).collect();
            let found = self.find(&access.space_id, hashes.concat(), deadline).await?;
            let of_name = |hashes: Vec<IdHash>| -> Vec<(IdHash, Found)> {
                hashes.into_iter().filter_map(|hash| Some((hash, *found.get(&hash)?))).collect()
            };
            let found: Vec<_> = hashes.into_iter().map(of_name).collect();
            let roots = self.roots_of_several(&access.space_id, &found, deadline).await?;
            for (at, found) in some.iter().zip(found) {
                named_so_far[*at] = one_of(&found, &roots);
            }
        }
        Ok(named_so_far)
    }

    /// The roots of the profiles of those names that find several.
    async fn roots_of_several(
        &self,
        space: &SpaceId,
        found: &[Vec<(IdHash, Found)>],
        deadline: Deadline,
    ) -> Result<HashMap<ProfileId, ProfileId>, Error> {
        let several = found.iter().map(|found| profiles(found)).filter(|profiles| profiles.len() > 1);
        let several: Vec<ProfileId> = several.flatten().collect::<BTreeSet<_>>().into_iter().collect();
        let heads = several
            .chunks(AT_ONCE)
            .map(|some| self.concurrency.run(deadline, async || Ok(self.store.heads_of(space, some).await?)));
        let heads = heads.collect::<Vec<_>>();
        let heads: Vec<Vec<Head>> = stream::iter(heads).buffer_unordered(REQUESTS).try_collect().await?;
        Ok(heads.into_iter().flatten().map(|head| (head.profile_id, head.root)).collect())
    }

    /// Those of some identifiers that are there, active or deleted, by consistent reads.
    async fn find(
        &self,
        space: &SpaceId,
        mut hashes: Vec<IdHash>,
        deadline: Deadline,
    ) -> Result<HashMap<IdHash, Found>, Error> {
        hashes.sort_unstable();
        hashes.dedup();
        let reads = hashes
            .chunks(AT_ONCE)
            .map(|some| self.concurrency.run(deadline, async || Ok(self.store.identifiers(space, some, true).await?)));
        let reads = reads.collect::<Vec<_>>();
        let read: Vec<Vec<_>> = stream::iter(reads).buffer_unordered(REQUESTS).try_collect().await?;
        let mut found = HashMap::new();
        for (hash, identifier) in read.into_iter().flatten() {
            let identifier = identifier?;
            let is_active = identifier.active_profile().is_some();
            found.insert(hash, Found { profile: identifier.profile_id, is_active });
        }
        Ok(found)
    }
}

/// An identifier that is there.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// The profile that it belongs, or belonged, to.
    profile: ProfileId,
    is_active: bool,
}

/// The profiles of some identifiers.
fn profiles(found: &[(IdHash, Found)]) -> BTreeSet<ProfileId> {
    found.iter().map(|(_, found)| found.profile).collect()
}

/// What identifiers of different types come to; those of one merged profile find that one.
fn one_of(found: &[(IdHash, Found)], roots: &HashMap<ProfileId, ProfileId>) -> Named {
    let of_roots = profiles(found).into_iter().map(|profile| *roots.get(&profile).unwrap_or(&profile));
    let first = found.iter().find(|(_, found)| found.is_active).or(found.first());
    match first {
        _ if of_roots.collect::<BTreeSet<_>>().len() > 1 => Named::Several,
        Some((hash, found)) => found.named(*hash),
        None => Named::Nothing,
    }
}

impl Found {
    fn named(self, hash: IdHash) -> Named {
        if self.is_active { Named::Profile(hash, self.profile) } else { Named::Deleted(hash) }
    }
}
