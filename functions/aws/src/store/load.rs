//! What a load line writes, as the parts of transactions. Each part has a condition on what the line was decided on.
//! Which parts a line has, and in which order, is decided by the engine.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::{
    activation::NewLife,
    deletion::{Identifier, remembered_requests},
    id::ProfileId,
    identifier::ExternalId,
    key::IdHash,
    segment::SegmentId,
    space::SpaceId,
    time::Time,
};

use super::{
    Item, Key, Store, StoreError, Write,
    keys::SEGMENT_EDGES,
    profile::{Traits, write_traits},
    read::sort_key,
    value::{ToValue, text_set, to_attribute},
};

/// The most items that DynamoDB takes in a transaction, 100, less the profile's head, its root's head and its traits, and
/// one more.
pub const PARTS_PER_TRANSACTION: usize = 96;

/// The profile that a line is about, in its space, at the time of the load.
#[derive(Debug, Clone, Copy)]
pub struct LoadedProfile<'a> {
    /// The space.
    pub space: &'a SpaceId,
    /// The profile.
    pub id: ProfileId,
    /// The time of the load.
    pub now: Time,
}

impl Store {
    /// Those of some identifiers that are there, by their hashes.
    pub async fn stored_identifiers(
        &self,
        space: &SpaceId,
        hashes: &BTreeSet<IdHash>,
    ) -> Result<HashMap<IdHash, Identifier>, StoreError> {
        let hashes: Vec<IdHash> = hashes.iter().copied().collect();
        let found = self.identifiers(space, &hashes, true).await?;
        found.into_iter().map(|(hash, identifier)| Ok((hash, identifier?))).collect()
    }

    /// Those of some segments that a profile is a member of.
    pub async fn memberships(
        &self,
        profile: LoadedProfile<'_>,
        segments: &BTreeSet<&SegmentId>,
    ) -> Result<BTreeSet<SegmentId>, StoreError> {
        let edges = segments.iter().map(|segment| Key::segment_edge(profile.space, profile.id, segment));
        let mut found = BTreeSet::new();
        for item in self.get_many(edges).await? {
            found.insert(segment_of(sort_key(&item)?)?);
        }
        Ok(found)
    }
}

impl LoadedProfile<'_> {
    /// The head of a new profile, merged into `root` where there is one.
    pub fn new_head(self, loaded_as: IdHash, root: Option<ProfileId>) -> Write {
        let texts = [
            ("profile_id", self.id.to_string()),
            ("state", "active".to_owned()),
            ("root", root.unwrap_or(self.id).to_string()),
            ("loaded_as", loaded_as.to_string()),
            ("created_at", self.now.to_string()),
            ("updated_at", self.now.to_string()),
        ];
        let mut item: Item = texts.into_iter().map(|(name, text)| (name.to_owned(), text.to_value())).collect();
        item.insert("version".to_owned(), 1_i64.to_value());
        item.extend(root.map(|_| ("merged_at".to_owned(), self.now.to_value())));
        Write::put(Key::head(self.space, self.id), item).when("attribute_not_exists(pk)")
    }

    /// Merges a profile that exists, has no members of its own and is not merged yet, into `root`.
    pub fn merge_into(self, root: ProfileId) -> Write {
        Write::update(Key::head(self.space, self.id), "SET #root = :root, updated_at = :now, merged_at = :now")
            .when("#state = :active AND #root = :self AND attribute_not_exists(merged)")
            .value(":active", "active")
            .value(":self", self.id)
            .value(":root", root)
            .value(":now", self.now)
    }

    /// Adds the profile to its root's list of members.
    pub fn list_as_member(self, root: ProfileId) -> Write {
        Write::update(Key::head(self.space, root), "SET updated_at = :now ADD merged :merged, version :one")
            .when("#state = :active AND #root = :root")
            .value(":one", 1_i64)
            .value(":active", "active")
            .value(":root", root)
            .value(":merged", text_set([self.id]))
            .value(":now", self.now)
    }

    /// Notes when the profile was added to, if it is active and still merged into `root`, and counts that on the root's
    /// head: a plan that was made before does not hold for it any more.
    pub fn touch(self, root: ProfileId) -> Vec<Write> {
        let touched = |profile, expression| {
            Write::update(Key::head(self.space, profile), expression)
                .when("#state = :active AND #root = :root")
                .value(":active", "active")
                .value(":root", root)
        };
        if root == self.id {
            let own = touched(root, "SET updated_at = :now ADD version :one");
            return vec![own.value(":now", self.now).value(":one", 1_i64)];
        }
        let own = touched(self.id, "SET updated_at = :now").value(":now", self.now);
        vec![own, touched(root, "ADD version :one").value(":one", 1_i64)]
    }

    /// Writes traits over those that were read.
    pub fn put_traits(self, before: &Traits, after: &Traits) -> Result<Write, StoreError> {
        let item = Item::from([("traits".to_owned(), write_traits(after)?)]);
        let put = Write::put(Key::traits(self.space, self.id), item);
        Ok(if before.is_empty() {
            put.when("attribute_not_exists(pk)")
        } else {
            put.when("traits = :before").value(":before", write_traits(before)?)
        })
    }

    /// Makes an identifier active under the profile, if it still is as it was read, and lists it by an edge. The record of
    /// an earlier deletion stays on it. `life` was made for the generation that was read, so that one is a part of the
    /// condition.
    pub fn activate(
        self,
        hash: IdHash,
        external_id: &ExternalId,
        event_time: Option<Time>,
        life: NewLife,
        old: Option<&Identifier>,
    ) -> Result<[Write; 2], StoreError> {
        let mut expression = "SET #state = :active, profile_id = :profile, #type = :type, #value = :value, \
                              event_time = :event, created_at = :now, generation = :generation, \
                              commitment = :commitment, normalisation = :normalisation"
            .to_owned();
        let mut requests = Item::new();
        if let Some(old) = old {
            let kept = remembered_requests(&old.request_ids, self.now);
            if kept.is_empty() {
                expression.push_str(" REMOVE request_ids");
            } else {
                expression.push_str(", request_ids = :requests");
                requests.insert(":requests".to_owned(), text_set(kept));
            }
        }
        let write = Write::update(Key::identifier(self.space, hash), expression)
            .value(":active", "active")
            .value(":profile", self.id)
            .value(":type", external_id.id_type.as_str())
            .value(":value", external_id.value.expose())
            .value(":event", event_time)
            .value(":now", self.now)
            .value(":generation", life.generation)
            .value(":commitment", life.commitment)
            .value(":normalisation", to_attribute(life.normalisation)?)
            .values(requests);
        let write = match old.and_then(|old| Some((old.deleted_at?, old.generation))) {
            None => write.when("attribute_not_exists(pk)"),
            Some((deleted_at, generation)) => {
                let is_as_read = "#state = :deleted AND deleted_at = :deleted_at";
                let write = write.value(":deleted", "deleted").value(":deleted_at", deleted_at);
                if generation == 0 {
                    // A version that did not count wrote it.
                    write.when(format!("{is_as_read} AND attribute_not_exists(generation)"))
                } else {
                    write.when(format!("{is_as_read} AND generation = :before")).value(":before", generation)
                }
            }
        };
        Ok([write, Write::put_key(Key::edge(self.space, self.id, &external_id.id_type, hash))])
    }

    /// Keeps the latest event that named an active identifier: once the identifier is deleted, no event up to that one
    /// brings it back.
    pub fn keep_event_time(self, hash: IdHash, holder: ProfileId, event: Time) -> Write {
        Write::update(Key::identifier(self.space, hash), "SET event_time = :event")
            .when("#state = :active AND profile_id = :profile")
            .value(":active", "active")
            .value(":profile", holder)
            .value(":event", event)
    }

    /// Makes the profile a member of a segment whose gate is open: the membership, and the edge by which it is found.
    pub fn join(self, segment: &SegmentId) -> [Write; 3] {
        [
            open_gate(self.space, segment, self.id),
            Write::put_key(Key::membership(self.space, segment, self.id)),
            Write::put_key(Key::segment_edge(self.space, self.id, segment)),
        ]
    }

    /// Makes a member of a segment whose gate is open none.
    pub fn leave(self, segment: &SegmentId) -> [Write; 3] {
        [
            open_gate(self.space, segment, self.id),
            Write::delete(Key::membership(self.space, segment, self.id)),
            Write::delete(Key::segment_edge(self.space, self.id, segment)).when("attribute_exists(pk)"),
        ]
    }
}

/// Checks that nobody has closed the gate of the profile's shard of a segment.
fn open_gate(space: &SpaceId, segment: &SegmentId, profile: ProfileId) -> Write {
    Write::check(Key::gate(space, segment, profile.shard().into()), "attribute_not_exists(pk)")
}

/// The segment that an edge leads to.
pub(super) fn segment_of(edge: &str) -> Result<SegmentId, StoreError> {
    let segment = edge.strip_prefix(SEGMENT_EDGES).and_then(|segment| segment.parse().ok());
    segment.ok_or_else(|| StoreError::unreadable("edge to a segment"))
}

/// The size of traits as they are stored, in bytes.
pub fn traits_size(traits: &Traits) -> Result<usize, StoreError> {
    Ok(match write_traits(traits)? {
        AttributeValue::S(text) => text.len(),
        _ => 0,
    })
}
