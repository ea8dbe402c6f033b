//! Where things live: the keys of the table. The first letter of `pk` is what a function's role may touch.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::{key::IdHash, profile::ProfileId, space::SpaceId, token::TokenHash};

/// What the sort key of an item is that is alone in its partition.
const ALONE: &str = "-";

/// The prefix of a profile's identifier edges.
pub const EDGES: &str = "E#";

/// A primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

impl Key {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    /// A token, by its hash.
    pub fn token(hash: &TokenHash) -> Self {
        Self::new(format!("T#{}", hash.as_str()), ALONE)
    }

    /// A space's settings.
    pub fn space(space: &SpaceId) -> Self {
        Self::new(space_partition(space), ALONE)
    }

    /// A token's line in its space's list.
    pub fn listed_token(space: &SpaceId, token_id: &str) -> Self {
        Self::new(space_partition(space), format!("T#{token_id}"))
    }

    /// An identifier, active or deleted.
    pub fn identifier(space: &SpaceId, hash: &IdHash) -> Self {
        Self::new(format!("I#{space}#{}", hash.as_str()), ALONE)
    }

    /// A profile's head.
    pub fn head(space: &SpaceId, profile: &ProfileId) -> Self {
        Self::new(profile_partition(space, profile), "H")
    }

    /// A profile's traits.
    pub fn traits(space: &SpaceId, profile: &ProfileId) -> Self {
        Self::new(profile_partition(space, profile), "T")
    }

    /// A profile's edge to one of its identifiers. It holds no value, and outlives the identifier.
    pub fn edge(space: &SpaceId, profile: &ProfileId, id_type: &str, hash: &IdHash) -> Self {
        Self::new(profile_partition(space, profile), format!("{EDGES}{id_type}#{}", hash.as_str()))
    }

    /// A profile's edge to a segment that it is a member of.
    pub fn segment_edge(space: &SpaceId, profile: &ProfileId, segment: &str) -> Self {
        Self::new(profile_partition(space, profile), format!("M#{segment}"))
    }

    /// A membership, in one of a segment's 256 shards.
    pub fn membership(space: &SpaceId, segment: &str, profile: &ProfileId) -> Self {
        let shard = &profile.as_str()["use_".len()..][..2];
        Self::new(format!("M#{space}#{segment}#{shard}"), profile.as_str())
    }

    /// A request's idempotency key, hashed.
    pub fn idempotency(space: &SpaceId, hash: &str) -> Self {
        Self::new(format!("K#{space}#{hash}"), ALONE)
    }

    /// The count of single deletions in a second: of the space, or of one profile.
    pub fn count(space: &SpaceId, profile: Option<&str>, second: i64) -> Self {
        let scope = profile.unwrap_or(ALONE);
        Self::new(format!("R#{space}#{scope}#{second}"), ALONE)
    }

    /// The check value of the identifier key.
    pub fn key_check() -> Self {
        Self::new("C#identifier-key".to_owned(), ALONE)
    }
}

/// The partition of a space's settings and tokens.
pub fn space_partition(space: &SpaceId) -> String {
    format!("S#{space}")
}

/// The partition of a profile's head, traits and edges.
pub fn profile_partition(space: &SpaceId, profile: &ProfileId) -> String {
    format!("P#{space}#{}", profile.as_str())
}

impl From<Key> for HashMap<String, AttributeValue> {
    fn from(key: Key) -> Self {
        Self::from([("pk".to_owned(), AttributeValue::S(key.pk)), ("sk".to_owned(), AttributeValue::S(key.sk))])
    }
}
