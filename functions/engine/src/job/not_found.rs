//! Why rows of a job find nothing, for those who list its outcomes.

use std::collections::HashMap;

use efface_aws::{StoreError, store::job::MissingRow};
use efface_core::{
    deletion::{Identifier, RowActor},
    id::ProfileId,
    job::{
        JobHead, RowRef,
        finding::Finding,
        not_found::{NotFound, Past, of_identifier_row, of_profile_row},
        row::{Lookup, Row},
    },
    key::IdHash,
    profile::Head,
    space::SpaceId,
    time::Time,
};

use crate::{Engine, Error};

/// What the rows name, as it is now.
struct There {
    identifiers: HashMap<IdHash, Result<Identifier, StoreError>>,
    heads: HashMap<ProfileId, Result<Head, StoreError>>,
}

impl Engine {
    /// Why these rows of a job find nothing. A row whose identifiers cannot be read is left out. One batch of reads for each
    /// 100 identifiers, and one for each 100 profiles that rows name by their own ids.
    pub async fn why_not_found(
        &self,
        space: &SpaceId,
        head: &JobHead,
        rows: &[MissingRow],
    ) -> Result<HashMap<RowRef, NotFound>, Error> {
        let (mut hashes, mut profiles) = (Vec::new(), Vec::new());
        for missing in rows {
            match &missing.row {
                Row::Invalid(_) => {}
                Row::Profile(hash) | Row::Plan { own: hash, .. } => hashes.push(*hash),
                Row::ProfileId(profile) | Row::Planned(Finding { root: profile, .. }) => profiles.push(*profile),
                Row::Identifier { lookup, target, .. } => {
                    hashes.push(*target);
                    match lookup {
                        Lookup::UserId(hash) | Lookup::Other(hash) => hashes.push(*hash),
                        Lookup::Profile(profile) => profiles.push(*profile),
                    }
                }
            }
        }
        // A batch with a repeated key is rejected.
        hashes.sort_unstable();
        hashes.dedup();
        profiles.sort_unstable();
        profiles.dedup();
        let (identifiers, heads) = futures::try_join!(
            self.store.identifiers(space, &hashes, true),
            self.store.heads_by_id(space, &profiles),
        )?;
        let there = There { identifiers: identifiers.into_iter().collect(), heads };
        let why = |missing: &MissingRow| {
            let row = RowActor { job: head.job_id, group: head.group_hash(), row: missing.at };
            Some((missing.at, there.why(&missing.row, &row, missing.decided_by)?))
        };
        Ok(rows.iter().filter_map(why).collect())
    }
}

impl There {
    /// `None` where an item cannot be read.
    fn why(&self, row: &Row, actor: &RowActor, at: Time) -> Option<NotFound> {
        Some(match row {
            Row::Invalid(_) => return None,
            Row::Profile(hash) | Row::Plan { own: hash, .. } => {
                of_profile_row(Past::of_identifier(self.identifier(*hash).ok()?, at))
            }
            Row::ProfileId(profile) | Row::Planned(Finding { root: profile, .. }) => {
                of_profile_row(Past::of_profile(self.head(*profile).ok()?, at))
            }
            Row::Identifier { lookup, target, .. } => {
                let lookup = match lookup {
                    Lookup::UserId(hash) | Lookup::Other(hash) => {
                        Past::of_lookup(self.identifier(*hash).ok()?, actor, at)
                    }
                    Lookup::Profile(profile) => Past::of_profile(self.head(*profile).ok()?, at),
                };
                of_identifier_row(lookup, Past::of_identifier(self.identifier(*target).ok()?, at))
            }
        })
    }

    /// What is there, or nothing.
    fn identifier(&self, hash: IdHash) -> Result<Option<&Identifier>, &StoreError> {
        self.identifiers.get(&hash).map(Result::as_ref).transpose()
    }

    fn head(&self, profile: ProfileId) -> Result<Option<&Head>, &StoreError> {
        self.heads.get(&profile).map(Result::as_ref).transpose()
    }
}
