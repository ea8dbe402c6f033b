//! Where items live: the keys of the table. The first letter of a partition key is the kind of item, and a function's
//! role is limited by it.

use efface_core::{
    id::ProfileId,
    identifier::IdentifierType,
    job::{JobId, JobState, chunk::ChunkId},
    key::{GroupHash, IdHash},
    limit::Limit,
    segment::SegmentId,
    space::SpaceId,
    time::Time,
    token::{TokenHash, TokenId},
};

use crate::items::key::{ALONE, Key};

/// The sort key of a profile's head, after the edges to its identifiers.
pub const PROFILE_HEAD: &str = "H";

/// The prefix of a profile's edges to its identifiers.
pub(super) const EDGES: &str = "E#";

/// The prefix of a profile's edges to segments.
pub(super) const SEGMENT_EDGES: &str = "M#";

/// The sort key of a closed gate, before those of the memberships.
const GATE: &str = "-";

/// The prefix of the sort keys of memberships.
pub(super) const MEMBERS: &str = "use_";

/// The sort key of a profile's traits.
pub(super) const TRAITS: &str = "T";

/// The sort key of a job's head, after the counters and before the pages.
pub(super) const JOB_HEAD: &str = "H";

/// The prefix of a job's counters.
pub(super) const COUNTERS: &str = "C#";

/// The prefix of a job's pages.
pub(super) const PAGES: &str = "P#";

/// The prefix of the tokens in their space's list.
pub(super) const LISTED_TOKENS: &str = "T#";

/// The partition of the list of all spaces.
pub(super) const SPACES: &str = "Z#spaces";

/// Shards of the list of jobs that the reconciler looks after. All spaces share the list, and a partition takes 1,000
/// writes a second.
pub(super) const LIVE_SHARDS: u8 = 8;

impl Key {
    /// A token, by its hash.
    pub fn token(hash: &TokenHash) -> Self {
        Self::new(format!("T#{hash}"), ALONE)
    }

    /// A space's settings.
    pub fn space(space: &SpaceId) -> Self {
        Self::new(space_partition(space), ALONE)
    }

    /// The last stop of the whole stack.
    pub fn stop() -> Self {
        Self::new("Z#stop".to_owned(), ALONE)
    }

    /// A space in the list of all spaces, with its last stop and whether its deletions are switched on.
    pub fn listed_space(space: &SpaceId) -> Self {
        Self::new(SPACES.to_owned(), space.as_str())
    }

    /// How far the search for spaces that are not in the list has come.
    pub(super) fn space_search() -> Self {
        Self::new("Z#search".to_owned(), ALONE)
    }

    /// A token in its space's list.
    pub fn listed_token(space: &SpaceId, token_id: &TokenId) -> Self {
        Self::new(space_partition(space), format!("{LISTED_TOKENS}{token_id}"))
    }

    /// An identifier, active or deleted.
    pub fn identifier(space: &SpaceId, hash: IdHash) -> Self {
        Self::new(format!("I#{space}#{hash}"), ALONE)
    }

    /// A profile's head.
    pub fn head(space: &SpaceId, profile: ProfileId) -> Self {
        Self::new(profile_partition(space, profile), PROFILE_HEAD)
    }

    /// A profile's traits.
    pub fn traits(space: &SpaceId, profile: ProfileId) -> Self {
        Self::new(profile_partition(space, profile), TRAITS)
    }

    /// A profile's edge to one of its identifiers. It holds no value, and stays when the identifier is deleted.
    pub fn edge(space: &SpaceId, profile: ProfileId, id_type: &IdentifierType, hash: IdHash) -> Self {
        Self::new(profile_partition(space, profile), format!("{}{hash}", edges_of(id_type)))
    }

    /// A profile's edge to a segment that it is a member of.
    pub fn segment_edge(space: &SpaceId, profile: ProfileId, segment: &SegmentId) -> Self {
        Self::new(profile_partition(space, profile), format!("{SEGMENT_EDGES}{segment}"))
    }

    /// A membership, in one of a segment's 256 shards.
    pub fn membership(space: &SpaceId, segment: &SegmentId, profile: ProfileId) -> Self {
        Self::new(members_partition(space, segment, profile.shard().into()), profile.to_string())
    }

    /// The closed gate of a shard of a segment; there is none while profiles may join. It is in the partition of the
    /// memberships, so that joins of different shards never meet in one item.
    pub fn gate(space: &SpaceId, segment: &SegmentId, shard: u16) -> Self {
        Self::new(members_partition(space, segment, shard), GATE)
    }

    /// A segment.
    pub fn segment(space: &SpaceId, segment: &SegmentId) -> Self {
        Self::new(segments_partition(space), segment.to_string())
    }

    /// Whose turn it is to empty a segment of the space.
    pub fn segment_turn(space: &SpaceId) -> Self {
        Self::new(format!("{}#turn", segments_partition(space)), ALONE)
    }

    /// An idempotency key, by its hash.
    pub fn idempotency(space: &SpaceId, hash: &str) -> Self {
        Self::new(format!("K#{space}#{hash}"), ALONE)
    }

    /// The count of what is limited in a second.
    pub fn count(space: &SpaceId, limit: Limit, second: i64) -> Self {
        Self::new(format!("R#{space}#{limit}#{second}"), ALONE)
    }

    /// A job's head.
    pub fn job(space: &SpaceId, job: JobId) -> Self {
        Self::new(job_partition(space, job), JOB_HEAD)
    }

    /// A page of a job, once it is committed.
    pub fn page(space: &SpaceId, job: JobId, page: u32) -> Self {
        Self::new(job_partition(space, job), format!("{PAGES}{page:010}"))
    }

    /// One of a job's counters.
    pub fn counter(space: &SpaceId, job: JobId, shard: u32) -> Self {
        Self::new(job_partition(space, job), format!("{COUNTERS}{shard:02}"))
    }

    /// An event of a job: by the version of its head when it happened, and its place among those of that version. So events
    /// are in the order in which they happened, however the clocks of the functions differ.
    pub fn job_event(space: &SpaceId, job: JobId, version: i64, place: u8) -> Self {
        Self::new(events_partition(space, job), format!("{version:010}#{place:02}"))
    }

    /// What a job with a limit may still delete.
    pub fn allowance(space: &SpaceId, job: JobId) -> Self {
        Self::new(job_partition(space, job), "A")
    }

    /// The rows of a chunk, by the content of its page: until a page is committed, two may claim its number.
    pub fn chunk_rows(space: &SpaceId, job: JobId, page: u32, content: &str, chunk: u32) -> Self {
        Self::new(format!("Q#{space}#{job}#{page}#{content}#{chunk}"), ALONE)
    }

    /// A chunk's state and outcomes.
    pub fn chunk(space: &SpaceId, job: JobId, id: ChunkId) -> Self {
        Self::new(chunks_partition(space, job, id.page), format!("{:06}", id.chunk))
    }

    /// What a write of a chunk's outcomes, by its version, found in a dry run.
    pub fn findings(space: &SpaceId, job: JobId, id: ChunkId, version: i64) -> Self {
        Self::new(findings_partition(space, job, id.page), format!("{:06}#{version:06}", id.chunk))
    }

    /// A job in a list of its space, or of its group.
    pub fn listed_job(space: &SpaceId, group: Option<GroupHash>, list: &str, job: JobId) -> Self {
        Self::new(list_partition(space, group, list), job.to_string())
    }

    /// A job that the reconciler looks after.
    pub fn live_job(space: &SpaceId, job: JobId) -> Self {
        Self::new(live_partition(job.shard(LIVE_SHARDS)), format!("{space}#{job}"))
    }

    /// Where the reconciler stopped in that list.
    pub fn live_cursor() -> Self {
        Self::new("N#cursor".to_owned(), ALONE)
    }

    /// One shard of an aggregate counter of a space's, or a group's, jobs: of all, or of those in a final state.
    pub fn aggregate(space: &SpaceId, group: Option<GroupHash>, of: &str, shard: u32) -> Self {
        Self::new(aggregate_partition(space, group), format!("{of}#{shard:02}"))
    }

    /// A row's reservation of what a dry run would delete.
    pub fn reservation(space: &SpaceId, job: JobId, of: &str) -> Self {
        Self::new(format!("X#{space}#{job}#{of}"), ALONE)
    }

    /// The note of a page, by its number and content, that its job is to delete a `user_id`.
    pub fn target(space: &SpaceId, job: JobId, target: IdHash, (page, content): (u32, &str)) -> Self {
        Self::new(targets_partition(space, job, target), format!("{page}#{content}"))
    }

    /// The check value of the identifier key.
    pub fn key_check() -> Self {
        Self::new("C#identifier-key".to_owned(), ALONE)
    }

    /// The check value of the log key, with which the identifiers of all spaces are committed to.
    pub fn log_key_check() -> Self {
        Self::new("C#log-key".to_owned(), ALONE)
    }

    /// How far `efface admin reapply` has come from an old table to this one: of the run, or of a segment.
    pub(super) fn reapply(from: &str, part: &str) -> Self {
        Self::new(reapply_partition(from), part)
    }
}

/// The partition of what `efface admin reapply` keeps.
pub(super) fn reapply_partition(from: &str) -> String {
    format!("A#reapply#{from}")
}

/// The prefix of a profile's edges to its identifiers of one type.
pub(super) fn edges_of(id_type: &IdentifierType) -> String {
    format!("{EDGES}{id_type}#")
}

/// The partition of a space's segments.
pub(super) fn segments_partition(space: &SpaceId) -> String {
    format!("G#{space}")
}

/// The partition of a shard of a segment's members.
pub(super) fn members_partition(space: &SpaceId, segment: &SegmentId, shard: u16) -> String {
    format!("M#{space}#{segment}#{shard:02x}")
}

/// The partition of a job's head, pages and counters.
pub(super) fn job_partition(space: &SpaceId, job: JobId) -> String {
    format!("J#{space}#{job}")
}

/// The partition of a job's events.
pub(super) fn events_partition(space: &SpaceId, job: JobId) -> String {
    format!("E#{space}#{job}")
}

/// The partition of the chunks of a page.
pub(super) fn chunks_partition(space: &SpaceId, job: JobId, page: u32) -> String {
    format!("O#{space}#{job}#{page}")
}

/// The partition of what a dry run found by the rows of a page.
pub(super) fn findings_partition(space: &SpaceId, job: JobId, page: u32) -> String {
    format!("F#{space}#{job}#{page}")
}

/// The partition of the notes that a job is to delete a `user_id`.
pub(super) fn targets_partition(space: &SpaceId, job: JobId, target: IdHash) -> String {
    format!("X#{space}#{job}#target#{target}")
}

/// The partition of a list of jobs.
pub(super) fn list_partition(space: &SpaceId, group: Option<GroupHash>, list: &str) -> String {
    format!("L#{space}#{}#{list}", scope(group))
}

/// The list of all jobs.
pub const ALL_JOBS: &str = "all";

/// Before the ids of all jobs that were made at this time or later. An id begins with the time of its request.
pub(super) fn jobs_since(time: Time) -> String {
    format!("job_{:012x}", time.millis().max(0))
}

/// The list of the jobs in a state. Queued and running jobs share one: the start of the first chunk is then a write of one
/// item, and jobs are queued for a short time only.
pub(super) fn list_of(state: JobState) -> &'static str {
    if state.accepts_chunks() { "active" } else { state.as_str() }
}

/// A shard of the list of jobs that the reconciler looks after.
pub(super) fn live_partition(shard: u8) -> String {
    format!("N#live#{shard}")
}

/// The partition of the aggregate counters.
pub(super) fn aggregate_partition(space: &SpaceId, group: Option<GroupHash>) -> String {
    format!("Y#{space}#{}", scope(group))
}

/// `*` for a space, or the hash of a group.
fn scope(group: Option<GroupHash>) -> String {
    group.map_or_else(|| "*".to_owned(), |group| group.to_string())
}

/// The partition of a space's settings and tokens.
pub(super) fn space_partition(space: &SpaceId) -> String {
    format!("S#{space}")
}

/// The partition of a profile's head, traits and edges.
pub(super) fn profile_partition(space: &SpaceId, profile: ProfileId) -> String {
    format!("P#{space}#{profile}")
}
