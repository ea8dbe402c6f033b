//! Loading: a profile's identifiers, traits, segments and merge, written so that nothing that was deleted comes back.
//!
//! A line that is loaded again changes nothing. Each identifier is written together with its edge in a transaction
//! that checks that the profile is there.

mod writes;

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::TransactWriteItem;
use efface_core::{
    deletion::{Claim, Identifier, claim},
    identifier::ExternalId,
    key::{IdHash, SpaceKey},
    load::ProfileLine,
    profile::ProfileId,
    space::{Space, SpaceId},
    time::Time,
};
use thiserror::Error;

use super::{
    Key, Store, StoreError,
    identifier::pause,
    partition_key,
    profile::{Head, ProfileState, Trait, Traits},
    read,
};
use crate::clock;

/// The most items that a transaction may write, less head, root and traits.
const ITEMS_PER_TRANSACTION: usize = 96;

/// How often a line is decided anew because somebody wrote meanwhile.
const ATTEMPTS: u32 = 8;

/// Why a line was not loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The space has no such type.
    #[error("the space does not know the identifier type `{0}`; add it with identifier_types")]
    UnknownType(String),
    /// The merge's target is not there.
    #[error("merged_into: no active profile has this identifier; it must come on an earlier line")]
    UnknownTarget,
    /// An identifier is another profile's.
    #[error("external_ids[{0}]: another profile has this identifier")]
    Claimed(usize),
    /// The profile is part of another whole.
    #[error("merged_into: the profile is merged already, or others were merged into it")]
    MergedElsewhere,
    /// Traits fill an item of the table.
    #[error("traits: they must be at most 300 KiB together")]
    LargeTraits,
    /// Others wrote to the same profile all the time.
    #[error("others write to this profile at the same time; load the line again")]
    Contended,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a line came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Identifiers stored by it.
    pub stored: usize,
    /// Identifiers that the profile had already.
    pub unchanged: usize,
    /// Identifiers that stay deleted, because the line's event is not later than their deletion.
    pub blocked: usize,
}

/// A line in its space, with its hashes.
struct Line<'a> {
    space_id: &'a SpaceId,
    profile: &'a ProfileLine,
    hashes: Vec<IdHash>,
    target: Option<IdHash>,
    now: Time,
}

/// What one transaction can't be split into.
type Writes = Vec<TransactWriteItem>;

impl Store {
    /// Loads one profile line into its space.
    pub async fn load_profile(
        &self,
        space: &Space,
        key: &SpaceKey,
        profile: &ProfileLine,
        now: Time,
    ) -> Result<Loaded, LoadError> {
        let hash = |id: &ExternalId| {
            if !space.identifier_types.knows(&id.id_type) {
                return Err(LoadError::UnknownType(id.id_type.as_str().to_owned()));
            }
            Ok(key.identifier(&id.id_type, &space.identifier_types.normalise(&id.id_type, &id.value)))
        };
        let line = Line {
            space_id: &profile.space_id,
            profile,
            hashes: profile.external_ids.iter().map(hash).collect::<Result<_, _>>()?,
            target: profile.merged_into.as_ref().map(hash).transpose()?,
            now,
        };
        for attempt in 1..=ATTEMPTS {
            if let Some(loaded) = self.try_load(&line).await? {
                return Ok(loaded);
            }
            pause(attempt).await;
        }
        Err(LoadError::Contended)
    }

    /// Reads, decides and writes. `None` where what was read has changed before the write.
    async fn try_load(&self, line: &Line<'_>) -> Result<Option<Loaded>, LoadError> {
        let stored = self.stored(line).await?;
        let (claims, loaded, mut holder) = line.claims(&stored)?;
        if holder.is_none() {
            holder = self.named_by_tombstone(line, &claims, &stored).await?;
        }
        let head = match &holder {
            Some(holder) => self.head(line.space_id, holder).await?,
            None => None,
        };
        line.check_holder(holder.as_ref(), head.as_ref(), &claims)?;
        if holder.is_none() && loaded.stored == 0 {
            return Ok(Some(loaded));
        }
        let id = holder.unwrap_or_else(clock::profile_id);
        let root = self.merge_root(line, &id, head.as_ref(), &stored).await?;
        let mut first = self.profile_writes(line, &id, head.as_ref(), root.as_ref()).await?;
        // Identifiers first: by them the next load finds a profile whose load was cut short.
        let mut rest = self.identifier_writes(line, &id, &claims, &stored);
        rest.extend(self.segment_writes(line, &id, head.is_some()).await?);
        if head.is_some() && first.is_empty() && rest.is_empty() {
            return Ok(Some(loaded));
        }
        // The first transaction makes the head; every later one checks that it is still there.
        let mut batches = batches(rest).into_iter();
        first.extend(batches.next().unwrap_or_default());
        // A merge writes the head of a profile that exists, under a condition of its own.
        if head.is_some() && root.is_none() {
            first.push(self.touch_head(line, &id));
        }
        if !self.transact(first).await? {
            return Ok(None);
        }
        for mut writes in batches {
            writes.push(self.head_check(line.space_id, &id));
            if !self.transact(writes).await? {
                return Ok(None);
            }
        }
        Ok(Some(loaded))
    }

    async fn stored(&self, line: &Line<'_>) -> Result<HashMap<String, Identifier>, StoreError> {
        let hashes: BTreeSet<&IdHash> = line.hashes.iter().chain(&line.target).collect();
        let hashes: Vec<&IdHash> = hashes.into_iter().collect();
        let mut stored = HashMap::with_capacity(hashes.len());
        for hashes in hashes.chunks(100) {
            for item in self.get_many(hashes.iter().map(|hash| Key::identifier(line.space_id, hash))).await? {
                let hash = partition_key(&item).rsplit('#').next().unwrap_or_default().to_owned();
                stored.insert(hash, read(item)?);
            }
        }
        Ok(stored)
    }

    /// The profile that the line's first identifier made, where that one was deleted since and stays deleted: the line
    /// is still about that profile.
    async fn named_by_tombstone(
        &self,
        line: &Line<'_>,
        claims: &[Claim],
        stored: &HashMap<String, Identifier>,
    ) -> Result<Option<ProfileId>, StoreError> {
        let tombstone = stored.get(line.hashes[0].as_str()).filter(|_| claims[0] == Claim::Blocked);
        let Some(id) = tombstone.and_then(|found| ProfileId::parse(&found.profile_id).ok()) else { return Ok(None) };
        let head = self.head(line.space_id, &id).await?;
        Ok(head.is_some_and(|head| line.made(&head)).then_some(id))
    }

    /// The root that the line merges its profile into, where it is not so already.
    async fn merge_root(
        &self,
        line: &Line<'_>,
        id: &ProfileId,
        head: Option<&Head>,
        stored: &HashMap<String, Identifier>,
    ) -> Result<Option<ProfileId>, LoadError> {
        let Some(target) = &line.target else { return Ok(None) };
        let holder = stored.get(target.as_str()).filter(|found| found.value.is_some());
        let holder = holder.and_then(|found| ProfileId::parse(&found.profile_id).ok());
        let whole = match holder {
            Some(holder) => self.whole(line.space_id, &holder).await?,
            None => None,
        };
        let root = whole.and_then(|whole| ProfileId::parse(&whole.root).ok()).ok_or(LoadError::UnknownTarget)?;
        match head {
            Some(head) if head.root == root.as_str() => Ok(None),
            Some(head) if head.root != id.as_str() || !head.merged.is_empty() => Err(LoadError::MergedElsewhere),
            _ => Ok(Some(root)),
        }
    }
}

/// Writes for one transaction each. An item and the edge by which it is found again are never parted.
fn batches(writes: Vec<Writes>) -> Vec<Writes> {
    let mut batches: Vec<Writes> = Vec::new();
    for together in writes {
        match batches.last_mut() {
            Some(batch) if batch.len() + together.len() <= ITEMS_PER_TRANSACTION => batch.extend(together),
            _ => batches.push(together),
        }
    }
    batches
}

impl Line<'_> {
    /// What becomes of each identifier, the counts, and the profile that has some of them already.
    fn claims(
        &self,
        stored: &HashMap<String, Identifier>,
    ) -> Result<(Vec<Claim>, Loaded, Option<ProfileId>), LoadError> {
        let mut loaded = Loaded::default();
        let mut holder: Option<ProfileId> = None;
        let mut seen = BTreeSet::new();
        let mut claims = Vec::with_capacity(self.hashes.len());
        for (i, hash) in self.hashes.iter().enumerate() {
            let mut decided = claim(stored.get(hash.as_str()), self.profile.timestamp);
            match &decided {
                Claim::Held(profile) if holder.as_ref().is_some_and(|holder| holder != profile) => {
                    return Err(LoadError::Claimed(i));
                }
                Claim::Held(profile) => {
                    holder = Some(profile.clone());
                    loaded.unchanged += 1;
                }
                Claim::Blocked => loaded.blocked += 1,
                // A repetition within the line would be written twice in one transaction.
                Claim::New | Claim::Again if !seen.insert(hash) => decided = Claim::Blocked,
                Claim::New | Claim::Again => loaded.stored += 1,
            }
            claims.push(decided);
        }
        Ok((claims, loaded, holder))
    }

    /// A line is the profile that its first identifier made: any other holder of its identifiers is a conflict.
    fn check_holder(&self, holder: Option<&ProfileId>, head: Option<&Head>, claims: &[Claim]) -> Result<(), LoadError> {
        let is_same = head.is_some_and(|head| self.made(head));
        if holder.is_none() || is_same {
            return Ok(());
        }
        let at = claims.iter().position(|claim| matches!(claim, Claim::Held(_))).unwrap_or_default();
        Err(LoadError::Claimed(at))
    }

    /// Whether a profile is the one that the line describes.
    fn made(&self, head: &Head) -> bool {
        head.state == ProfileState::Active && head.loaded_as.as_deref() == Some(self.hashes[0].as_str())
    }

    /// The line's traits. Without a time of its own it leaves the time of a value that is there already.
    fn traits(&self, stored: &Traits) -> Traits {
        let set = |name: &String, value: &serde_json::value::RawValue| {
            let same = stored.get(name).filter(|old| old.value.get() == value.get()).map(|old| old.updated_at);
            Trait { value: value.to_owned(), updated_at: self.profile.timestamp.or(same).unwrap_or(self.now) }
        };
        self.profile.traits.iter().map(|(name, value)| (name.clone(), set(name, value))).collect()
    }
}
