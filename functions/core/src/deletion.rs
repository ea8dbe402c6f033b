//! The deletion of an identifier: who deletes, what the table remembers of it, and what an attempt to delete means.
//!
//! An identifier is one item. Its deletion is one conditional write that turns the item into a **tombstone**: the
//! deletion, its record and the guard against coming back. [`decide`] says what it means when the condition failed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    id::{ProfileId, RequestId},
    identifier::{IdentifierType, IdentifierValue, Normalisation},
    job::{JobId, RowRef},
    key::{GroupHash, IdHash},
    log::Commitment,
    space::SpaceId,
    time::Time,
    token::TokenId,
};

/// How long a tombstone remembers the requests that deleted its identifier, in seconds: the 24 hours of an
/// `Idempotency-Key`, and one more for clocks that differ.
pub const REQUEST_MEMORY_SECONDS: i64 = 25 * 3_600;

/// The most requests that an identifier remembers: they are part of its item, which each deletion writes whole. One that
/// remembers so many stays deleted until the first of them is forgotten. A deletion is never rejected for it.
pub const REMEMBERED_REQUESTS: usize = 1_000;

/// Whether an identifier points at its profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierState {
    /// The identifier finds its profile.
    Active,
    /// The identifier was deleted: its item is a tombstone and holds no value.
    Deleted,
}

/// Why an identifier was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A request for this identifier alone.
    Request,
    /// A row of a job.
    Job,
}

impl Reason {
    /// The word in the table and in responses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Job => "job",
        }
    }
}

/// An identifier as the table holds it. The fields of a deletion stay when the identifier comes back: they say which
/// events are too old to claim it, and which requests have had their effect already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    /// Whether it points at its profile.
    pub state: IdentifierState,
    /// The profile that it points, or pointed, at. Merges do not change it.
    pub profile_id: ProfileId,
    /// Its type.
    pub r#type: IdentifierType,
    /// Its value; absent from a tombstone.
    pub value: Option<IdentifierValue>,
    /// When the latest event that named it happened; unknown where the event did not say.
    pub event_time: Option<Time>,
    /// When it was stored, for the first time or again.
    pub created_at: Time,
    /// When it was last deleted.
    pub deleted_at: Option<Time>,
    /// The token behind its last deletion.
    pub token_id: Option<TokenId>,
    /// The request behind its last deletion.
    pub request_id: Option<RequestId>,
    /// Why it was last deleted.
    pub reason: Option<Reason>,
    /// The job of its last deletion.
    pub job_id: Option<JobId>,
    /// That job's group.
    #[serde(default)]
    pub job_group: Option<GroupHash>,
    /// That job's row.
    #[serde(default)]
    pub job_row: Option<RowRef>,
    /// The requests that deleted it within [`REQUEST_MEMORY_SECONDS`].
    #[serde(default)]
    pub request_ids: BTreeSet<RequestId>,
    /// Counts its activations and deletions, from 1. 0: none since it was counted, as in an item of an earlier version.
    #[serde(default)]
    pub generation: u64,
    /// What the log calls this life of it, or, of a tombstone, its last one. Items of earlier versions have none.
    #[serde(default)]
    pub commitment: Option<Commitment>,
    /// The rule that its value was normalised by for the commitment. Both are written together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalisation: Option<Normalisation>,
}

impl Identifier {
    /// How the actor that last deleted it compares with a row.
    pub fn deleted_by(&self, row: &RowActor) -> DeletedBy {
        row.compare(self.job_id, self.job_group, self.job_row)
    }

    /// The profile that it points at; `None` where it is deleted.
    pub fn active_profile(&self) -> Option<ProfileId> {
        (self.state == IdentifierState::Active).then_some(self.profile_id)
    }
}

/// Who deletes. A tombstone remembers it, so that a repetition is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A request for one identifier.
    Request(RequestId),
    /// A row of a job.
    Row(RowActor),
}

impl Actor {
    /// The request that a tombstone names: a job's rows name the request that made the job.
    pub fn request(&self) -> RequestId {
        match self {
            Self::Request(request) => *request,
            Self::Row(row) => row.job.request(),
        }
    }

    /// The row, where a job deletes.
    pub fn row(&self) -> Option<&RowActor> {
        match self {
            Self::Request(_) => None,
            Self::Row(row) => Some(row),
        }
    }

    /// What the tombstone says.
    pub fn reason(&self) -> Reason {
        if self.row().is_some() { Reason::Job } else { Reason::Request }
    }
}

/// A row of a job as an actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowActor {
    /// The job.
    pub job: JobId,
    /// Its group.
    pub group: Option<GroupHash>,
    /// The row.
    pub row: RowRef,
}

/// How the actor that a tombstone, or a deleted head, remembers compares with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletedBy {
    /// It is this row: an earlier run of it, that was cut short or is being repeated.
    ThisRow,
    /// Another row of the same job.
    SameJob,
    /// A row of another job of the same group.
    SameGroup,
    /// A request, or a job that has nothing to do with this one.
    Other,
}

impl RowActor {
    /// Compares this row with the actor that an item remembers.
    pub fn compare(&self, job: Option<JobId>, group: Option<GroupHash>, row: Option<RowRef>) -> DeletedBy {
        if job == Some(self.job) {
            return if row == Some(self.row) { DeletedBy::ThisRow } else { DeletedBy::SameJob };
        }
        if self.group.is_some() && self.group == group { DeletedBy::SameGroup } else { DeletedBy::Other }
    }
}

/// One identifier to delete, and what its tombstone is to say.
#[derive(Debug, Clone)]
pub struct Deletion {
    /// The space.
    pub space: SpaceId,
    /// The identifier.
    pub target: IdHash,
    /// The profile that it must be active under.
    pub profile: ProfileId,
    /// When: the clock second in which a single deletion was counted.
    pub at: Time,
    /// Whose token asked.
    pub token_id: TokenId,
    /// Who deletes.
    pub actor: Actor,
    /// Whether the profile's own deletion has started. Nothing can come back under it then, so the identifier goes
    /// whatever deleted it before.
    pub profile_is_deleted: bool,
}

/// What follows from a deletion whose condition failed, because the identifier was not as the deletion requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// This actor has deleted it already: a reply was lost, or a request or row is repeated. It is a success.
    AlreadyDeleted,
    /// Another row of the job or its group deleted it, under this profile.
    Duplicate(ProfileId),
    /// It is active under another profile: delete it there.
    DeleteUnder(ProfileId),
    /// The profile has no such active identifier.
    NotFound,
}

impl Step {
    /// The profile that must be merged with the deletion's own for this step to hold, where it is another one.
    pub fn needs_merge_with(self, under: ProfileId) -> Option<ProfileId> {
        match self {
            Self::DeleteUnder(other) | Self::Duplicate(other) if other != under => Some(other),
            _ => None,
        }
    }
}

/// Decides what the found item means for an actor that wanted to delete it under the profile `under`. The actor is
/// compared before all else: what was acknowledged once stays acknowledged, even if the identifier has come back since.
pub fn decide(found: Option<&Identifier>, actor: &Actor, under: ProfileId) -> Step {
    let Some(found) = found else { return Step::NotFound };
    let deleted_by = match actor {
        Actor::Request(request) if found.request_ids.contains(request) => DeletedBy::ThisRow,
        Actor::Request(_) => DeletedBy::Other,
        Actor::Row(row) => found.deleted_by(row),
    };
    match (deleted_by, found.state) {
        (DeletedBy::ThisRow, _) => Step::AlreadyDeleted,
        (DeletedBy::SameJob, _) | (DeletedBy::SameGroup, IdentifierState::Deleted) => Step::Duplicate(found.profile_id),
        (_, IdentifierState::Active) if found.profile_id != under => Step::DeleteUnder(found.profile_id),
        _ => Step::NotFound,
    }
}

/// The requests that a returning identifier must still remember at a time.
pub fn remembered_requests(request_ids: &BTreeSet<RequestId>, now: Time) -> BTreeSet<RequestId> {
    let horizon = now.plus_seconds(-REQUEST_MEMORY_SECONDS);
    request_ids.iter().copied().filter(|id| id.time().is_none_or(|at| at >= horizon)).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn at(second: i64) -> Time {
        Time::from_millis(second * 1_000).unwrap()
    }

    pub(crate) fn request(second: i64) -> RequestId {
        RequestId::new(at(second), [1; 10])
    }

    pub(crate) fn profile(byte: u8) -> ProfileId {
        ProfileId::from_bytes([byte; 16])
    }

    /// An identifier of profile 1 that the request of that second deleted.
    pub(crate) fn tombstone(deleted_at: i64) -> Identifier {
        Identifier {
            state: IdentifierState::Deleted,
            profile_id: profile(1),
            r#type: "email".parse().unwrap(),
            value: None,
            event_time: None,
            created_at: at(0),
            deleted_at: Some(at(deleted_at)),
            token_id: None,
            request_id: Some(request(deleted_at)),
            reason: Some(Reason::Request),
            job_id: None,
            job_group: None,
            job_row: None,
            request_ids: [request(deleted_at)].into(),
            generation: 0,
            commitment: None,
            normalisation: None,
        }
    }

    pub(crate) fn active(identifier: Identifier) -> Identifier {
        Identifier { state: IdentifierState::Active, ..identifier }
    }

    pub(crate) fn row(job: i64, group: &str, row: u32) -> RowActor {
        let group = (!group.is_empty()).then(|| format!("{group:A<43}").parse().unwrap());
        RowActor { job: JobId::of_request(request(job)), group, row: RowRef { page: 0, row } }
    }

    pub(crate) fn deleted_by(row: &RowActor) -> Identifier {
        let (job_id, job_group, job_row) = (Some(row.job), row.group, Some(row.row));
        Identifier { job_id, job_group, job_row, request_ids: [row.job.request()].into(), ..tombstone(9) }
    }

    #[test]
    fn what_a_request_finds() {
        let (own, other) = (Actor::Request(request(100)), Actor::Request(request(101)));
        let check = |found: Option<Identifier>, actor: &Actor, under, expected| {
            assert_eq!(decide(found.as_ref(), actor, profile(under)), expected, "{found:?} {actor:?}");
        };
        check(None, &own, 1, Step::NotFound);
        check(Some(tombstone(100)), &own, 1, Step::AlreadyDeleted);
        check(Some(tombstone(100)), &other, 1, Step::NotFound);
        check(Some(active(tombstone(100))), &own, 1, Step::AlreadyDeleted);
        check(Some(active(tombstone(100))), &other, 2, Step::DeleteUnder(profile(1)));
        check(Some(active(tombstone(100))), &other, 1, Step::NotFound);
        check(Some(deleted_by(&row(7, "g", 1))), &own, 1, Step::NotFound);
    }

    #[test]
    fn what_a_row_finds() {
        let own = row(7, "g", 1);
        for (found, expected) in [
            (deleted_by(&own), Step::AlreadyDeleted),
            (active(deleted_by(&own)), Step::AlreadyDeleted),
            (deleted_by(&row(7, "g", 2)), Step::Duplicate(profile(1))),
            (active(deleted_by(&row(7, "g", 2))), Step::Duplicate(profile(1))),
            (deleted_by(&row(8, "g", 1)), Step::Duplicate(profile(1))),
            (active(deleted_by(&row(8, "g", 1))), Step::DeleteUnder(profile(1))),
            (deleted_by(&row(8, "h", 1)), Step::NotFound),
            (tombstone(100), Step::NotFound),
            (active(tombstone(100)), Step::DeleteUnder(profile(1))),
        ] {
            assert_eq!(decide(Some(&found), &Actor::Row(own.clone()), profile(2)), expected, "{found:?}");
        }
        let ungrouped = Actor::Row(row(7, "", 1));
        assert_eq!(decide(Some(&deleted_by(&row(8, "", 1))), &ungrouped, profile(2)), Step::NotFound);
    }

    #[test]
    fn a_step_in_another_profile_needs_a_merge() {
        for (step, under, expected) in [
            (Step::DeleteUnder(profile(1)), 2, Some(profile(1))),
            (Step::Duplicate(profile(1)), 2, Some(profile(1))),
            (Step::Duplicate(profile(1)), 1, None),
            (Step::AlreadyDeleted, 2, None),
            (Step::NotFound, 2, None),
        ] {
            assert_eq!(step.needs_merge_with(profile(under)), expected, "{step:?}");
        }
    }

    #[test]
    fn requests_are_remembered_for_25_hours() {
        let ids: BTreeSet<_> = [request(0), request(50_000)].into();
        assert_eq!(remembered_requests(&ids, at(90_001)), [request(50_000)].into());
        assert_eq!(remembered_requests(&ids, at(90_000)).len(), 2);
    }
}
