//! Where things live: the keys of the table. The first letter of `pk` is what a function's role may touch.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::{
    job::{Group, JobId},
    key::IdHash,
    profile::ProfileId,
    space::SpaceId,
    token::TokenHash,
};

/// What the sort key of an item is that is alone in its partition.
const ALONE: &str = "-";

/// The sort key of a profile's head, after the edges to its identifiers.
pub const PROFILE_HEAD: &str = "H";

/// The prefix of a profile's identifier edges.
pub const EDGES: &str = "E#";

/// The prefix of a profile's edges to segments.
pub const SEGMENT_EDGES: &str = "M#";

/// The sort key of a profile's traits.
pub const TRAITS: &str = "T";

/// The sort key of a job's head, after the counters and before the pages.
pub const JOB_HEAD: &str = "H";

/// The prefix of a job's counters.
pub const COUNTERS: &str = "C#";

/// The prefix of a job's pages.
pub const PAGES: &str = "P#";

/// The partition of the jobs that somebody has to look after.
pub const LIVE: &str = "N#live";

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
        Self::new(profile_partition(space, profile), PROFILE_HEAD)
    }

    /// A profile's traits.
    pub fn traits(space: &SpaceId, profile: &ProfileId) -> Self {
        Self::new(profile_partition(space, profile), TRAITS)
    }

    /// A profile's edge to one of its identifiers. It holds no value, and outlives the identifier.
    pub fn edge(space: &SpaceId, profile: &ProfileId, id_type: &str, hash: &IdHash) -> Self {
        Self::new(profile_partition(space, profile), format!("{EDGES}{id_type}#{}", hash.as_str()))
    }

    /// A profile's edge to a segment that it is a member of.
    pub fn segment_edge(space: &SpaceId, profile: &ProfileId, segment: &str) -> Self {
        Self::new(profile_partition(space, profile), format!("{SEGMENT_EDGES}{segment}"))
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

    /// A job's head.
    pub fn job(space: &SpaceId, job: &JobId) -> Self {
        Self::new(job_partition(space, job), JOB_HEAD)
    }

    /// A page of a job, once it is committed.
    pub fn page(space: &SpaceId, job: &JobId, page: u32) -> Self {
        Self::new(job_partition(space, job), format!("{PAGES}{page:010}"))
    }

    /// One of a job's counters.
    pub fn counter(space: &SpaceId, job: &JobId, shard: u32) -> Self {
        Self::new(job_partition(space, job), format!("{COUNTERS}{shard:02}"))
    }

    /// What a job with a limit may still delete.
    pub fn allowance(space: &SpaceId, job: &JobId) -> Self {
        Self::new(job_partition(space, job), "A")
    }

    /// The rows of a chunk, by the content of its page: until a page is committed, two may claim its number.
    pub fn chunk_rows(space: &SpaceId, job: &JobId, page: u32, content: &str, chunk: u32) -> Self {
        Self::new(format!("Q#{space}#{job}#{page}#{content}#{chunk}"), ALONE)
    }

    /// A chunk's state and outcomes.
    pub fn chunk(space: &SpaceId, job: &JobId, page: u32, chunk: u32) -> Self {
        Self::new(chunks_partition(space, job, page), format!("{chunk:06}"))
    }

    /// A job's line in the list of its space, or of its group.
    pub fn listed_job(space: &SpaceId, group: Option<&Group>, job: &JobId) -> Self {
        Self::new(list_partition(space, group), job.as_str())
    }

    /// A job that somebody has to look after.
    pub fn live_job(space: &SpaceId, job: &JobId) -> Self {
        Self::new(LIVE.to_owned(), format!("{space}#{job}"))
    }

    /// One of the tallies of a space's, or a group's, jobs: of all, or of those in a final state.
    pub fn tally(space: &SpaceId, group: Option<&Group>, of: &str, shard: u32) -> Self {
        Self::new(tally_partition(space, group), format!("{of}#{shard:02}"))
    }

    /// A mark that a job leaves on a profile or an identifier, where the thing itself must stay as it is.
    pub fn mark(space: &SpaceId, job: &JobId, of: &str) -> Self {
        Self::new(format!("X#{space}#{job}#{of}"), ALONE)
    }

    /// The check value of the identifier key.
    pub fn key_check() -> Self {
        Self::new("C#identifier-key".to_owned(), ALONE)
    }
}

/// The partition of a job's head, pages and counters.
pub fn job_partition(space: &SpaceId, job: &JobId) -> String {
    format!("J#{space}#{job}")
}

/// The partition of the chunks of a page.
pub fn chunks_partition(space: &SpaceId, job: &JobId, page: u32) -> String {
    format!("O#{space}#{job}#{page}")
}

/// The partition of a list of jobs.
pub fn list_partition(space: &SpaceId, group: Option<&Group>) -> String {
    format!("L#{space}#{}", scope(group))
}

/// The partition of the tallies.
pub fn tally_partition(space: &SpaceId, group: Option<&Group>) -> String {
    format!("Y#{space}#{}", scope(group))
}

/// A group's label is told from what stands for none, whatever it is.
fn scope(group: Option<&Group>) -> String {
    group.map_or_else(|| "*".to_owned(), |group| format!("={}", group.as_str()))
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
