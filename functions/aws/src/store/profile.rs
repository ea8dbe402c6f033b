//! Profiles: heads, merges, and what a profile's partition lists.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::{
    deletion::Identifier,
    id::ProfileId,
    identifier::IdentifierType,
    key::IdHash,
    profile::{Head, ProfileState},
    space::SpaceId,
    time::Time,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{
    Item, Key, Store, StoreError,
    keys::{EDGES, edges_of, profile_partition},
    read::{Query, end_of_partition, last_part, read, sort_key},
    value::ToValue,
};

pub(super) const KIND: &str = "profile's head";

/// Edges that are read at once.
const EDGES_AT_ONCE: i32 = 100;

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

/// Where a page of a profile's identifiers ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentifierCursor {
    /// The member whose partition was being read.
    pub profile: ProfileId,
    /// The last edge that was returned.
    pub edge: String,
}

impl IdentifierCursor {
    /// Whether it names an edge. Clients send cursors back, and can make them up.
    pub fn is_edge(&self) -> bool {
        let edge = self.edge.strip_prefix(EDGES).and_then(|edge| edge.rsplit_once('#'));
        edge.is_some_and(|(id_type, hash)| IdentifierType::parse(id_type).is_ok() && hash.parse::<IdHash>().is_ok())
    }

    /// Whether a list of this merged profile can have ended here.
    pub fn is_in(&self, root: &Head) -> bool {
        root.members().any(|member| member == self.profile)
    }
}

/// Edges of one profile: a prefix of their sort keys, and the edge after which they begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeRange {
    profile: ProfileId,
    prefix: String,
    after: Option<String>,
}

/// The edges of a merged profile from a cursor on, of some types or of all, in the order of the list: by member, then by
/// type. Types sort as their edges do, because `#`, which ends a type in an edge, sorts before all that a type is made of.
pub fn edge_ranges(
    root: &Head,
    types: Option<&BTreeSet<IdentifierType>>,
    start: Option<IdentifierCursor>,
) -> Vec<EdgeRange> {
    let prefixes = types.map_or_else(|| vec![EDGES.to_owned()], |types| types.iter().map(edges_of).collect());
    let IdentifierCursor { profile: first, edge } =
        start.unwrap_or_else(|| IdentifierCursor { profile: root.root, edge: String::new() });
    let mut ranges = Vec::new();
    for profile in root.members().skip_while(|member| *member != first) {
        let edge = if profile == first { edge.as_str() } else { "" };
        for prefix in prefixes.iter().filter(|prefix| edge.starts_with(*prefix) || edge < prefix.as_str()) {
            let after = edge.starts_with(prefix).then(|| edge.to_owned());
            ranges.push(EdgeRange { profile, prefix: prefix.clone(), after });
        }
    }
    ranges
}

impl Store {
    /// Reads a head.
    pub async fn head(&self, space: &SpaceId, profile: ProfileId) -> Result<Option<Head>, StoreError> {
        self.get(Key::head(space, profile), KIND).await
    }

    /// The head of the root that a profile belongs to, active or deleted. One read, two where the profile was merged.
    pub async fn root(&self, space: &SpaceId, profile: ProfileId) -> Result<Option<Head>, StoreError> {
        match self.head(space, profile).await? {
            Some(head) if !head.is_root() => self.head(space, head.root).await,
            head => Ok(head),
        }
    }

    /// The same, where the merged profile is active.
    pub async fn active_root(&self, space: &SpaceId, profile: ProfileId) -> Result<Option<Head>, StoreError> {
        Ok(self.root(space, profile).await?.filter(|root| root.state == ProfileState::Active))
    }

    /// Whether two profiles are members of one active merged profile. One request, two read units.
    pub async fn are_merged(&self, space: &SpaceId, a: ProfileId, b: ProfileId) -> Result<bool, StoreError> {
        let items = self.get_many([Key::head(space, a), Key::head(space, b)]).await?;
        let heads = items.into_iter().map(|item| read::<Head>(item, KIND)).collect::<Result<Vec<_>, _>>()?;
        let [a, b] = heads.as_slice() else { return Ok(false) };
        Ok(a.root == b.root && a.state == ProfileState::Active && b.state == ProfileState::Active)
    }

    /// A page of the active identifiers behind edges, at most `limit`, and where to go on. Without a cursor the page is the
    /// last: it is looked for one identifier further. At `until` it ends with what was found, and goes on looking where
    /// nothing was. So no page that has a cursor is empty.
    pub async fn list_identifiers(
        &self,
        space: &SpaceId,
        ranges: Vec<EdgeRange>,
        limit: usize,
        until: Instant,
    ) -> Result<(Vec<Identifier>, Option<IdentifierCursor>), StoreError> {
        let mut found = Vec::new();
        // All that is active up to here is in `found`.
        let mut end = None;
        for EdgeRange { profile, prefix, after } in ranges {
            let mut next = Some(after);
            while let Some(after) = next {
                if !found.is_empty() && Instant::now() >= until {
                    return Ok((found, end));
                }
                let (edges, more) = self.edges(space, profile, &prefix, after).await?;
                let last = edges.last().cloned();
                for (identifier, edge) in self.active_of(space, profile, edges).await? {
                    if found.len() == limit {
                        return Ok((found, end));
                    }
                    found.push(identifier);
                    end = Some(IdentifierCursor { profile, edge });
                }
                end = last.map(|edge| IdentifierCursor { profile, edge }).or(end);
                next = more.map(Some);
            }
        }
        Ok((found, None))
    }

    /// Up to 100 of a profile's edges with a prefix, and the last one where there are more.
    async fn edges(
        &self,
        space: &SpaceId,
        profile: ProfileId,
        prefix: &str,
        after: Option<String>,
    ) -> Result<(Vec<String>, Option<String>), StoreError> {
        let query = Query::prefix(profile_partition(space, profile), prefix).after(after).limit(EDGES_AT_ONCE);
        let (items, more) = self.query(query).await?;
        let edges = items.iter().map(|item| sort_key(item).map(str::to_owned)).collect::<Result<_, _>>()?;
        Ok((edges, more))
    }

    /// The hashes of a profile's identifiers of one type, deleted ones too.
    pub async fn hashes_of(
        &self,
        space: &SpaceId,
        profile: ProfileId,
        id_type: &IdentifierType,
    ) -> Result<Vec<IdHash>, StoreError> {
        let mut hashes = Vec::new();
        let mut after = None;
        loop {
            let (edges, more) = self.edges(space, profile, &edges_of(id_type), after).await?;
            for edge in edges {
                hashes.push(last_part(&edge, "edge to an identifier")?);
            }
            after = more;
            if after.is_none() {
                return Ok(hashes);
            }
        }
    }

    /// The identifiers behind edges that are active under this profile, in the order of the edges.
    async fn active_of(
        &self,
        space: &SpaceId,
        profile: ProfileId,
        edges: Vec<String>,
    ) -> Result<Vec<(Identifier, String)>, StoreError> {
        let hash = |edge: &String| last_part::<IdHash>(edge, "edge to an identifier");
        let hashes = edges.iter().map(hash).collect::<Result<Vec<_>, _>>()?;
        let mut by_hash: HashMap<IdHash, Item> = HashMap::with_capacity(edges.len());
        for item in self.get_many(hashes.iter().map(|hash| Key::identifier(space, *hash))).await? {
            by_hash.insert(end_of_partition(&item, "identifier")?, item);
        }
        let mut active = Vec::with_capacity(by_hash.len());
        for (hash, edge) in hashes.into_iter().zip(edges) {
            let Some(item) = by_hash.remove(&hash) else { continue };
            let identifier: Identifier = read(item, "identifier")?;
            if identifier.active_profile() == Some(profile) {
                active.push((identifier, edge));
            }
        }
        Ok(active)
    }

    /// The traits of a merged profile: where members differ, the newest wins.
    pub async fn list_traits(&self, space: &SpaceId, root: &Head) -> Result<Traits, StoreError> {
        let mut all = Traits::new();
        for item in self.get_many(root.members().map(|member| Key::traits(space, member))).await? {
            merge_traits(&mut all, read_traits(item)?);
        }
        Ok(all)
    }

    /// The traits of one profile.
    pub async fn traits(&self, space: &SpaceId, profile: ProfileId) -> Result<Traits, StoreError> {
        let item = self.get_item(Key::traits(space, profile), true).await?;
        Ok(item.map(read_traits).transpose()?.unwrap_or_default())
    }

    /// The heads of a merged profile's members.
    pub async fn list_heads(&self, space: &SpaceId, root: &Head) -> Result<Vec<Head>, StoreError> {
        self.heads_of(space, &root.members().collect::<Vec<_>>()).await
    }

    /// The heads of some profiles that are there, by id. One that cannot be read is an error of its own.
    pub async fn heads_by_id(
        &self,
        space: &SpaceId,
        profiles: &[ProfileId],
    ) -> Result<HashMap<ProfileId, Result<Head, StoreError>>, StoreError> {
        let items = self.get_many(profiles.iter().map(|profile| Key::head(space, *profile))).await?;
        items.into_iter().map(|item| Ok((end_of_partition(&item, KIND)?, read(item, KIND)))).collect()
    }

    /// The heads of some profiles that are there, in no order.
    pub async fn heads_of(&self, space: &SpaceId, profiles: &[ProfileId]) -> Result<Vec<Head>, StoreError> {
        let items = self.get_many(profiles.iter().map(|profile| Key::head(space, *profile))).await?;
        items.into_iter().map(|item| read(item, KIND)).collect()
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
    let item: TraitsItem = read(item, "profile's traits")?;
    serde_json::from_str(&item.traits).map_err(|_| StoreError::unreadable("profile's traits"))
}

/// Traits as their item holds them: one JSON text.
pub(super) fn write_traits(traits: &Traits) -> Result<AttributeValue, StoreError> {
    let text = serde_json::to_string(traits);
    Ok(text.map_err(|_| StoreError::Internal("traits that cannot be stored".to_owned()))?.to_value())
}
