//! A row that deletes one identifier of a profile, which an identifier finds or its own id names.
//!
//! Its outcome must not depend on the order of the job's rows, though rows may delete what others look up by:
//! - an identifier that the job has deleted already still finds its profile;
//! - a `user_id` that the job is to delete guards no other (`efface_core::user_id_rule`).
//!
//! Example: rows `a → delete b` and `b → delete a` of a profile with the `user_id`s a, b and c are both carried out, with c
//! as guard; without c both are `protected`.

use efface_core::{
    deletion::{Actor, DeletedBy, Deletion, Identifier, RowActor, Step, decide},
    id::ProfileId,
    identifier::IdentifierType,
    job::{Outcome, row::Lookup},
    key::IdHash,
    user_id_rule::{GuardIdentifier, may_guard},
};

use super::Run;
use crate::{Engine, Error, identifier::Deleted};

/// How often a `user_id` is tried to be deleted whose guard went away.
const ATTEMPTS: usize = 4;

/// A row's lookup and target, and whether the target is a `user_id`.
#[derive(Debug, Clone, Copy)]
pub(super) struct IdentifierRow {
    pub(super) lookup: Lookup,
    pub(super) target: IdHash,
    pub(super) is_user_id: bool,
}

impl Engine {
    pub(super) async fn delete_identifier_row(
        &self,
        run: &Run,
        at: usize,
        row: IdentifierRow,
        found: Option<&Identifier>,
    ) -> Result<Outcome, Error> {
        let IdentifierRow { lookup, target, is_user_id } = row;
        if lookup.user_id() == Some(target) {
            return Ok(Outcome::Protected);
        }
        let actor = run.actor(at);
        let Some(profile) = self.lookup_profile(run, &actor, lookup, found).await? else {
            return Ok(Outcome::NotFound);
        };
        if is_user_id {
            return self.delete_user_id_row(run, actor, row, profile).await;
        }
        let deleted = self.delete_under(self.row_deletion(run, actor, target, profile), None).await?;
        Ok(outcome(deleted).unwrap_or(Outcome::NotFound))
    }

    /// Deletes a `user_id` while another one of its profile, which this job does not delete, guards it.
    async fn delete_user_id_row(
        &self,
        run: &Run,
        actor: RowActor,
        IdentifierRow { lookup, target, .. }: IdentifierRow,
        mut profile: ProfileId,
    ) -> Result<Outcome, Error> {
        let there = self.store.identifier(&run.space, target).await?;
        if there.as_ref().is_some_and(|there| there.deleted_by(&actor) == DeletedBy::ThisRow) {
            return Ok(Outcome::Deleted);
        }
        let mut own_guard = match lookup.user_id() {
            Some(user_id) if may_guard(user_id, target, self.is_target(run, user_id).await?) => Some(user_id),
            _ => None,
        };
        for _ in 0..ATTEMPTS {
            let guard = match own_guard {
                Some(hash) => Some(GuardIdentifier { hash, profile }),
                None => self.find_guard(run, profile, target).await?,
            };
            let Some(guard) = guard else { return self.without_guard(run, &actor, profile, there.as_ref()).await };
            let deletion = self.row_deletion(run, actor.clone(), target, profile);
            if let Some(outcome) = outcome(self.delete_under(deletion, Some(&guard)).await?) {
                return Ok(outcome);
            }
            // Somebody else deleted the guard meanwhile. Another one may do.
            let Some(found) = self.lookup_profile(run, &actor, lookup, None).await? else {
                return Ok(Outcome::NotFound);
            };
            (profile, own_guard) = (found, None);
        }
        Err(Error::contended("the profile's last user_id"))
    }

    /// The outcome of a row whose target nothing guards: `protected`, if it is the profile's.
    async fn without_guard(
        &self,
        run: &Run,
        actor: &RowActor,
        profile: ProfileId,
        target: Option<&Identifier>,
    ) -> Result<Outcome, Error> {
        if target.and_then(Identifier::active_profile) == Some(profile) {
            return Ok(Outcome::Protected);
        }
        let step = decide(target, &Actor::Row(actor.clone()), profile);
        if let Some(other) = step.needs_merge_with(profile)
            && !self.store.are_merged(&run.space, profile, other).await?
        {
            return Ok(Outcome::NotFound);
        }
        Ok(match step {
            Step::AlreadyDeleted => Outcome::Deleted,
            Step::Duplicate(_) => Outcome::Duplicate,
            Step::DeleteUnder(_) => Outcome::Protected,
            Step::NotFound => Outcome::NotFound,
        })
    }

    /// The profile that a lookup finds: an identifier that this job or its group has deleted still does.
    async fn lookup_profile(
        &self,
        run: &Run,
        actor: &RowActor,
        lookup: Lookup,
        found: Option<&Identifier>,
    ) -> Result<Option<ProfileId>, Error> {
        let lookup = match lookup {
            Lookup::UserId(hash) | Lookup::Other(hash) => hash,
            Lookup::Profile(profile) => return Ok(Some(profile)),
        };
        if let Some(profile) = found.and_then(Identifier::active_profile) {
            return Ok(Some(profile));
        }
        let found = self.store.identifier(&run.space, lookup).await?;
        let finds =
            |found: &Identifier| found.active_profile().is_some() || found.deleted_by(actor) != DeletedBy::Other;
        Ok(found.filter(finds).map(|found| found.profile_id))
    }

    /// A `user_id` of the merged profile that guards the target.
    async fn find_guard(
        &self,
        run: &Run,
        profile: ProfileId,
        target: IdHash,
    ) -> Result<Option<GuardIdentifier>, Error> {
        let Some(root) = self.store.active_root(&run.space, profile).await? else { return Ok(None) };
        let user_id = IdentifierType::user_id();
        for member in root.members() {
            for hash in self.store.hashes_of(&run.space, member, &user_id).await? {
                if !may_guard(hash, target, self.is_target(run, hash).await?) {
                    continue;
                }
                let found = self.store.identifier(&run.space, hash).await?;
                let guard = GuardIdentifier::of(hash, member, found.as_ref());
                if guard.is_some() {
                    return Ok(guard);
                }
            }
        }
        Ok(None)
    }

    /// Whether a row of the job is to delete a `user_id`. A page that was never committed has no rows.
    async fn is_target(&self, run: &Run, user_id: IdHash) -> Result<bool, Error> {
        let job = run.head.job_id;
        for (page, content) in self.store.pages_with_target(&run.space, job, user_id).await? {
            if self.committed_page(&run.space, job, page).await?.is_some_and(|page| page.content == content) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn row_deletion(&self, run: &Run, actor: RowActor, target: IdHash, profile: ProfileId) -> Deletion {
        Deletion {
            space: run.space.clone(),
            target,
            profile,
            at: self.clock.now(),
            token_id: run.head.token_id.clone(),
            actor: Actor::Row(actor),
            profile_is_deleted: false,
        }
    }
}

/// The outcome of a row; `None` where its guard is gone.
fn outcome(deleted: Deleted) -> Option<Outcome> {
    match deleted {
        Deleted::Yes => Some(Outcome::Deleted),
        Deleted::Duplicate => Some(Outcome::Duplicate),
        Deleted::NotFound => Some(Outcome::NotFound),
        Deleted::GuardGone => None,
    }
}
