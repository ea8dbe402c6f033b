//! The profiles that the old table has deleted: what the restored table still has of them is removed, in the order of a
//! deletion. First the head is deleted, then the identifiers, the memberships, their edges, and the traits. So a run that
//! ends anywhere leaves a profile that is deleted, and the next run removes the rest.

use std::collections::BTreeSet;

use efface_aws::{
    StoreError,
    store::{
        Item,
        identifier::TombstoneWrite,
        profile_deletion::{Listed, ProfileDeletion},
        reapply::{OldItem, OldRecord, Over, read_there},
    },
};
use efface_core::{
    deletion::{Actor, Deletion, Identifier, RowActor},
    id::ProfileId,
    key::IdHash,
    profile::{Head, ProfileState},
    reapply::{HeadStep, head_step},
    space::SpaceId,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::{AT_ONCE, Carried, Reapply};
use crate::Error;

impl Reapply {
    pub(super) async fn carry_profile(
        &self,
        space: &SpaceId,
        old: &OldItem,
        head: &Head,
        there: Option<&Item>,
    ) -> Result<Carried, Error> {
        if head.state == ProfileState::Active || self.is_left_to_root(space, head).await? {
            return Ok(Carried::default());
        }
        let restored: Option<Head> = read_there(there, "profile's head")?;
        let ends = head.is_root() && !is_told(head) && !restored.as_ref().is_some_and(is_told);
        let mut carried = self.carry_head(space, old, head, restored.as_ref()).await?;
        carried += self.carry_members(space, head, restored.as_ref(), ends).await?;
        // What was over long ago, by a version that did not note it, did not end now.
        let is_end = ends && (carried != Carried::default() || self.is_under_way(space, head).await?);
        if is_end && !self.asked.is_dry_run {
            // Nobody else ends this deletion: its job does not go on in this table, and the old one is no longer used.
            let deletion = ProfileDeletion { at: self.asked.now, ..deletion_of(space, head)? };
            self.to.set_gone(&deletion, head.profile_id).await?;
        }
        Ok(carried)
    }

    /// Whether a deleted profile is a member of one whose deletion this run ends. The step of its root deals with it
    /// then: all of the merged profile has to be gone before the end is noted.
    async fn is_left_to_root(&self, space: &SpaceId, head: &Head) -> Result<bool, StoreError> {
        if head.is_root() {
            return Ok(false);
        }
        let root = [head.root];
        let (old, restored) = (self.from.heads_of(space, &root), self.to.heads_of(space, &root));
        let (old, restored) = futures::try_join!(old, restored)?;
        let is_deleted = old.first().is_some_and(|root| root.is_root() && root.state == ProfileState::Deleted);
        Ok(is_deleted && !old.iter().chain(&restored).any(is_told))
    }

    /// Has the restored table's head say what that of a deleted profile says, and removes what the profile holds.
    async fn carry_head(
        &self,
        space: &SpaceId,
        old: &OldItem,
        head: &Head,
        restored: Option<&Head>,
    ) -> Result<Carried, Error> {
        let mut carried = Carried::default();
        let deletion = deletion_of(space, head)?;
        let is_copied = head_step(head, restored) == HeadStep::Copy;
        if is_copied && self.copy(old.item.clone(), Over::HeadDeletedAt(deletion.at)).await? {
            carried.profiles += 1;
        }
        carried += self.remove(&deletion, head.profile_id).await?;
        Ok(carried)
    }

    /// Deletes those members of a deleted root that the old table has not deleted yet: its deletion is under way. The
    /// others have steps of their own, unless the deletion `ends` with this one. They keep the deletions that the old
    /// table has of them: of a deletion that was carried out in several runs, the heads have several times.
    async fn carry_members(
        &self,
        space: &SpaceId,
        head: &Head,
        restored: Option<&Head>,
        ends: bool,
    ) -> Result<Carried, Error> {
        let merged = [Some(head), restored].into_iter().flatten().flat_map(|head| &head.merged);
        let members: Vec<ProfileId> = merged.copied().collect::<BTreeSet<_>>().into_iter().collect();
        let mut carried = Carried::default();
        if members.is_empty() {
            return Ok(carried);
        }
        let (old, there) = (self.from.old_heads(space, &members), self.to.heads_of(space, &members));
        let (old, there) = futures::try_join!(old, there)?;
        for member in members {
            let there = there.iter().find(|there| there.profile_id == member);
            carried += match old.get(&member).and_then(deleted_head) {
                Some(_) if !ends => Carried::default(),
                Some((item, head)) => self.carry_head(space, item, head, there).await?,
                None => self.delete_member(&deletion_of(space, head)?, there).await?,
            };
        }
        Ok(carried)
    }

    /// Deletes a member that the old table has not deleted yet, as the deletion of its root does.
    async fn delete_member(&self, deletion: &ProfileDeletion, there: Option<&Head>) -> Result<Carried, Error> {
        let Some(member) = there else { return Ok(Carried::default()) };
        let mut carried = Carried::default();
        if member.state == ProfileState::Active {
            if !self.asked.is_dry_run {
                self.to.start_deletion(deletion, member.profile_id, member.root, None).await?;
            }
            carried.profiles += 1;
        }
        carried += self.remove(deletion, member.profile_id).await?;
        Ok(carried)
    }

    /// Whether the old table still has something of a deleted root: its deletion has not come to its end there.
    async fn is_under_way(&self, space: &SpaceId, head: &Head) -> Result<bool, StoreError> {
        let members: Vec<ProfileId> = head.members().collect();
        let heads = self.from.heads_of(space, &members).await?;
        if heads.iter().any(|head| head.state == ProfileState::Active) {
            return Ok(true);
        }
        for member in members {
            if self.has_something(space, member).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the old table has an active identifier of a profile, a membership, or traits.
    async fn has_something(&self, space: &SpaceId, profile: ProfileId) -> Result<bool, StoreError> {
        let mut after = None;
        loop {
            let part = self.from.list_profile(space, profile, after).await?;
            if !part.segments.is_empty() || part.traits.is_some() {
                return Ok(true);
            }
            for (_, identifier) in self.from.identifiers(space, &part.identifiers, true).await? {
                if identifier?.active_profile() == Some(profile) {
                    return Ok(true);
                }
            }
            after = part.more;
            if after.is_none() {
                return Ok(false);
            }
        }
    }

    /// Removes what a profile's partition lists.
    async fn remove(&self, deletion: &ProfileDeletion, profile: ProfileId) -> Result<Carried, Error> {
        let space = &deletion.space;
        let mut carried = Carried::default();
        let mut after = None;
        loop {
            let part = self.to.list_profile(space, profile, after).await?;
            carried += self.delete_identifiers(deletion, profile, &part.identifiers).await?;
            if !self.asked.is_dry_run {
                self.to.remove_memberships(space, profile, &part.segments).await?;
                self.to.remove_listed(space, profile, &part).await?;
            }
            let Listed { segments, traits, more, .. } = part;
            carried.memberships += i64::try_from(segments.len()).unwrap_or(i64::MAX);
            carried.traits += i64::from(traits.is_some());
            after = more;
            if after.is_none() {
                return Ok(carried);
            }
        }
    }

    /// Deletes those identifiers that are active under a deleted profile: as the old table has deleted them or, where it
    /// has not yet, as the deletion of the profile does.
    async fn delete_identifiers(
        &self,
        deletion: &ProfileDeletion,
        profile: ProfileId,
        listed: &[IdHash],
    ) -> Result<Carried, Error> {
        let mut active: Vec<(IdHash, Identifier)> = Vec::new();
        for (hash, found) in self.to.identifiers(&deletion.space, listed, true).await? {
            let found = found?;
            if found.active_profile() == Some(profile) {
                active.push((hash, found));
            }
        }
        let hashes: Vec<IdHash> = active.iter().map(|(hash, _)| *hash).collect();
        let old = self.from.old_identifiers(&deletion.space, &hashes).await?;
        let mut work = Vec::with_capacity(active.len());
        for (hash, restored) in &active {
            work.push(self.delete_identifier(deletion, profile, *hash, restored, old.get(hash)));
        }
        let deleted: Vec<Carried> = stream::iter(work).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(deleted.into_iter().sum())
    }

    async fn delete_identifier(
        &self,
        deletion: &ProfileDeletion,
        profile: ProfileId,
        hash: IdHash,
        restored: &Identifier,
        old: Option<&OldItem>,
    ) -> Result<Carried, Error> {
        if let Some(old) = old
            && let OldRecord::Identifier(_, identifier) = &old.record
            && let Some(carried) = self.carry_identifier(old, identifier, Some(restored)).await?
        {
            // Whoever writes it first counts it; where nothing is written, the scan of the identifier does.
            return Ok(if self.asked.is_dry_run { Carried::default() } else { carried });
        }
        let mut is_written = true;
        if !self.asked.is_dry_run {
            let tombstone = Deletion {
                space: deletion.space.clone(),
                target: hash,
                profile,
                at: deletion.at,
                token_id: deletion.token_id.clone(),
                actor: Actor::Row(deletion.row.clone()),
                profile_is_deleted: true,
            };
            is_written = self.to.write_tombstone(&tombstone, None).await? == TombstoneWrite::Written;
        }
        Ok(Carried { identifiers: is_written.into(), ..Carried::default() })
    }
}

/// Whether it is noted that all of a deleted profile is gone.
fn is_told(head: &Head) -> bool {
    head.gone_at.is_some()
}

/// A head that the old table has deleted, with its item.
fn deleted_head(old: &OldItem) -> Option<(&OldItem, &Head)> {
    match &old.record {
        OldRecord::Head(_, head) if head.state == ProfileState::Deleted => Some((old, head)),
        _ => None,
    }
}

/// The deletion that a deleted head remembers.
fn deletion_of(space: &SpaceId, head: &Head) -> Result<ProfileDeletion, StoreError> {
    let unreadable = || StoreError::Unreadable("profile's head".to_owned());
    let row = head.job_id.zip(head.job_row).ok_or_else(unreadable)?;
    let (token_id, at) = head.token_id.clone().zip(head.deleted_at).ok_or_else(unreadable)?;
    let row = RowActor { job: row.0, group: head.job_group, row: row.1 };
    Ok(ProfileDeletion { space: space.clone(), row, token_id, at })
}
