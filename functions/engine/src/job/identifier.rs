//! A row that deletes one identifier of the profile that a `user_id` finds.
//!
//! Its outcome must not hang on the order of the job's rows, though rows may delete what others look up by: a `user_id`
//! that this job has deleted still finds its profile, and none that this job is to delete vouches for another.

use efface_core::{
    deletion::{Identifier, IdentifierState},
    identifier::USER_ID,
    job::{Outcome, Took},
    key::IdHash,
    profile::ProfileId,
};

use crate::{Engine, Run};
use efface_aws::{
    StoreError,
    store::{
        identifier::{Taken, Witness},
        profile_deletion::Eraser,
    },
};

/// How often a `user_id` is tried to be deleted whose witness went away.
const ATTEMPTS: usize = 4;

/// A row's lookup and target, and whether that is a `user_id`, too.
pub(crate) type Hashes<'a> = (&'a IdHash, &'a IdHash, bool);

impl Engine {
    pub(crate) async fn identifier_row(
        &self,
        run: &Run,
        row: usize,
        (lookup, target, is_user_id): Hashes<'_>,
        found: Option<&Identifier>,
    ) -> Result<Outcome, StoreError> {
        if lookup == target {
            return Ok(Outcome::Protected);
        }
        let eraser = self.eraser(run, row);
        let Some(profile) = self.lookup_profile(&eraser, lookup, found).await? else { return Ok(Outcome::NotFound) };
        if !is_user_id {
            let taken = self.take_from(&eraser, target, &profile, None).await?;
            return Ok(taken.unwrap_or(Outcome::NotFound));
        }
        let there = self.store.identifier(&run.space, target).await?;
        if there.is_some_and(|there| there.taken_by(&eraser.taker) == Took::ThisRow) {
            return Ok(Outcome::Deleted);
        }
        let mut vouches = !self.store.are_targets(&run.space, &run.job, &[lookup]).await?.contains(&true);
        let mut profile = profile;
        for _ in 0..ATTEMPTS {
            let witness = if vouches {
                Witness { lookup: lookup.clone(), profile: profile.clone() }
            } else {
                let Some(witness) = self.other_witness(run, &profile, target).await? else {
                    return Ok(Outcome::Protected);
                };
                witness
            };
            if let Some(outcome) = self.take_from(&eraser, target, &profile, Some(witness)).await? {
                return Ok(outcome);
            }
            // Somebody else deleted the witness meanwhile. Another may do.
            let Some(found) = self.lookup_profile(&eraser, lookup, None).await? else { return Ok(Outcome::NotFound) };
            (profile, vouches) = (found, false);
        }
        Err(StoreError::Unavailable("the profile's user_ids are being deleted".to_owned()))
    }

    /// The profile that a `user_id` finds: one that this job or its group has deleted still does.
    async fn lookup_profile(
        &self,
        eraser: &Eraser,
        lookup: &IdHash,
        found: Option<&Identifier>,
    ) -> Result<Option<ProfileId>, StoreError> {
        if let Some(profile) = found.and_then(Identifier::active_profile) {
            return Ok(Some(profile));
        }
        let Some(found) = self.store.identifier(&eraser.space, lookup).await? else { return Ok(None) };
        let is_ours = found.taken_by(&eraser.taker) != Took::Other;
        let finds = found.state == IdentifierState::Active || is_ours;
        Ok(ProfileId::parse(&found.profile_id).ok().filter(|_| finds))
    }

    /// Deletes the target, and once more under its own profile id where that one was merged with the lookup's. `None`
    /// where the witness is gone.
    async fn take_from(
        &self,
        eraser: &Eraser,
        target: &IdHash,
        profile: &ProfileId,
        witness: Option<Witness>,
    ) -> Result<Option<Outcome>, StoreError> {
        let mut under = profile.clone();
        for _ in 0..2 {
            let Some(deletion) = eraser.deletion(target, under.as_str(), false) else { break };
            let taken = match &witness {
                Some(witness) => self.store.take_user_id(&deletion, witness).await?,
                None => self.store.take_identifier(&deletion).await?,
            };
            let found = match taken {
                Taken::Yes => return Ok(Some(Outcome::Deleted)),
                Taken::WitnessGone => return Ok(None),
                Taken::No(None) => return Ok(Some(Outcome::NotFound)),
                Taken::No(Some(found)) => found,
            };
            let took = found.taken_by(&eraser.taker);
            if took == Took::ThisRow {
                return Ok(Some(Outcome::Deleted));
            }
            let Ok(own) = ProfileId::parse(&found.profile_id) else { break };
            let is_same = own == under || self.store.are_merged(&eraser.space, &under, &own).await?;
            match (took, found.state) {
                _ if !is_same => break,
                (Took::SameJob, _) | (Took::SameGroup, IdentifierState::Deleted) => {
                    return Ok(Some(Outcome::Duplicate));
                }
                (_, IdentifierState::Active) if own != under => under = own,
                _ => break,
            }
        }
        Ok(Some(Outcome::NotFound))
    }

    /// A `user_id` of the profile that this job does not delete.
    pub(crate) async fn other_witness(
        &self,
        run: &Run,
        profile: &ProfileId,
        target: &IdHash,
    ) -> Result<Option<Witness>, StoreError> {
        let Some(whole) = self.store.whole(&run.space, profile).await? else { return Ok(None) };
        for member in whole.members() {
            let hashes = self.store.hashes_of(&run.space, &member, USER_ID).await?;
            let hashes: Vec<&IdHash> = hashes.iter().filter(|hash| *hash != target).collect();
            let marked = self.store.are_targets(&run.space, &run.job, &hashes).await?;
            for (hash, _) in hashes.into_iter().zip(marked).filter(|(_, marked)| !marked) {
                let found = self.store.identifier(&run.space, hash).await?;
                if found.and_then(|found| found.active_profile()).as_ref() == Some(&member) {
                    return Ok(Some(Witness { lookup: hash.clone(), profile: member }));
                }
            }
        }
        Ok(None)
    }
}
