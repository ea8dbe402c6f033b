//! Loading: a profile's identifiers, traits, segments and merge, written so that nothing that was deleted comes back.
//!
//! A line that is loaded again changes nothing. Each identifier is written together with its edge, in a transaction
//! that checks that the profile is active.
//!
//! The file is long because what a line decides stands beside the order in which it is written.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use efface_aws::{
    Store, StoreError, backoff, clock,
    store::{
        Write,
        load::{LoadedProfile, PARTS_PER_TRANSACTION, traits_size},
        profile::{Trait, Traits, merge_traits},
    },
};
use efface_core::{
    activation::{Activation, NewLife, activate, new_life},
    deletion::{Identifier, REMEMBERED_REQUESTS},
    id::ProfileId,
    identifier::ExternalId,
    key::{IdHash, SpaceKey},
    load::{MAX_LINE_BYTES, ProfileLine},
    log::LogKey,
    profile::{Head, ProfileState},
    segment::SegmentId,
    space::{IdentifierTypes, Space, SpaceId},
    time::Time,
};
use quick_cache::sync::Cache;
use thiserror::Error;

use crate::segment::{takes_member, takes_members};

/// Why a line was not loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The space has no such type.
    #[error("the space does not know the identifier type `{0}`; add it with identifier_types")]
    UnknownType(String),
    /// The profile to merge into is not there.
    #[error("merged_into: no active profile has this identifier; it must come on an earlier line")]
    UnknownTarget,
    /// An identifier is another profile's.
    #[error("external_ids[{0}]: another profile has this identifier")]
    Claimed(usize),
    /// An identifier was deleted so often that it cannot come back yet.
    #[error(
        "external_ids[{0}]: it was deleted {most} times within 25 hours and stays deleted for now; load the line again \
         after that time",
        most = REMEMBERED_REQUESTS
    )]
    DeletedTooOften(usize),
    /// The profile belongs to another merged profile.
    #[error("merged_into: the profile is merged already, or others were merged into it")]
    MergedElsewhere,
    /// The traits would not fit an item of the table.
    #[error("traits: they must be at most 300 KiB together")]
    LargeTraits,
    /// Others wrote to the same profile all the time.
    #[error("others write to this profile at the same time; load the line again")]
    Contended,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a line did with its identifiers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Identifiers that it stored.
    pub stored: usize,
    /// Identifiers that the profile had already.
    pub unchanged: usize,
    /// Identifiers that stay deleted, because the line's event is not later than their deletion.
    pub blocked: usize,
    /// Segments that the profile did not join, because they are disabled.
    pub not_joined: usize,
}

/// Segments that one loader remembers at most.
const REMEMBERED: usize = 1_024;

/// What loads lines. Cheap to clone; clones share what they know.
#[derive(Debug, Clone)]
pub struct Loader {
    store: Store,
    /// What the identifiers that become active are committed to with.
    log_key: LogKey,
    /// Segments that took members. A gate tells where one does no more.
    known: Arc<Cache<(SpaceId, SegmentId), ()>>,
}

/// A line in its space, with its hashes.
struct Line<'a> {
    space_id: &'a SpaceId,
    types: &'a IdentifierTypes,
    log_key: &'a LogKey,
    profile: &'a ProfileLine,
    hashes: Vec<IdHash>,
    /// The identifier of the profile to merge into.
    target: Option<IdHash>,
    now: Time,
}

/// What an attempt to load a line came to.
enum Tried {
    /// It is loaded.
    Loaded(Loaded),
    /// What was read for it has changed before the write, or a gate of this profile's shard was closed.
    Changed(ProfileId),
}

/// What a line's identifiers are in the table, and what becomes of each.
struct Decided {
    stored: HashMap<IdHash, Identifier>,
    /// By the order of the line's identifiers.
    activations: Vec<Activation>,
    loaded: Loaded,
    /// The profile that has some of them already.
    holder: Option<ProfileId>,
}

impl Loader {
    /// A loader into a table, with the log key that the table was written with: who makes it has compared the key with
    /// the table's check value.
    pub fn new(store: Store, log_key: LogKey) -> Self {
        Self { store, log_key, known: Arc::new(Cache::new(REMEMBERED)) }
    }

    /// Loads one line into its space.
    pub async fn load(
        &self,
        space: &Space,
        key: &SpaceKey,
        profile: &ProfileLine,
        now: Time,
    ) -> Result<Loaded, LoadError> {
        let line = Line::new(space, (key, &self.log_key), profile, now)?;
        let mut pauses = backoff::CONTENDED_LINE.start();
        loop {
            let segments = self.open_segments(&line).await?;
            let not_joined = profile.segments.iter().collect::<BTreeSet<_>>().len() - segments.len();
            let tried = match line.try_load(&self.store, &segments).await? {
                Tried::Loaded(loaded) => return Ok(Loaded { not_joined, ..loaded }),
                Tried::Changed(tried) => tried,
            };
            for segment in segments {
                if !takes_member(&self.store, line.space_id, segment, tried, now).await? {
                    self.known.remove(&(profile.space_id.clone(), segment.clone()));
                }
            }
            if !pauses.wait().await {
                return Err(LoadError::Contended);
            }
        }
    }

    /// Those of the line's segments that take members.
    async fn open_segments<'a>(&self, line: &Line<'a>) -> Result<BTreeSet<&'a SegmentId>, StoreError> {
        let mut open = BTreeSet::new();
        for segment in &line.profile.segments {
            let known = (line.space_id.clone(), segment.clone());
            if self.known.get(&known).is_some() {
                open.insert(segment);
            } else if takes_members(&self.store, line.space_id, segment, line.now).await? {
                self.known.insert(known, ());
                open.insert(segment);
            }
        }
        Ok(open)
    }
}

impl<'a> Line<'a> {
    fn new(
        space: &'a Space,
        (key, log_key): (&SpaceKey, &'a LogKey),
        profile: &'a ProfileLine,
        now: Time,
    ) -> Result<Self, LoadError> {
        let hash = |id: &ExternalId| {
            if !space.identifier_types.knows(&id.id_type) {
                return Err(LoadError::UnknownType(id.id_type.to_string()));
            }
            Ok(key.identifier(&id.id_type, &space.identifier_types.normalise(&id.id_type, &id.value)))
        };
        let hashes = profile.external_ids.iter().map(hash).collect::<Result<_, _>>()?;
        let target = profile.merged_into.as_ref().map(hash).transpose()?;
        let (space_id, types) = (&profile.space_id, &space.identifier_types);
        Ok(Self { space_id, types, log_key, profile, hashes, target, now })
    }
}

impl Line<'_> {
    /// Reads, decides and writes.
    async fn try_load(&self, store: &Store, segments: &BTreeSet<&SegmentId>) -> Result<Tried, LoadError> {
        let hashes: BTreeSet<IdHash> = self.hashes.iter().chain(&self.target).copied().collect();
        let mut decided = self.decide(store.stored_identifiers(self.space_id, &hashes).await?)?;
        if decided.holder.is_none() {
            decided.holder = self.named_by_tombstone(store, &decided).await?;
        }
        let head = match decided.holder {
            Some(holder) => store.head(self.space_id, holder).await?,
            None => None,
        };
        self.check_holder(&decided, head.as_ref())?;
        if decided.holder.is_none() && decided.loaded.stored == 0 {
            return Ok(Tried::Loaded(decided.loaded));
        }
        let id = decided.holder.unwrap_or_else(clock::profile_id);
        let root = self.merge_root(store, id, head.as_ref(), &decided.stored).await?;
        let profile = LoadedProfile { space: self.space_id, id, now: self.now };
        let first = self.profile_writes(store, profile, head.as_ref(), root).await?;
        // Identifiers first: by them the next load finds a profile whose load was cut short.
        let mut rest = self.identifier_writes(profile, &decided)?;
        rest.extend(segment_writes(store, profile, segments, head.is_some()).await?);
        if head.is_some() && first.is_empty() && rest.is_empty() {
            return Ok(Tried::Loaded(decided.loaded));
        }
        // A merge writes the head of a profile that exists, under a condition of its own, and a new profile's head is put.
        let own_root = root.or(head.as_ref().map(|head| head.root)).unwrap_or(id);
        let touches_first = head.is_some() && root.is_none();
        let is_done = commit(store, profile, (own_root, touches_first), first, rest).await?;
        Ok(if is_done { Tried::Loaded(decided.loaded) } else { Tried::Changed(id) })
    }

    /// What becomes of each identifier.
    fn decide(&self, stored: HashMap<IdHash, Identifier>) -> Result<Decided, LoadError> {
        let (mut loaded, mut holder) = (Loaded::default(), None);
        let mut seen = BTreeSet::new();
        let mut activations = Vec::with_capacity(self.hashes.len());
        for (i, hash) in self.hashes.iter().enumerate() {
            let mut activation = activate(stored.get(hash), self.profile.timestamp, self.now);
            match activation {
                Activation::Held(profile) if holder.is_some_and(|holder| holder != profile) => {
                    return Err(LoadError::Claimed(i));
                }
                Activation::Held(profile) => {
                    holder = Some(profile);
                    loaded.unchanged += 1;
                }
                Activation::Blocked => loaded.blocked += 1,
                Activation::Full => return Err(LoadError::DeletedTooOften(i)),
                // A repetition within the line would be written twice in one transaction.
                Activation::New | Activation::Again if !seen.insert(hash) => activation = Activation::Blocked,
                Activation::New | Activation::Again => loaded.stored += 1,
            }
            activations.push(activation);
        }
        Ok(Decided { stored, activations, loaded, holder })
    }

    /// The profile that the line's first identifier made, where that one was deleted since and stays deleted: the line
    /// is still about that profile.
    async fn named_by_tombstone(&self, store: &Store, decided: &Decided) -> Result<Option<ProfileId>, StoreError> {
        let (Some(first), Some(Activation::Blocked)) = (self.hashes.first(), decided.activations.first()) else {
            return Ok(None);
        };
        let Some(tombstone) = decided.stored.get(first) else { return Ok(None) };
        let head = store.head(self.space_id, tombstone.profile_id).await?;
        Ok(head.filter(|head| self.made(head)).map(|head| head.profile_id))
    }

    /// A line is about the profile that its first identifier made: any other holder of its identifiers is a conflict.
    fn check_holder(&self, decided: &Decided, head: Option<&Head>) -> Result<(), LoadError> {
        if decided.holder.is_none() || head.is_some_and(|head| self.made(head)) {
            return Ok(());
        }
        let is_held = |activation: &Activation| matches!(activation, Activation::Held(_));
        Err(LoadError::Claimed(decided.activations.iter().position(is_held).unwrap_or(0)))
    }

    /// Whether a profile is the one that the line describes.
    fn made(&self, head: &Head) -> bool {
        head.state == ProfileState::Active && head.loaded_as == self.hashes.first().copied()
    }

    /// The root that the line merges its profile into, where it is not merged into it already.
    async fn merge_root(
        &self,
        store: &Store,
        id: ProfileId,
        head: Option<&Head>,
        stored: &HashMap<IdHash, Identifier>,
    ) -> Result<Option<ProfileId>, LoadError> {
        let Some(target) = &self.target else { return Ok(None) };
        let holder = stored.get(target).and_then(Identifier::active_profile).ok_or(LoadError::UnknownTarget)?;
        let root = store.active_root(self.space_id, holder).await?.ok_or(LoadError::UnknownTarget)?.root;
        match head {
            Some(head) if head.root == root => Ok(None),
            Some(head) if head.root != id || !head.merged.is_empty() => Err(LoadError::MergedElsewhere),
            _ => Ok(Some(root)),
        }
    }

    /// The head and the traits, where they change; and the root's list of members.
    async fn profile_writes(
        &self,
        store: &Store,
        profile: LoadedProfile<'_>,
        head: Option<&Head>,
        root: Option<ProfileId>,
    ) -> Result<Vec<Write>, LoadError> {
        let mut writes = Vec::new();
        let before = if head.is_some() { store.traits(self.space_id, profile.id).await? } else { Traits::new() };
        let mut after = before.clone();
        merge_traits(&mut after, self.traits(&before));
        if traits_size(&after)? > MAX_LINE_BYTES {
            return Err(LoadError::LargeTraits);
        }
        if !same_traits(&before, &after) {
            writes.push(profile.put_traits(&before, &after)?);
        }
        match (head, root, self.hashes.first()) {
            (None, root, Some(first)) => writes.push(profile.new_head(*first, root)),
            (Some(_), Some(root), _) => writes.push(profile.merge_into(root)),
            _ => {}
        }
        writes.extend(root.map(|root| profile.list_as_member(root)));
        Ok(writes)
    }

    /// The line's traits. Without a time of its own it leaves the time of a value that is there already.
    fn traits(&self, stored: &Traits) -> Traits {
        let set = |name: &String, value: &serde_json::value::RawValue| {
            let same = stored.get(name).filter(|old| old.value.get() == value.get()).map(|old| old.updated_at);
            Trait { value: value.to_owned(), updated_at: self.profile.timestamp.or(same).unwrap_or(self.now) }
        };
        self.profile.traits.iter().map(|(name, value)| (name.clone(), set(name, value))).collect()
    }

    fn identifier_writes(&self, profile: LoadedProfile<'_>, decided: &Decided) -> Result<Vec<Vec<Write>>, StoreError> {
        let event = self.profile.timestamp;
        let mut writes = Vec::new();
        for ((hash, external_id), activation) in
            self.hashes.iter().zip(&self.profile.external_ids).zip(&decided.activations)
        {
            let old = decided.stored.get(hash);
            match (activation, event) {
                (Activation::New | Activation::Again, _) => {
                    let life = self.new_life(hash, external_id, old);
                    writes.push(profile.activate(*hash, external_id, event, life, old)?.to_vec());
                }
                (Activation::Held(holder), Some(event))
                    if old.is_some_and(|old| old.event_time.is_none_or(|seen| seen < event)) =>
                {
                    writes.push(vec![profile.keep_event_time(*hash, *holder, event)]);
                }
                _ => {}
            }
        }
        Ok(writes)
    }

    fn new_life(&self, hash: &IdHash, external_id: &ExternalId, old: Option<&Identifier>) -> NewLife {
        new_life(old, hash, external_id, self.types.rule(&external_id.id_type), self.log_key)
    }
}

/// Memberships and their edges, less those that the profile has already.
async fn segment_writes(
    store: &Store,
    profile: LoadedProfile<'_>,
    segments: &BTreeSet<&SegmentId>,
    exists: bool,
) -> Result<Vec<Vec<Write>>, StoreError> {
    let mut segments = segments.clone();
    if exists && !segments.is_empty() {
        let there = store.memberships(profile, &segments).await?;
        segments.retain(|segment| !there.contains(*segment));
    }
    Ok(segments.into_iter().map(|segment| profile.join(segment).to_vec()).collect())
}

/// Commits a line in as few transactions as it fits. The first one makes or touches the head, and every later one touches
/// it: the profile is still active then. An item and the edge by which it is found are never parted.
async fn commit(
    store: &Store,
    profile: LoadedProfile<'_>,
    (root, touches_first): (ProfileId, bool),
    mut first: Vec<Write>,
    rest: Vec<Vec<Write>>,
) -> Result<bool, StoreError> {
    let mut batches: Vec<Vec<Write>> = Vec::new();
    for together in rest {
        match batches.last_mut() {
            Some(batch) if batch.len() + together.len() <= PARTS_PER_TRANSACTION => batch.extend(together),
            _ => batches.push(together),
        }
    }
    let mut batches = batches.into_iter();
    first.extend(batches.next().unwrap_or_default());
    first.extend(if touches_first { profile.touch(root) } else { Vec::new() });
    if !store.try_transact(first).await? {
        return Ok(false);
    }
    for mut writes in batches {
        writes.extend(profile.touch(root));
        if !store.try_transact(writes).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn same_traits(a: &Traits, b: &Traits) -> bool {
    let pairs = |traits: &Traits| {
        traits
            .iter()
            .map(|(name, value)| (name.clone(), value.value.get().to_owned(), value.updated_at))
            .collect::<Vec<_>>()
    };
    a.len() == b.len() && pairs(a) == pairs(b)
}
