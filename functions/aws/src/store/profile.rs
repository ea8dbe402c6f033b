//! Profiles: heads, merges, and what a profile's partition lists.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::{
    deletion::{Identifier, IdentifierState},
    identifier::IdentifierType,
    job::{Taker, Took},
    key::IdHash,
    profile::ProfileId,
    space::SpaceId,
    time::Time,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    Item, Key, Store, StoreError,
    keys::{EDGES, profile_partition},
    profile_deletion::Erased,
    read, sort_key, text,
};

/// Whether a profile is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileState {
    /// It is.
    Active,
    /// It was deleted whole.
    Deleted,
}

/// A profile's head as the table holds it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Head {
    /// The profile's id.
    pub profile_id: String,
    /// Whether the profile is there.
    pub state: ProfileState,
    /// The profile that this one was merged into; its own id otherwise.
    pub root: String,
    /// The profiles that were merged into this one.
    #[serde(default)]
    pub merged: BTreeSet<String>,
    /// The hash of the first identifier of the line that made it.
    pub loaded_as: Option<String>,
    /// When it was stored first; gone with the profile.
    #[serde(default = "epoch")]
    pub created_at: Time,
    /// When it was last added to; gone with the profile.
    #[serde(default = "epoch")]
    pub updated_at: Time,
    /// When it was deleted whole.
    #[serde(default)]
    pub deleted_at: Option<Time>,
    /// The job that deleted it.
    #[serde(default)]
    pub job_id: Option<String>,
    /// That job's group.
    #[serde(default)]
    pub job_group: Option<String>,
    /// The job's row that took it.
    #[serde(default)]
    pub job_row: Option<String>,
    /// How far its deletion has come, where it takes long.
    #[serde(default)]
    pub erased_to: Option<String>,
    /// What its deletion took along, where a receipt was asked for.
    #[serde(default)]
    pub erased: Option<Erased>,
}

fn epoch() -> Time {
    Time::EPOCH
}

impl Head {
    /// Whether a row of a job, or one that belongs with it, deleted it.
    pub fn taken_by(&self, taker: &Taker) -> Took {
        taker.compare(self.job_id.as_deref(), self.job_group.as_deref(), self.job_row.as_deref())
    }

    /// All profile ids of the merged whole, its root first.
    pub fn members(&self) -> impl Iterator<Item = ProfileId> {
        std::iter::once(&self.root).chain(&self.merged).filter_map(|id| ProfileId::parse(id).ok())
    }
}

/// One trait as the table holds it: a JSON text, and when it was set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trait {
    /// The value, as it was written.
    pub value: Box<RawValue>,
    /// When the event behind it happened, or when it was stored.
    pub updated_at: Time,
}

/// A profile's traits by name.
pub type Traits = BTreeMap<String, Trait>;

#[derive(Deserialize)]
struct TraitsItem {
    traits: String,
}

/// Where a page of identifiers ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The profile whose partition was being read.
    pub profile: String,
    /// The last edge that was returned.
    pub edge: String,
}

impl Position {
    /// Whether a list of this whole can have ended here. Clients send positions back, and can make them up.
    pub fn is_in(&self, whole: &Head) -> bool {
        let edge = self.edge.strip_prefix(EDGES).and_then(|edge| edge.rsplit_once('#'));
        let is_edge =
            edge.is_some_and(|(id_type, hash)| IdentifierType::parse(id_type).is_ok() && IdHash::parse(hash).is_some());
        is_edge && whole.members().any(|member| member.as_str() == self.profile)
    }
}

impl Store {
    /// Reads a head.
    pub async fn head(&self, space: &SpaceId, profile: &ProfileId) -> Result<Option<Head>, StoreError> {
        self.get(Key::head(space, profile)).await
    }

    /// The active merged whole that a profile belongs to, by its root's head. One read, two where it was merged.
    pub async fn whole(&self, space: &SpaceId, profile: &ProfileId) -> Result<Option<Head>, StoreError> {
        let Some(head) = self.head(space, profile).await? else { return Ok(None) };
        let root = match ProfileId::parse(&head.root) {
            Ok(root) if root != *profile => self.head(space, &root).await?,
            _ => Some(head),
        };
        Ok(root.filter(|root| root.state == ProfileState::Active))
    }

    /// Whether two profiles are parts of one active whole. One request, two read units.
    pub async fn are_merged(&self, space: &SpaceId, a: &ProfileId, b: &ProfileId) -> Result<bool, StoreError> {
        let items = self.get_many([Key::head(space, a), Key::head(space, b)]).await?;
        let heads = items.into_iter().map(read::<Head>).collect::<Result<Vec<_>, _>>()?;
        let [a, b] = heads.as_slice() else { return Ok(false) };
        Ok(a.root == b.root && a.state == ProfileState::Active && b.state == ProfileState::Active)
    }

    /// A page of a whole's active identifiers, at most `limit`, and where to go on. `None` means that the page is
    /// the last: it is looked for one identifier further, so that no page but the first can be empty.
    pub async fn list_identifiers(
        &self,
        space: &SpaceId,
        whole: &Head,
        types: Option<&[String]>,
        start: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<Identifier>, Option<Position>), StoreError> {
        let mut found: Vec<(Identifier, Position)> = Vec::new();
        let skipped = start
            .as_ref()
            .map_or(0, |start| whole.members().take_while(|member| member.as_str() != start.profile).count());
        let mut after = start.map(|start| start.edge);
        for member in whole.members().skip(skipped) {
            loop {
                let (edges, more) = self.edges(space, &member, after.take()).await?;
                let active = self.active_of(space, &member, &edges).await?;
                let wanted = active
                    .into_iter()
                    .filter(|(identifier, _)| types.is_none_or(|types| types.contains(&identifier.r#type)));
                found
                    .extend(wanted.map(|(identifier, edge)| {
                        (identifier, Position { profile: member.as_str().to_owned(), edge })
                    }));
                if found.len() > limit {
                    found.truncate(limit);
                    let next = found.last().map(|(_, position)| position.clone());
                    return Ok((found.into_iter().map(|(identifier, _)| identifier).collect(), next));
                }
                after = more;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok((found.into_iter().map(|(identifier, _)| identifier).collect(), None))
    }

    /// Up to 100 edges of a profile, and the last one where there are more.
    async fn edges(
        &self,
        space: &SpaceId,
        profile: &ProfileId,
        after: Option<String>,
    ) -> Result<(Vec<String>, Option<String>), StoreError> {
        let partition = profile_partition(space, profile);
        let start = after.map(|edge| Item::from(Key { pk: partition.clone(), sk: edge }));
        let reply = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :edges)")
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":edges", text(EDGES))
            .set_exclusive_start_key(start)
            .consistent_read(true)
            .limit(100)
            .send()
            .await?;
        let edges = reply.items.unwrap_or_default().iter().map(|item| sort_key(item).to_owned()).collect();
        Ok((edges, reply.last_evaluated_key.map(|key| sort_key(&key).to_owned())))
    }

    /// The hashes of a profile's identifiers of one type, those that were deleted, too.
    pub async fn hashes_of(
        &self,
        space: &SpaceId,
        profile: &ProfileId,
        id_type: &str,
    ) -> Result<Vec<IdHash>, StoreError> {
        let prefix = format!("{EDGES}{id_type}#");
        // Edges sort by type: from just before the first of this type on, until another type begins.
        let mut after = Some(prefix.clone());
        let mut hashes = Vec::new();
        loop {
            let (edges, more) = self.edges(space, profile, after).await?;
            let count = edges.len();
            let of_type = edges.iter().filter_map(|edge| edge.strip_prefix(&prefix)).filter_map(IdHash::parse);
            let before = hashes.len();
            hashes.extend(of_type);
            after = more.filter(|_| hashes.len() - before == count);
            if after.is_none() {
                return Ok(hashes);
            }
        }
    }

    /// The identifiers behind edges that are active under this profile, in the order of the edges.
    async fn active_of(
        &self,
        space: &SpaceId,
        profile: &ProfileId,
        edges: &[String],
    ) -> Result<Vec<(Identifier, String)>, StoreError> {
        let keys: Vec<(Key, &String)> = edges
            .iter()
            .filter_map(|edge| {
                let hash = IdHash::parse(edge.rsplit_once('#')?.1)?;
                Some((Key::identifier(space, &hash), edge))
            })
            .collect();
        let items = self.get_many(keys.iter().map(|(key, _)| key.clone())).await?;
        let mut by_key: HashMap<String, Item> =
            items.into_iter().map(|item| (super::partition_key(&item).to_owned(), item)).collect();
        let mut active = Vec::with_capacity(by_key.len());
        for (key, edge) in keys {
            let Some(item) = by_key.remove(&key.pk) else { continue };
            let identifier: Identifier = read(item)?;
            if identifier.state == IdentifierState::Active && identifier.profile_id == profile.as_str() {
                active.push((identifier, edge.clone()));
            }
        }
        Ok(active)
    }

    /// The traits of a whole: where merged profiles differ, the newest wins.
    pub async fn list_traits(&self, space: &SpaceId, whole: &Head) -> Result<Traits, StoreError> {
        let members: Vec<ProfileId> = whole.members().collect();
        let mut all = Traits::new();
        for members in members.chunks(100) {
            for item in self.get_many(members.iter().map(|member| Key::traits(space, member))).await? {
                merge_traits(&mut all, read_traits(item)?);
            }
        }
        Ok(all)
    }

    /// The heads of a whole.
    pub async fn list_heads(&self, space: &SpaceId, whole: &Head) -> Result<Vec<Head>, StoreError> {
        let members: Vec<ProfileId> = whole.members().collect();
        let mut heads = Vec::with_capacity(members.len());
        for members in members.chunks(100) {
            let items = self.get_many(members.iter().map(|member| Key::head(space, member))).await?;
            heads.extend(items.into_iter().map(read).collect::<Result<Vec<Head>, _>>()?);
        }
        Ok(heads)
    }
}

/// Adds traits to others: of two of one name the newer stays.
pub fn merge_traits(into: &mut Traits, more: Traits) {
    for (name, value) in more {
        match into.get(&name) {
            Some(old) if old.updated_at > value.updated_at => {}
            _ => {
                into.insert(name, value);
            }
        }
    }
}

pub(super) fn read_traits(item: Item) -> Result<Traits, StoreError> {
    let item: TraitsItem = read(item)?;
    serde_json::from_str(&item.traits).map_err(|_| StoreError::Internal("traits of an unknown shape".to_owned()))
}

pub(super) fn write_traits(traits: &Traits) -> AttributeValue {
    text(serde_json::to_string(traits).unwrap_or_default())
}
