//! Loading: a profile's identifiers, traits, segments and merge, written so that nothing that was deleted comes back.
//!
//! A line that is loaded again changes nothing. Each identifier is written together with its edge in a transaction
//! that checks that the profile is there.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, ConditionCheck, Put, TransactWriteItem, Update},
};
use efface_core::{
    deletion::{Claim, Identifier, claim, remembered},
    identifier::ExternalId,
    key::{IdHash, SpaceKey},
    profile::ProfileId,
    seed::SeedProfile,
    space::{Space, SpaceId},
    time::Time,
};
use thiserror::Error;

use super::{
    Item, Key, Store, StoreError,
    identifiers::{codes, failed_condition, is_conflict, names, pause},
    partition_key,
    profiles::{Head, ProfileState, Trait, Traits, merge_traits, read_traits, write_traits},
    read, sort_key, text,
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
    profile: &'a SeedProfile,
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
        profile: &SeedProfile,
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
        let mut rest = self.segment_writes(line, &id, head.is_some()).await?;
        rest.extend(self.identifier_writes(line, &id, &claims, &stored));
        if head.is_some() && first.is_empty() && rest.is_empty() {
            return Ok(Some(loaded));
        }
        // The first transaction makes the head; every later one checks that it is still there.
        let mut batches = rest.chunks(ITEMS_PER_TRANSACTION);
        first.extend(batches.next().unwrap_or_default().iter().cloned());
        // A merge writes the head of a profile that exists, under a condition of its own.
        if head.is_some() && root.is_none() {
            first.push(self.touch_head(line, &id));
        }
        if !self.transact(first).await? {
            return Ok(None);
        }
        for batch in batches {
            let mut writes = batch.to_vec();
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

    /// The head and the traits, where they change; and the root's list of merged profiles.
    async fn profile_writes(
        &self,
        line: &Line<'_>,
        id: &ProfileId,
        head: Option<&Head>,
        root: Option<&ProfileId>,
    ) -> Result<Writes, LoadError> {
        let mut writes = Writes::new();
        let traits_key = Key::traits(line.space_id, id);
        let old: Option<Traits> = match head {
            Some(_) => self.get_many([traits_key.clone()]).await?.pop().map(read_traits).transpose()?,
            None => None,
        };
        let mut traits = old.unwrap_or_default();
        let before = write_traits(&traits);
        let new = line.traits(&traits);
        merge_traits(&mut traits, new);
        let after = write_traits(&traits);
        if after.as_s().is_ok_and(|json| json.len() > efface_core::seed::MAX_LINE_BYTES) {
            return Err(LoadError::LargeTraits);
        }
        if after != before {
            let mut item = Item::from(traits_key);
            item.insert("traits".to_owned(), after);
            let mut put = Put::builder().table_name(&self.table).set_item(Some(item));
            // What was merged must still be what is there.
            put = match before {
                AttributeValue::S(json) if json == "{}" => put.condition_expression("attribute_not_exists(pk)"),
                before => put.condition_expression("traits = :before").expression_attribute_values(":before", before),
            };
            writes.push(TransactWriteItem::builder().set_put(put.build().ok()).build());
        }
        if head.is_none() {
            writes.push(self.new_head(line, id, root));
        } else if let Some(root) = root {
            let update = Update::builder()
                .update_expression("SET #root = :root, updated_at = :now")
                .set_expression_attribute_names(Some(names(&["state", "root"])))
                .condition_expression("#state = :active AND #root = :self AND attribute_not_exists(merged)")
                .expression_attribute_values(":self", text(id.as_str()))
                .expression_attribute_values(":active", text("active"))
                .expression_attribute_values(":root", text(root.as_str()))
                .expression_attribute_values(":now", text(line.now.to_string()));
            writes.push(self.update(update, Key::head(line.space_id, id)));
        }
        if let Some(root) = root {
            let update = Update::builder()
                .update_expression("SET updated_at = :now ADD merged :merged")
                .set_expression_attribute_names(Some(names(&["state", "root"])))
                .condition_expression("#state = :active AND #root = :root")
                .expression_attribute_values(":now", text(line.now.to_string()))
                .expression_attribute_values(":active", text("active"))
                .expression_attribute_values(":root", text(root.as_str()))
                .expression_attribute_values(":merged", AttributeValue::Ss(vec![id.as_str().to_owned()]));
            writes.push(self.update(update, Key::head(line.space_id, root)));
        }
        Ok(writes)
    }

    fn new_head(&self, line: &Line<'_>, id: &ProfileId, root: Option<&ProfileId>) -> TransactWriteItem {
        let mut item = Item::from(Key::head(line.space_id, id));
        let now = line.now.to_string();
        for (name, value) in [
            ("profile_id", id.as_str()),
            ("state", "active"),
            ("root", root.unwrap_or(id).as_str()),
            ("loaded_as", line.hashes[0].as_str()),
            ("created_at", now.as_str()),
            ("updated_at", now.as_str()),
        ] {
            item.insert(name.to_owned(), text(value));
        }
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk)").build().ok();
        TransactWriteItem::builder().set_put(put).build()
    }

    /// Memberships and their edges, less those that the profile has already.
    async fn segment_writes(&self, line: &Line<'_>, id: &ProfileId, exists: bool) -> Result<Writes, StoreError> {
        let mut segments: BTreeSet<&String> = line.profile.segments.iter().collect();
        if exists && !segments.is_empty() {
            let all: Vec<Key> = segments.iter().map(|name| Key::segment_edge(line.space_id, id, name)).collect();
            for edges in all.chunks(100) {
                for item in self.get_many(edges.iter().cloned()).await? {
                    segments.retain(|name| sort_key(&item).strip_prefix("M#") != Some(name.as_str()));
                }
            }
        }
        let keys = segments
            .into_iter()
            .flat_map(|name| [Key::membership(line.space_id, name, id), Key::segment_edge(line.space_id, id, name)]);
        Ok(keys.map(|key| self.put(Item::from(key))).collect())
    }

    fn identifier_writes(
        &self,
        line: &Line<'_>,
        id: &ProfileId,
        claims: &[Claim],
        stored: &HashMap<String, Identifier>,
    ) -> Writes {
        let mut writes = Writes::new();
        for ((hash, external_id), claim) in line.hashes.iter().zip(&line.profile.external_ids).zip(claims) {
            let old = stored.get(hash.as_str());
            if !matches!(claim, Claim::New | Claim::Again) {
                continue;
            }
            writes.push(self.activate(line, id, hash, external_id, old));
            let edge = Key::edge(line.space_id, id, external_id.id_type.as_str(), hash);
            writes.push(self.put(Item::from(edge)));
        }
        writes
    }

    /// Makes an identifier active, provided that it is still as it was read. The record of an earlier deletion stays.
    fn activate(
        &self,
        line: &Line<'_>,
        id: &ProfileId,
        hash: &IdHash,
        external_id: &ExternalId,
        old: Option<&Identifier>,
    ) -> TransactWriteItem {
        let event_time = line.profile.timestamp.map_or(AttributeValue::Null(true), |at| text(at.to_string()));
        let mut expression = "SET #state = :active, profile_id = :profile, #type = :type, #value = :value, \
                              event_time = :event, created_at = :now"
            .to_owned();
        let mut update = Update::builder()
            .set_expression_attribute_names(Some(names(&["state", "type", "value"])))
            .expression_attribute_values(":active", text("active"))
            .expression_attribute_values(":profile", text(id.as_str()))
            .expression_attribute_values(":type", text(external_id.id_type.as_str()))
            .expression_attribute_values(":value", text(external_id.value.expose()))
            .expression_attribute_values(":event", event_time)
            .expression_attribute_values(":now", text(line.now.to_string()));
        let Some(deleted_at) = old.and_then(|old| old.deleted_at) else {
            update = update.update_expression(expression).condition_expression("attribute_not_exists(pk)");
            return self.update(update, Key::identifier(line.space_id, hash));
        };
        let kept = old.map(|old| remembered(&old.request_ids, line.now)).unwrap_or_default();
        if kept.is_empty() {
            expression.push_str(" REMOVE request_ids");
        } else {
            expression.push_str(", request_ids = :requests");
            update = update.expression_attribute_values(":requests", AttributeValue::Ss(kept));
        }
        update = update
            .update_expression(expression)
            .condition_expression("#state = :deleted AND deleted_at = :deleted_at")
            .expression_attribute_values(":deleted", text("deleted"))
            .expression_attribute_values(":deleted_at", text(deleted_at.to_string()));
        self.update(update, Key::identifier(line.space_id, hash))
    }

    /// Tells when the profile was added to, provided that it is there.
    fn touch_head(&self, line: &Line<'_>, id: &ProfileId) -> TransactWriteItem {
        let update = Update::builder()
            .update_expression("SET updated_at = :now")
            .condition_expression("#state = :active")
            .set_expression_attribute_names(Some(names(&["state"])))
            .expression_attribute_values(":active", text("active"))
            .expression_attribute_values(":now", text(line.now.to_string()));
        self.update(update, Key::head(line.space_id, id))
    }

    fn head_check(&self, space: &SpaceId, id: &ProfileId) -> TransactWriteItem {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(Key::head(space, id).into()))
            .condition_expression("#state = :active")
            .set_expression_attribute_names(Some(names(&["state"])))
            .expression_attribute_values(":active", text("active"));
        TransactWriteItem::builder().set_condition_check(check.build().ok()).build()
    }

    fn put(&self, item: Item) -> TransactWriteItem {
        let put = Put::builder().table_name(&self.table).set_item(Some(item)).build().ok();
        TransactWriteItem::builder().set_put(put).build()
    }

    fn update(&self, update: aws_sdk_dynamodb::types::builders::UpdateBuilder, key: Key) -> TransactWriteItem {
        let update = update.table_name(&self.table).set_key(Some(key.into())).build().ok();
        TransactWriteItem::builder().set_update(update).build()
    }

    /// Whether the writes were done; `false` where something that they were decided on has changed.
    async fn transact(&self, writes: Writes) -> Result<bool, StoreError> {
        let Err(error) = self.client.transact_write_items().set_transact_items(Some(writes)).send().await else {
            return Ok(true);
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                let reasons = canceled.cancellation_reasons();
                if reasons.iter().any(|reason| failed_condition(reason) || is_conflict(reason)) {
                    Ok(false)
                } else {
                    Err(StoreError::Unavailable(codes(reasons)))
                }
            }
            _ => Err(error.into()),
        }
    }
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
