//! A row that deletes a whole profile.
//!
//! The order is what makes it safe to be cut short anywhere: heads are fenced first, so that nothing is added and reads
//! find nothing; the row's own identifier goes last, so that a row whose identifier bears its mark is all done.

use efface_core::{
    deletion::{Identifier, IdentifierState},
    job::{Outcome, Took},
    key::IdHash,
    profile::ProfileId,
};
use futures::{StreamExt, TryStreamExt, future::try_join_all, stream};

use crate::{Engine, Run, job::Look};
use efface_aws::{
    StoreError,
    store::{
        identifier::Taken,
        keys::PROFILE_HEAD,
        profile::{Head, ProfileState},
        profile_deletion::{Erased, Eraser, Fenced, Listed},
    },
};

/// Members of a whole, and identifiers, that are dealt with at once.
const AT_ONCE: usize = 16;

/// What the place says of a profile whose counts are final.
const COUNTED: &str = "counted";

impl Engine {
    /// Deletes the profile that an identifier belongs to. `None` where time was up before it was done.
    pub(crate) async fn erase_row(
        &self,
        run: &Run,
        row: usize,
        own: &IdHash,
        look: Look<'_>,
    ) -> Result<Option<Outcome>, StoreError> {
        let eraser = self.eraser(run, row);
        let found = match look {
            Look::Read(found) => found.cloned(),
            Look::Unread => self.store.identifier(&run.space, own).await?,
        };
        let Some(found) = found else { return Ok(Some(Outcome::NotFound)) };
        let root = match (found.taken_by(&eraser.taker), found.state) {
            (Took::ThisRow, _) => return Ok(Some(Outcome::Deleted)),
            (Took::SameJob, _) | (Took::SameGroup, IdentifierState::Deleted) => return Ok(Some(Outcome::Duplicate)),
            (_, IdentifierState::Active) => {
                let Some(profile) = found.active_profile() else { return Ok(Some(Outcome::NotFound)) };
                self.fence_root(&eraser, profile).await?
            }
            // An earlier run of the row may have fenced the profile before somebody else deleted the identifier.
            (_, IdentifierState::Deleted) if !run.is_new => self.fenced_root(&eraser, &found).await?,
            (_, IdentifierState::Deleted) => return Ok(Some(Outcome::NotFound)),
        };
        let root = match root {
            Ok(root) => root,
            Err(outcome) => return Ok(Some(outcome)),
        };
        if !self.erase_whole(run, &eraser, &root, own).await? {
            return Ok(None);
        }
        if let Some(deletion) = eraser.deletion(own, &found.profile_id, true) {
            self.store.take_identifier(&deletion).await?;
        }
        Ok(Some(Outcome::Deleted))
    }

    /// The root that this row fenced before, of the profile that an identifier belonged to.
    async fn fenced_root(&self, eraser: &Eraser, found: &Identifier) -> Result<Result<Head, Outcome>, StoreError> {
        let mut profile = found.profile_id.clone();
        for _ in 0..2 {
            let Ok(id) = ProfileId::parse(&profile) else { break };
            let Some(head) = self.store.head(&eraser.space, &id).await? else { break };
            if head.root == profile {
                let is_ours = head.state != ProfileState::Active && head.taken_by(&eraser.taker) == Took::ThisRow;
                return Ok(if is_ours { Ok(head) } else { Err(Outcome::NotFound) });
            }
            profile = head.root;
        }
        Ok(Err(Outcome::NotFound))
    }

    /// Fences the root of the whole that a profile belongs to; or the outcome of the row, where that is not its to do.
    async fn fence_root(&self, eraser: &Eraser, mut profile: ProfileId) -> Result<Result<Head, Outcome>, StoreError> {
        // Once for a profile that was merged, and once more for a merge meanwhile.
        for _ in 0..4 {
            let head = match self.store.fence(eraser, &profile, &profile).await? {
                Fenced::Now(head) => return Ok(Ok(head)),
                Fenced::Not(None) => return Ok(Err(Outcome::NotFound)),
                Fenced::Not(Some(head)) => head,
            };
            match ProfileId::parse(&head.root) {
                Ok(root) if root != profile => profile = root,
                _ if head.state == ProfileState::Active => {}
                _ => {
                    return Ok(match head.taken_by(&eraser.taker) {
                        Took::ThisRow => Ok(head),
                        Took::SameJob | Took::SameGroup => Err(Outcome::Duplicate),
                        Took::Other => Err(Outcome::NotFound),
                    });
                }
            }
        }
        Err(StoreError::Unavailable("the profile is being merged".to_owned()))
    }

    /// Removes all of a fenced whole but the identifier `own`. Whether it was done in time; where it was not, the next
    /// run goes on where this one ended.
    async fn erase_whole(&self, run: &Run, eraser: &Eraser, root: &Head, own: &IdHash) -> Result<bool, StoreError> {
        let Ok(root_id) = ProfileId::parse(&root.root) else {
            return Err(StoreError::Internal("a head without a root".to_owned()));
        };
        let place = Place::of(root);
        let mut took = root.erased.unwrap_or(Erased { external_ids: 1, ..Erased::default() });
        let mut rest = Vec::new();
        let members: Vec<ProfileId> = root.members().collect();
        for (group, first) in members.chunks(AT_ONCE).zip((0..).step_by(AT_ONCE)) {
            let mut listing = Vec::with_capacity(group.len());
            for (member, at) in group.iter().zip(first..) {
                listing.push(self.fence_and_list(eraser, &root_id, member, place.after(at)));
            }
            let parts = try_join_all(listing).await?;
            // Members that are listed whole are done together, others part by part.
            let whole = group.iter().zip(&parts).filter(|(_, part)| part.more.is_none());
            took.external_ids += self.take_all(eraser, whole, own).await?;
            for ((member, mut part), at) in group.iter().zip(parts).zip(first..) {
                while let Some(edge) = part.more.clone() {
                    took.external_ids += self.take_all(eraser, [(member, &part)], own).await?;
                    if !part.identifiers.is_empty() {
                        self.store.mark_erased(&run.space, &root_id, &format!("{at}/{edge}"), took).await?;
                    }
                    rest.push((member, part));
                    if run.deadline.is_over() {
                        return Ok(false);
                    }
                    part = self.store.list_profile(&run.space, member, Some(edge)).await?;
                    if part.more.is_none() {
                        took.external_ids += self.take_all(eraser, [(member, &part)], own).await?;
                    }
                }
                rest.push((member, part));
            }
            let end = first + group.len();
            let is_large = members.len() > AT_ONCE && !matches!(place, Place::Counted);
            if is_large && (run.deadline.is_over() || end == members.len()) {
                let place = format!("{}/{PROFILE_HEAD}", end - 1);
                self.store.mark_erased(&run.space, &root_id, &place, took).await?;
            }
            if is_large && run.deadline.is_over() {
                return Ok(false);
            }
        }
        self.erase_rest(run, root, &root_id, took, &rest).await
    }

    async fn fence_and_list(
        &self,
        eraser: &Eraser,
        root: &ProfileId,
        member: &ProfileId,
        after: Option<String>,
    ) -> Result<Listed, StoreError> {
        // Members that an earlier run was done with are fenced.
        if member != root && after.as_deref() != Some(PROFILE_HEAD) {
            self.store.fence(eraser, member, root).await?;
        }
        self.store.list_profile(&eraser.space, member, after).await
    }

    /// Removes memberships and traits. Their edges go last of all, when what they count is kept. Whether there was time.
    async fn erase_rest(
        &self,
        run: &Run,
        root: &Head,
        root_id: &ProfileId,
        mut took: Erased,
        rest: &[(&ProfileId, Listed)],
    ) -> Result<bool, StoreError> {
        for rest in rest.chunks(AT_ONCE) {
            if run.deadline.is_over() {
                return Ok(false);
            }
            let gone =
                rest.iter().map(|(member, part)| self.store.remove_memberships(&run.space, member, &part.segments));
            try_join_all(gone).await?;
        }
        let is_counted = root.erased_to.as_deref() == Some(COUNTED);
        if run.head.single && !is_counted {
            let count = |n: usize| i64::try_from(n).unwrap_or_default();
            took.memberships = rest.iter().map(|(_, part)| count(part.segments.len())).sum();
            let traits = rest.iter().filter_map(|(_, part)| part.traits.as_ref());
            let names: std::collections::BTreeSet<_> = traits.flat_map(|traits| traits.keys()).collect();
            took.traits = count(names.len());
            took.merges = count(root.merged.len());
            self.store.mark_erased(&run.space, root_id, COUNTED, took).await?;
        }
        for rest in rest.chunks(AT_ONCE) {
            if run.deadline.is_over() {
                return Ok(false);
            }
            try_join_all(rest.iter().map(|(member, part)| self.store.remove_listed(&run.space, member, part))).await?;
        }
        Ok(true)
    }

    /// Deletes identifiers of fenced profiles; how many this row deleted, now or before.
    async fn take_all<'a>(
        &self,
        eraser: &Eraser,
        parts: impl IntoIterator<Item = (&'a ProfileId, &'a Listed)>,
        own: &IdHash,
    ) -> Result<i64, StoreError> {
        let mut work = Vec::new();
        for (profile, part) in parts {
            for hash in part.identifiers.iter().filter(|hash| *hash != own) {
                work.push(self.take_one(eraser, profile, hash));
            }
        }
        let taken: Vec<bool> = stream::iter(work).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(taken.into_iter().map(i64::from).sum())
    }

    async fn take_one(&self, eraser: &Eraser, profile: &ProfileId, hash: &IdHash) -> Result<bool, StoreError> {
        let Some(deletion) = eraser.deletion(hash, profile.as_str(), true) else { return Ok(false) };
        Ok(match self.store.take_identifier(&deletion).await? {
            Taken::Yes => true,
            Taken::No(found) => found.is_some_and(|found| found.taken_by(&eraser.taker) == Took::ThisRow),
            Taken::WitnessGone => false,
        })
    }
}

/// How far an earlier run has come with a whole's identifiers: the member, and the edge within it.
enum Place {
    Start,
    At(usize, String),
    Counted,
}

impl Place {
    fn of(root: &Head) -> Self {
        let place = root.erased_to.as_deref();
        if place == Some(COUNTED) {
            return Self::Counted;
        }
        let place = place.and_then(|place| place.split_once('/'));
        match place.and_then(|(member, edge)| Some((member.parse().ok()?, edge.to_owned()))) {
            Some((member, edge)) => Self::At(member, edge),
            None => Self::Start,
        }
    }

    /// Where to list a member from: identifiers that are done are left out, what comes after the head never is.
    fn after(&self, member: usize) -> Option<String> {
        match self {
            Self::At(at, edge) if *at == member => Some(edge.clone()),
            Self::At(at, _) if member < *at => Some(PROFILE_HEAD.to_owned()),
            Self::Counted => Some(PROFILE_HEAD.to_owned()),
            Self::Start | Self::At(..) => None,
        }
    }
}
