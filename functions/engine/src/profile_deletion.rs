//! Deleting a profile, as a row of a job does it.
//!
//! The order makes it safe to be cut short anywhere. First the heads are set to deleted: from then on reads find
//! nothing and nothing can be added. Then everything that the profile's partitions list is removed. The row's own
//! identifier goes last, where the row names one, and then the root's head notes that the profile is gone.

use std::collections::BTreeSet;

use efface_aws::{
    StoreError,
    store::{
        identifier::TombstoneWrite,
        keys::PROFILE_HEAD,
        profile_deletion::{Listed, ProfileDeletion, StartedDeletion},
    },
};
use efface_core::{
    deletion::{Actor, DeletedBy, Deletion},
    id::ProfileId,
    job::{Outcome, finding::Finding},
    key::IdHash,
    profile::{DeletionCounts, DeletionCursor, Head, ProfileState},
    profile_deletion::{HeadStep, ProfileStep, decide_head, decide_planned, decide_profile},
};
use futures::{StreamExt, TryStreamExt, future::try_join_all, stream};

use crate::{
    Engine, Error,
    job::{Begun, ReadAhead, Run},
};

/// Members of a merged profile, and identifiers, that are dealt with at once.
const AT_ONCE: usize = 16;

/// A row finds the root in two steps, and in two more where a merge happens meanwhile.
const STARTS: usize = 4;

/// The root of the profile that a row is to delete.
enum Root {
    /// This row has set it to deleted, now or in an earlier run.
    Deleted(Box<Head>),
    /// Another actor has, or there is none: the row has this outcome.
    NotOurs(Outcome),
}

impl Engine {
    /// Deletes the profile that an identifier belongs to. `None` where the time was up before it was done: the next run
    /// of the row goes on.
    pub(crate) async fn delete_profile_row(
        &self,
        run: &Run,
        row: usize,
        own: IdHash,
        ahead: ReadAhead<'_>,
    ) -> Result<Option<Outcome>, Error> {
        let deletion = self.profile_deletion(run, row);
        let found = match ahead {
            ReadAhead::Fresh(found) => found.cloned(),
            ReadAhead::Unread => self.store.identifier(&run.space, own).await?,
        };
        let root = match decide_profile(found.as_ref(), &deletion.row, run.is_first) {
            ProfileStep::Decided(outcome) => return Ok(Some(outcome)),
            ProfileStep::Finish(profile) => {
                if let Root::Deleted(root) = self.started_root(&deletion, profile).await? {
                    self.store.set_gone(&deletion, root.root).await?;
                }
                return Ok(Some(Outcome::Deleted));
            }
            ProfileStep::Start(profile) => self.start_at_root(&deletion, profile).await?,
            ProfileStep::Resume(profile) => self.started_root(&deletion, profile).await?,
        };
        let own = found.map(|found| (own, found.profile_id));
        self.delete_root(run, &deletion, root, own).await
    }

    /// Deletes the profile with this id, or that it was merged into. It may have no active identifier.
    pub(crate) async fn delete_profile_id_row(
        &self,
        run: &Run,
        row: usize,
        profile: ProfileId,
    ) -> Result<Option<Outcome>, Error> {
        let deletion = self.profile_deletion(run, row);
        let root = self.start_at_root(&deletion, profile).await?;
        self.delete_root(run, &deletion, root, None).await
    }

    /// Deletes a profile that a plan found, if nothing was added to it and it was not merged since.
    pub(crate) async fn delete_planned_row(
        &self,
        run: &Run,
        row: usize,
        Finding { root, version }: Finding,
    ) -> Result<Option<Outcome>, Error> {
        let deletion = self.profile_deletion(run, row);
        let started = match self.store.start_deletion(&deletion, root, root, Some(version)).await? {
            StartedDeletion::Now(head) => Root::Deleted(head),
            StartedDeletion::Not(head) => match decide_planned(head.as_deref(), &deletion.row) {
                HeadStep::Decided(outcome) => Root::NotOurs(outcome),
                _ => head.map_or(Root::NotOurs(Outcome::NotFound), Root::Deleted),
            },
        };
        self.delete_root(run, &deletion, started, None).await
    }

    /// Finishes what an earlier run of a row has begun that names the profile by an identifier, and begins nothing.
    pub(crate) async fn finish_profile_row(&self, run: &Run, row: usize, own: IdHash) -> Result<Begun, Error> {
        let deletion = self.profile_deletion(run, row);
        let found = self.store.identifier(&run.space, own).await?;
        let ProfileStep::Start(profile) = decide_profile(found.as_ref(), &deletion.row, run.is_first) else {
            return Ok(self.delete_profile_row(run, row, own, ReadAhead::Fresh(found.as_ref())).await?.into());
        };
        self.finish_root(run, &deletion, profile, found.map(|found| (own, found.profile_id))).await
    }

    /// The same for a row that names the profile by its own id.
    pub(crate) async fn finish_profile_id_row(
        &self,
        run: &Run,
        row: usize,
        profile: ProfileId,
    ) -> Result<Begun, Error> {
        self.finish_root(run, &self.profile_deletion(run, row), profile, None).await
    }

    async fn finish_root(
        &self,
        run: &Run,
        deletion: &ProfileDeletion,
        profile: ProfileId,
        own: Option<(IdHash, ProfileId)>,
    ) -> Result<Begun, Error> {
        match self.started_root(deletion, profile).await? {
            root @ Root::Deleted(_) => Ok(self.delete_root(run, deletion, root, own).await?.into()),
            Root::NotOurs(_) => Ok(Begun::Nothing),
        }
    }

    /// Deletes what a root whose deletion has started holds. `own` is the row's own identifier and its profile.
    async fn delete_root(
        &self,
        run: &Run,
        deletion: &ProfileDeletion,
        root: Root,
        own: Option<(IdHash, ProfileId)>,
    ) -> Result<Option<Outcome>, Error> {
        let root = match root {
            Root::Deleted(root) => root,
            Root::NotOurs(outcome) => return Ok(Some(outcome)),
        };
        if !MergedProfileDeletion::new(self, run, deletion, &root, own.map(|(own, _)| own)).run().await? {
            return Ok(None);
        }
        if let Some((own, profile)) = own {
            self.store.write_tombstone(&tombstone(deletion, own, profile), None).await?;
        }
        self.store.set_gone(&ProfileDeletion { at: self.clock.now(), ..deletion.clone() }, root.root).await?;
        Ok(Some(Outcome::Deleted))
    }

    fn profile_deletion(&self, run: &Run, row: usize) -> ProfileDeletion {
        let (space, token_id) = (run.space.clone(), run.head.token_id.clone());
        ProfileDeletion { space, row: run.actor(row), token_id, at: self.clock.now() }
    }

    /// Sets the root that a profile belongs to to deleted.
    async fn start_at_root(&self, deletion: &ProfileDeletion, mut profile: ProfileId) -> Result<Root, Error> {
        for _ in 0..STARTS {
            let head = match self.store.start_deletion(deletion, profile, profile, None).await? {
                StartedDeletion::Now(head) => return Ok(Root::Deleted(head)),
                StartedDeletion::Not(None) => return Ok(Root::NotOurs(Outcome::NotFound)),
                StartedDeletion::Not(Some(head)) => head,
            };
            match decide_head(&head, &deletion.row) {
                HeadStep::StartAt(root) => profile = root,
                HeadStep::Again => {}
                HeadStep::Resume => return Ok(Root::Deleted(head)),
                HeadStep::Decided(outcome) => return Ok(Root::NotOurs(outcome)),
            }
        }
        Err(Error::contended("the profile"))
    }

    /// The root that an earlier run of this row has set to deleted.
    async fn started_root(&self, deletion: &ProfileDeletion, profile: ProfileId) -> Result<Root, Error> {
        let root = self.store.root(&deletion.space, profile).await?;
        let is_own = |root: &Head| {
            root.is_root()
                && root.state == ProfileState::Deleted
                && root.deleted_by(&deletion.row) == DeletedBy::ThisRow
        };
        Ok(root.filter(is_own).map_or(Root::NotOurs(Outcome::NotFound), |root| Root::Deleted(Box::new(root))))
    }
}

/// The deletion of an identifier of a profile whose own deletion has started.
fn tombstone(deletion: &ProfileDeletion, target: IdHash, profile: ProfileId) -> Deletion {
    Deletion {
        space: deletion.space.clone(),
        target,
        profile,
        at: deletion.at,
        token_id: deletion.token_id.clone(),
        actor: Actor::Row(deletion.row.clone()),
        profile_is_deleted: true,
    }
}

/// The removal of what a merged profile holds, whose root is set to deleted. It goes on from where an earlier run ended,
/// and where the time ends keeps a cursor on the root's head.
struct MergedProfileDeletion<'a> {
    engine: &'a Engine,
    run: &'a Run,
    deletion: &'a ProfileDeletion,
    root: &'a Head,
    /// The row's own identifier, which goes last.
    own: Option<IdHash>,
    counts: DeletionCounts,
    /// What was listed of each member: memberships and traits are removed when all identifiers are deleted.
    listed: Vec<(ProfileId, Listed)>,
}

impl<'a> MergedProfileDeletion<'a> {
    fn new(
        engine: &'a Engine,
        run: &'a Run,
        deletion: &'a ProfileDeletion,
        root: &'a Head,
        own: Option<IdHash>,
    ) -> Self {
        let first = DeletionCounts { external_ids: i64::from(own.is_some()), ..DeletionCounts::default() };
        let counts = root.deletion_counts.unwrap_or(first);
        Self { engine, run, deletion, root, own, counts, listed: Vec::new() }
    }

    /// Removes everything but the row's own identifier. Whether it was done in time.
    async fn run(mut self) -> Result<bool, Error> {
        let members: Vec<ProfileId> = self.root.members().collect();
        let is_counted = self.root.deletion_cursor == Some(DeletionCursor::Counted);
        let keeps_cursor = members.len() > AT_ONCE && !is_counted;
        for (group, first) in members.chunks(AT_ONCE).zip((0..).step_by(AT_ONCE)) {
            if !self.delete_identifiers(group, first).await? {
                return Ok(false);
            }
            let end = first + group.len();
            let is_over = self.run.deadline.is_over();
            if keeps_cursor && (is_over || end == members.len()) {
                self.keep_cursor(DeletionCursor::After(end - 1, PROFILE_HEAD.to_owned())).await?;
            }
            if keeps_cursor && is_over {
                return Ok(false);
            }
        }
        if !self.remove_memberships().await? {
            return Ok(false);
        }
        self.keep_counts().await?;
        Ok(self.remove_listed().await?)
    }

    /// Deletes the identifiers of some members, which are numbered from `first`. Whether it was done in time.
    async fn delete_identifiers(&mut self, group: &[ProfileId], first: usize) -> Result<bool, Error> {
        let mut listing = Vec::with_capacity(group.len());
        for (member, number) in group.iter().zip(first..) {
            listing.push(self.start_and_list(*member, self.list_after(number)));
        }
        let parts = try_join_all(listing).await?;
        // Members that are listed to their end are dealt with together, others part by part.
        let ended = group.iter().copied().zip(&parts).filter(|(_, part)| part.more.is_none());
        self.counts.external_ids += self.write_tombstones(ended).await?;
        for ((member, part), number) in group.iter().zip(parts).zip(first..) {
            if !self.page_through(*member, number, part).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Deletes the identifiers of a member that is listed in more than one part, and keeps a cursor after each.
    async fn page_through(&mut self, member: ProfileId, number: usize, mut part: Listed) -> Result<bool, Error> {
        while let Some(after) = part.more.clone() {
            self.counts.external_ids += self.write_tombstones([(member, &part)]).await?;
            if !part.identifiers.is_empty() {
                self.keep_cursor(DeletionCursor::After(number, after.clone())).await?;
            }
            self.listed.push((member, part));
            if self.run.deadline.is_over() {
                return Ok(false);
            }
            part = self.engine.store.list_profile(&self.run.space, member, Some(after)).await?;
            if part.more.is_none() {
                self.counts.external_ids += self.write_tombstones([(member, &part)]).await?;
            }
        }
        self.listed.push((member, part));
        Ok(true)
    }

    /// Where to list a member from: identifiers that an earlier run deleted are left out, what sorts after the head never
    /// is.
    fn list_after(&self, member: usize) -> Option<String> {
        match &self.root.deletion_cursor {
            Some(DeletionCursor::After(at, key)) if *at == member => Some(key.clone()),
            Some(DeletionCursor::After(at, _)) if member < *at => Some(PROFILE_HEAD.to_owned()),
            Some(DeletionCursor::Counted) => Some(PROFILE_HEAD.to_owned()),
            Some(DeletionCursor::After(..)) | None => None,
        }
    }

    async fn start_and_list(&self, member: ProfileId, after: Option<String>) -> Result<Listed, StoreError> {
        let store = &self.engine.store;
        // Members that an earlier run has been through are deleted already.
        if member != self.root.root && after.as_deref() != Some(PROFILE_HEAD) {
            store.start_deletion(self.deletion, member, self.root.root, None).await?;
        }
        store.list_profile(&self.run.space, member, after).await
    }

    async fn keep_cursor(&self, cursor: DeletionCursor) -> Result<(), StoreError> {
        self.engine.store.keep_deletion_cursor(&self.run.space, self.root.root, cursor, self.counts).await
    }

    /// Deletes the identifiers that were listed; how many this row deleted, now or before.
    async fn write_tombstones<'b>(
        &self,
        parts: impl IntoIterator<Item = (ProfileId, &'b Listed)>,
    ) -> Result<i64, StoreError> {
        let mut work = Vec::new();
        for (profile, part) in parts {
            for hash in part.identifiers.iter().filter(|hash| Some(**hash) != self.own) {
                work.push(self.write_tombstone(profile, *hash));
            }
        }
        let deleted: Vec<bool> = stream::iter(work).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(deleted.into_iter().map(i64::from).sum())
    }

    async fn write_tombstone(&self, profile: ProfileId, hash: IdHash) -> Result<bool, StoreError> {
        Ok(match self.engine.store.write_tombstone(&tombstone(self.deletion, hash, profile), None).await? {
            TombstoneWrite::Written => true,
            TombstoneWrite::Unchanged(found) => {
                found.is_some_and(|found| found.deleted_by(&self.deletion.row) == DeletedBy::ThisRow)
            }
            TombstoneWrite::GuardGone => false,
        })
    }

    async fn remove_memberships(&self) -> Result<bool, StoreError> {
        for listed in self.listed.chunks(AT_ONCE) {
            if self.run.deadline.is_over() {
                return Ok(false);
            }
            let store = &self.engine.store;
            let removals =
                listed.iter().map(|(member, part)| store.remove_memberships(&self.run.space, *member, &part.segments));
            try_join_all(removals).await?;
        }
        Ok(true)
    }

    /// Keeps what was removed for the receipt, where one was asked for. It counts edges, which go after that.
    async fn keep_counts(&mut self) -> Result<(), StoreError> {
        let is_counted = self.root.deletion_cursor == Some(DeletionCursor::Counted);
        if self.run.head.profile_id.is_some() && !is_counted {
            let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
            let traits = self.listed.iter().filter_map(|(_, part)| part.traits.as_ref());
            let names: BTreeSet<_> = traits.flat_map(|traits| traits.keys()).collect();
            self.counts.traits = count(names.len());
            self.counts.memberships = self.listed.iter().map(|(_, part)| count(part.segments.len())).sum();
            self.counts.merges = count(self.root.merged.len());
            self.keep_cursor(DeletionCursor::Counted).await?;
        }
        Ok(())
    }

    async fn remove_listed(&self) -> Result<bool, StoreError> {
        for listed in self.listed.chunks(AT_ONCE) {
            if self.run.deadline.is_over() {
                return Ok(false);
            }
            let removals =
                listed.iter().map(|(member, part)| self.engine.store.remove_listed(&self.run.space, *member, part));
            try_join_all(removals).await?;
        }
        Ok(true)
    }
}
