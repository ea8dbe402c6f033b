//! Adding members to a segment, and removing them. Each row is a transaction of its own: it checks the gate of the
//! profile's shard, and that the profile is active.

use std::collections::HashMap;

use efface_aws::{StoreError, backoff, store::load::LoadedProfile};
use efface_core::{
    api_error::ApiError, id::ProfileId, job::row::Row, profile::ProfileState, segment::SegmentId, space::SpaceId,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::takes_member;
use crate::{Caller, Engine, Error, job::AdmittedPage};

/// Rows that are dealt with at once.
const AT_ONCE: usize = 32;

/// Which change of a segment's members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Profiles join.
    Add,
    /// Members leave.
    Remove,
}

/// What a change came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// Profiles that joined, or members that left.
    pub changed: usize,
    /// Those that were members already, or were none.
    pub unchanged: usize,
    /// Rows that find no active profile.
    pub not_found: usize,
    /// The profile of each row; `None` where there is none.
    pub profiles: Vec<Option<ProfileId>>,
}

/// What became of a row.
enum RowChange {
    Changed,
    Unchanged,
    NotFound,
    Closed,
}

impl Engine {
    /// Adds the profiles that rows find to a segment, or removes them from it. A request that was cut short can be repeated.
    ///
    /// # Errors
    /// [`ApiError::SegmentNotFound`]; [`ApiError::SegmentDisabled`] where it is disabled, or was meanwhile.
    pub async fn change_members(
        &self,
        caller: &Caller<'_>,
        id: &SegmentId,
        change: Change,
        page: &AdmittedPage,
    ) -> Result<Changed, Error> {
        let space = &caller.access.space_id;
        if !self.segment(space, id).await?.state.takes_members() {
            return Err(ApiError::SegmentDisabled.into());
        }
        let profiles = self.profiles_of(space, page.rows()).await?;
        let mut found: Vec<ProfileId> = profiles.iter().flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        let mut work = Vec::with_capacity(found.len());
        for profile in found {
            work.push(async move { Ok::<_, Error>((profile, self.change_member(caller, id, change, profile).await?)) });
        }
        let rows: Vec<(ProfileId, RowChange)> = stream::iter(work).buffer_unordered(AT_ONCE).try_collect().await?;
        if rows.iter().any(|(_, row)| matches!(row, RowChange::Closed)) {
            return Err(ApiError::SegmentDisabled.into());
        }
        Ok(count(page.rows(), profiles, rows))
    }

    /// The profiles that rows find, in their order.
    async fn profiles_of(&self, space: &SpaceId, rows: &[Row]) -> Result<Vec<Option<ProfileId>>, Error> {
        let mut hashes: Vec<_> = rows.iter().filter_map(Row::lookup).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let found = self.store.identifiers(space, &hashes, true).await?;
        let active = found.into_iter().map(|(hash, found)| Ok((hash, found?.active_profile())));
        let active = active.collect::<Result<HashMap<_, _>, StoreError>>()?;
        let profile = |row: &Row| match row {
            Row::ProfileId(profile) => Some(*profile),
            row => row.lookup().and_then(|hash| active.get(&hash).copied().flatten()),
        };
        Ok(rows.iter().map(profile).collect())
    }

    async fn change_member(
        &self,
        caller: &Caller<'_>,
        id: &SegmentId,
        change: Change,
        profile: ProfileId,
    ) -> Result<RowChange, Error> {
        let (store, space) = (&self.store, &caller.access.space_id);
        let own = LoadedProfile { space, id: profile, now: caller.now };
        let mut pauses = backoff::CONTENDED_LINE.start();
        loop {
            let head = store.head(space, profile).await?.filter(|head| head.state == ProfileState::Active);
            let Some(head) = head else { return Ok(RowChange::NotFound) };
            let is_member = !store.memberships(own, &[id].into()).await?.is_empty();
            if is_member == (change == Change::Add) {
                return Ok(RowChange::Unchanged);
            }
            let mut writes = match change {
                Change::Add => own.join(id).to_vec(),
                Change::Remove => own.leave(id).to_vec(),
            };
            writes.extend(own.touch(head.root));
            if store.try_transact(writes).await? {
                return Ok(RowChange::Changed);
            }
            if !takes_member(store, space, id, profile, caller.now).await? {
                return Ok(RowChange::Closed);
            }
            if !pauses.wait().await {
                return Err(Error::contended("the profile"));
            }
        }
    }
}

/// Adds up what became of rows. Of rows that find the same profile the first one counts, the others come too late.
fn count(rows: &[Row], profiles: Vec<Option<ProfileId>>, changes: Vec<(ProfileId, RowChange)>) -> Changed {
    let mut by_profile: HashMap<_, _> = changes.into_iter().collect();
    let mut counted = Changed::default();
    for (row, profile) in rows.iter().zip(&profiles) {
        let change = profile.and_then(|profile| by_profile.get_mut(&profile));
        match change {
            _ if matches!(row, Row::Invalid(_)) => {}
            Some(change @ RowChange::Changed) => {
                counted.changed += 1;
                *change = RowChange::Unchanged;
            }
            Some(RowChange::Unchanged) => counted.unchanged += 1,
            Some(RowChange::NotFound | RowChange::Closed) | None => counted.not_found += 1,
        }
    }
    let is_found = |profile: &ProfileId| matches!(by_profile.get(profile), Some(RowChange::Unchanged));
    counted.profiles = profiles.into_iter().map(|profile| profile.filter(is_found)).collect();
    counted
}
