//! The profiles that the old table has deleted: what the restored table still has of them is removed, in the order of a
//! deletion. First the head is deleted, then the identifiers, the memberships, their edges, and the traits. So a run that
//! ends anywhere leaves a profile that is deleted, and the next run removes the rest.

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
        let restored: Option<Head> = read_there(there, "profile's head")?;
        let mut carried = Carried::default();
        let deletion = match head_step(head, restored.as_ref()) {
            HeadStep::Keep => return Ok(carried),
            step => {
                let deletion = deletion_of(space, head)?;
                if step == HeadStep::Copy && self.copy(old.item.clone(), Over::HeadDeletedAt(deletion.at)).await? {
                    carried.profiles += 1;
                }
                deletion
            }
        };
        carried += self.remove(&deletion, head.profile_id).await?;
        for member in self.undeleted_members(space, head, restored.as_ref()).await? {
            if member.state == ProfileState::Active {
                if !self.asked.is_dry_run {
                    self.to.start_deletion(&deletion, member.profile_id, member.root, None).await?;
                }
                carried.profiles += 1;
            }
            carried += self.remove(&deletion, member.profile_id).await?;
        }
        Ok(carried)
    }

    /// The restored table's heads of those members of a deleted root that the old table has not deleted, or not yet: its
    /// deletion is under way. The others' heads are found by the scan.
    async fn undeleted_members(
        &self,
        space: &SpaceId,
        head: &Head,
        restored: Option<&Head>,
    ) -> Result<Vec<Head>, Error> {
        let merged = |head: &Head| head.merged.iter().copied().collect::<Vec<_>>();
        let mut members = merged(head);
        members.extend(restored.map(merged).unwrap_or_default());
        members.sort_unstable();
        members.dedup();
        for member in self.from.heads_of(space, &members).await? {
            if member.state == ProfileState::Deleted {
                members.retain(|id| *id != member.profile_id);
            }
        }
        Ok(self.to.heads_of(space, &members).await?)
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

/// The deletion that a deleted head remembers.
fn deletion_of(space: &SpaceId, head: &Head) -> Result<ProfileDeletion, StoreError> {
    let unreadable = || StoreError::Unreadable("profile's head".to_owned());
    let row = head.job_id.zip(head.job_row).ok_or_else(unreadable)?;
    let (token_id, at) = head.token_id.clone().zip(head.deleted_at).ok_or_else(unreadable)?;
    let row = RowActor { job: row.0, group: head.job_group, row: row.1 };
    Ok(ProfileDeletion { space: space.clone(), row, token_id, at })
}
