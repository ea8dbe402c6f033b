//! What `efface admin reapply` reads of the old table and writes to the restored one, and how far it has come. Items are
//! copied as they are, so that nothing of them is lost that this version does not know.
//!
//! This is the only scan of a table: deletions have no index, and the command runs once in a table's life.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::{
    deletion::Identifier,
    id::ProfileId,
    job::JobId,
    key::IdHash,
    profile::Head,
    reapply::{EndedLife, LostTombstone},
    space::SpaceId,
    time::Time,
    token_record::TokenRecord,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Item, Key, Store, StoreError,
    keys::{JOB_HEAD, LISTED_TOKENS, PROFILE_HEAD, SPACES, reapply_partition},
    profile,
    read::{Query, end_of_partition, key_of, read},
    token::last_use,
    value::{ToValue, to_attribute, to_item},
    write::Write,
};

/// The segments that a table is scanned in, side by side. Cursors are kept by segment, so the number must not change
/// while a run is unfinished.
pub const SEGMENTS: u8 = 16;

const RUN: &str = "run";

/// An item of the old table that may matter to the restored one.
#[derive(Debug, Clone)]
pub struct OldItem {
    /// Its key.
    pub key: Key,
    /// The item as it is.
    pub item: Item,
    /// What it is.
    pub record: OldRecord,
}

/// What an item of the old table is.
#[derive(Debug, Clone)]
pub enum OldRecord {
    /// An identifier that is or was deleted, and its space.
    Identifier(SpaceId, Box<Identifier>),
    /// A deleted profile's head, and its space.
    Head(SpaceId, Box<Head>),
    /// A space's settings.
    Space,
    /// An entry of the list of all spaces, with the space's last stop; or the last stop of the stack.
    Stop,
    /// The check value of the log key. The commitments that are copied were made with that key.
    LogKeyCheck,
    /// A token, by its hash or in its space's list.
    Token(Box<TokenRecord>),
    /// An idempotency key, and when it expires.
    IdempotencyKey(Time),
    /// A job's head.
    Job(SpaceId, JobId),
}

/// A part of the scan of a segment.
#[derive(Debug)]
pub struct ScannedPart {
    /// What may matter.
    pub items: Vec<OldItem>,
    /// How many items were looked at.
    pub scanned: i64,
    /// Where to go on; `None` at the end of the segment.
    pub more: Option<Key>,
}

/// How an item is copied over what the restored table has under its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Over whatever is there.
    Anything,
    /// If nothing is there.
    Nothing,
    /// If what is there was not deleted, or before this time, and has still this generation; 0 for nothing, and for an
    /// item of before there were generations.
    DeletedBefore(Time, u64),
    /// If the head that is there is active, or was deleted at this time.
    HeadDeletedAt(Time),
    /// If the key that is there expires before this time.
    ExpiresBefore(Time),
}

/// The runs of the command from one old table to this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReapplyRun {
    /// The number of the run, from 1.
    pub run: i64,
    /// The last run that was finished; 0 where none was.
    pub finished: i64,
    /// When this run was begun.
    pub started_at: Time,
    /// When the last run was finished.
    pub finished_at: Option<Time>,
    /// Whether the jobs that were live in the backup are cancelled.
    pub jobs_are_cancelled: bool,
    /// How many of them this run has cancelled.
    pub cancelled_jobs: i64,
}

/// How far a run has come with a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment<Counts> {
    /// Its number.
    pub segment: u8,
    /// The run that this is about.
    pub run: i64,
    /// The key of the old table that the scan goes on after, partition and sort key.
    pub after: Option<(String, String)>,
    /// Whether the segment's end is reached.
    pub is_done: bool,
    /// What was done.
    pub counts: Counts,
}

/// Deleted identifiers and heads, settings, tokens, idempotency keys, heads of jobs, and the check value of the log
/// key. An identifier that was never deleted, and an active head, are nothing to take over.
const FILTER: &str = "((begins_with(pk, :identifiers) OR begins_with(pk, :profiles)) \
                      AND (attribute_exists(deleted_at) OR #state = :deleted)) \
                      OR begins_with(pk, :spaces) OR pk = :stop OR pk = :listed OR pk = :log_key \
                      OR begins_with(pk, :tokens) OR begins_with(pk, :keys) \
                      OR (begins_with(pk, :jobs) AND sk = :head)";

/// A tombstone is made to tell the end of another life, which had a commitment. The record of its deletion stays.
const RECOUNT: &str = "SET generation = :generation, created_at = :created_at, commitment = :commitment, \
                       normalisation = :normalisation";

/// The same for a life that an earlier version began: it has none, and that of another life must not stay.
const RECOUNT_BARE: &str = "SET generation = :generation, created_at = :created_at REMOVE commitment, normalisation";

impl Store {
    /// Scans a part of a segment, at most so many items, as of the last acknowledged writes.
    pub async fn scan_part(&self, segment: u8, after: Option<Key>, limit: i32) -> Result<ScannedPart, StoreError> {
        let mut scan = self.client.scan().table_name(&self.table).consistent_read(true).limit(limit);
        for (name, value) in [
            (":identifiers", "I#"),
            (":profiles", "P#"),
            (":spaces", "S#"),
            (":stop", &Key::stop().pk),
            (":listed", SPACES),
            (":log_key", &Key::log_key_check().pk),
            (":tokens", "T#"),
            (":keys", "K#"),
            (":jobs", "J#"),
            (":head", JOB_HEAD),
            (":deleted", "deleted"),
        ] {
            scan = scan.expression_attribute_values(name, value.to_value());
        }
        let reply = scan
            .filter_expression(FILTER)
            .expression_attribute_names("#state", "state")
            .segment(segment.into())
            .total_segments(SEGMENTS.into())
            .set_exclusive_start_key(after.map(Item::from))
            .send()
            .await?;
        let items = reply.items.unwrap_or_default().into_iter().map(old_item).collect::<Result<_, _>>()?;
        let more = reply.last_evaluated_key.as_ref().map(key_of).transpose()?;
        Ok(ScannedPart { items, scanned: reply.scanned_count.into(), more })
    }

    /// The items with these keys that are there, as they are.
    pub async fn items(&self, keys: impl IntoIterator<Item = Key>) -> Result<HashMap<Key, Item>, StoreError> {
        self.get_many(keys).await?.into_iter().map(|item| Ok((key_of(&item)?, item))).collect()
    }

    /// Those of some identifiers that are there, as items of the old table.
    pub async fn old_identifiers(
        &self,
        space: &SpaceId,
        hashes: &[IdHash],
    ) -> Result<HashMap<IdHash, OldItem>, StoreError> {
        let items = self.get_many(hashes.iter().map(|hash| Key::identifier(space, *hash))).await?;
        items.into_iter().map(|item| Ok((end_of_partition(&item, "identifier")?, old_item(item)?))).collect()
    }

    /// The heads of some profiles that are there, as items of the old table.
    pub async fn old_heads(
        &self,
        space: &SpaceId,
        profiles: &[ProfileId],
    ) -> Result<HashMap<ProfileId, OldItem>, StoreError> {
        let items = self.get_many(profiles.iter().map(|profile| Key::head(space, *profile))).await?;
        items.into_iter().map(|item| Ok((end_of_partition(&item, profile::KIND)?, old_item(item)?))).collect()
    }

    /// Copies an item of another table. Whether it was written.
    pub async fn copy(&self, item: Item, over: Over) -> Result<bool, StoreError> {
        let put = Write::put(key_of(&item)?, item);
        let write = match over {
            Over::Anything => put,
            Over::Nothing => put.when("attribute_not_exists(pk)"),
            Over::DeletedBefore(at, generation) => {
                let is_older = "(attribute_not_exists(deleted_at) OR deleted_at < :at)";
                if_counted_as(put, generation, is_older).value(":at", at)
            }
            Over::HeadDeletedAt(at) => {
                let put = put.when("attribute_not_exists(pk) OR #state = :active OR deleted_at = :at");
                put.value(":active", "active").value(":at", at)
            }
            Over::ExpiresBefore(at) => put.when("attribute_not_exists(pk) OR expires_at < :at").value(":at", at),
        };
        Ok(self.write(write).await?.is_done())
    }

    /// Has a tombstone tell the end of another life, if it still has the generation that it was read with. Whether it
    /// was written.
    pub async fn recount(&self, key: Key, life: EndedLife, generation: u64) -> Result<bool, StoreError> {
        let write = Write::update(key, if life.commitment.is_some() { RECOUNT } else { RECOUNT_BARE });
        let write = if_counted_as(write, generation, "#state = :deleted").value(":deleted", "deleted");
        Ok(self.write(write.values(life_values(life, ":")?)).await?.is_done())
    }

    /// Marks a token's item as revoked, if it is not yet.
    pub async fn revoke_item(&self, key: Key, at: Time) -> Result<bool, StoreError> {
        let write = Write::update(key, "SET revoked_at = :at")
            .when("attribute_exists(pk) AND (attribute_not_exists(revoked_at) OR revoked_at = :none)")
            .value(":none", None::<Time>)
            .value(":at", at);
        Ok(self.write(write).await?.is_done())
    }

    /// Takes over when a token was used last, unless its item knows of a later use, or there is none.
    pub async fn take_over_use(&self, key: Key, at: Time) -> Result<(), StoreError> {
        self.write(last_use(key, at, at.just_before())).await.map(drop)
    }

    /// How far the command has come from an old table, where it has run before.
    pub async fn reapply_run(&self, from: &str) -> Result<Option<ReapplyRun>, StoreError> {
        self.get(Key::reapply(from, RUN), "run of reapply").await
    }

    /// Keeps it.
    pub async fn keep_reapply_run(&self, from: &str, run: &ReapplyRun) -> Result<(), StoreError> {
        self.write(Write::put_record(Key::reapply(from, RUN), run)?).await.map(drop)
    }

    /// How far a run has come with each segment that it has begun.
    pub async fn reapply_segments<C: DeserializeOwned>(
        &self,
        from: &str,
        run: i64,
    ) -> Result<Vec<Segment<C>>, StoreError> {
        let (items, _) = self.query(Query::prefix(reapply_partition(from), SEGMENT)).await?;
        let segments = items.into_iter().map(|item| read(item, "segment of reapply"));
        let segments = segments.collect::<Result<Vec<Segment<C>>, _>>()?;
        Ok(segments.into_iter().filter(|segment| segment.run == run).collect())
    }

    /// Keeps how far a run has come with a segment.
    pub async fn keep_reapply_segment<C: Serialize>(&self, from: &str, segment: &Segment<C>) -> Result<(), StoreError> {
        let key = Key::reapply(from, &format!("{SEGMENT}{:03}", segment.segment));
        self.write(Write::put(key, to_item(segment)?)).await.map(drop)
    }
}

/// The prefix of the segments, after the run.
const SEGMENT: &str = "segment#";

/// A write under a condition, if what is there still has this generation; 0 for nothing, and for an item of before
/// there were generations.
fn if_counted_as(write: Write, generation: u64, condition: &str) -> Write {
    if generation == 0 {
        return write.when(format!("{condition} AND attribute_not_exists(generation)"));
    }
    write.when(format!("{condition} AND generation = :read")).value(":read", generation)
}

/// What a tombstone tells of the life that it ends. A life without a commitment has no value for it.
fn life_values(life: EndedLife, prefix: &str) -> Result<Item, StoreError> {
    let mut values = vec![("generation", life.generation.to_value()), ("created_at", life.created_at.to_value())];
    if let Some(commitment) = life.commitment {
        values.push(("commitment", commitment.to_value()));
        values.push(("normalisation", to_attribute(life.normalisation)?));
    }
    Ok(values.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value)).collect())
}

impl OldItem {
    /// The tombstone, as the end of another life.
    pub fn tombstone_of(&self, life: EndedLife) -> Result<Item, StoreError> {
        let mut item = self.item.clone();
        item.remove("commitment");
        item.remove("normalisation");
        item.extend(life_values(life, "")?);
        Ok(item)
    }

    /// The tombstone that the last deletion of an identifier had left, which came back since.
    pub fn lost_tombstone(&self, lost: LostTombstone) -> Result<Item, StoreError> {
        let mut item = self.tombstone_of(lost.life)?;
        item.remove("value");
        for (name, value) in [
            ("state", "deleted".to_value()),
            ("profile_id", lost.profile_id.to_value()),
            ("event_time", lost.event_time.to_value()),
        ] {
            item.insert(name.to_owned(), value);
        }
        // It remembers the request of its deletion, which an identifier that came back may have forgotten.
        if let Some(AttributeValue::S(request)) = item.get("request_id").cloned() {
            let mut requests = match item.remove("request_ids") {
                Some(AttributeValue::Ss(requests)) => requests,
                _ => Vec::new(),
            };
            if !requests.contains(&request) {
                requests.push(request);
            }
            item.insert("request_ids".to_owned(), AttributeValue::Ss(requests));
        }
        Ok(item)
    }
}

/// Reads what an item holds, where it is there.
pub fn read_there<T: DeserializeOwned>(item: Option<&Item>, kind: &str) -> Result<Option<T>, StoreError> {
    item.map(|item| read(item.clone(), kind)).transpose()
}

fn old_item(item: Item) -> Result<OldItem, StoreError> {
    let key = key_of(&item)?;
    let record = old_record(&key, &item)?;
    Ok(OldItem { key, item, record })
}

fn old_record(key: &Key, item: &Item) -> Result<OldRecord, StoreError> {
    let unknown = || StoreError::unreadable("key");
    let (kind, rest) = key.pk.split_once('#').ok_or_else(unknown)?;
    let in_space = |rest: &str| -> Result<(SpaceId, String), StoreError> {
        let (space, rest) = rest.split_once('#').ok_or_else(unknown)?;
        Ok((space.parse().map_err(|_| unknown())?, rest.to_owned()))
    };
    match (kind, key.sk.as_str()) {
        ("I", _) => Ok(OldRecord::Identifier(in_space(rest)?.0, Box::new(read(item.clone(), "identifier")?))),
        ("P", PROFILE_HEAD) => Ok(OldRecord::Head(in_space(rest)?.0, Box::new(read(item.clone(), profile::KIND)?))),
        ("S", listed) if listed.starts_with(LISTED_TOKENS) => token(item),
        ("S", _) => Ok(OldRecord::Space),
        ("Z", _) => Ok(OldRecord::Stop),
        ("C", _) => Ok(OldRecord::LogKeyCheck),
        ("T", _) => token(item),
        ("K", _) => {
            let expiry: Expiry = read(item.clone(), "idempotency key")?;
            Ok(OldRecord::IdempotencyKey(expiry.expires_at))
        }
        ("J", JOB_HEAD) => {
            let (space, job) = in_space(rest)?;
            Ok(OldRecord::Job(space, job.parse().map_err(|_| unknown())?))
        }
        _ => Err(unknown()),
    }
}

#[derive(Deserialize)]
struct Expiry {
    expires_at: Time,
}

fn token(item: &Item) -> Result<OldRecord, StoreError> {
    Ok(OldRecord::Token(Box::new(read(item.clone(), "token")?)))
}
