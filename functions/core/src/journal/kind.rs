//! What an event tells: the closed list of what this version writes, and room for what later versions add.

use std::{fmt, str::FromStr};

use crate::{id::BadId, text::serde_as_text};

/// The longest part of a kind's name, in characters.
const MAX_PART: usize = 32;

/// What happened, written `noun.verb`.
///
/// This version writes the kinds that have a variant here. It also keeps, commits and indexes entries of kinds that only a
/// later version knows: two versions write to one journal during a deployment. So it is an enum, for which the compiler
/// sees to it that no kind is forgotten, with one variant for names that it does not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// An identifier became active, for the first time or again.
    IdentifierCreated,
    /// An identifier was deleted.
    IdentifierRemoved,
    /// A profile was made.
    ProfileCreated,
    /// A profile was merged into another one.
    ProfileMerged,
    /// All of a profile is gone.
    ProfileDeleted,
    /// A segment was made, for the first time or again.
    SegmentCreated,
    /// A segment was renamed, switched, or claimed by a job.
    SegmentChanged,
    /// A segment was deleted.
    SegmentRemoved,
    /// A job was made.
    JobCreated,
    /// Somebody other than its maker approved a job.
    JobApproved,
    /// Somebody rejected a job.
    JobRejected,
    /// A job waits for its time: whoever made, started or approved it has given one.
    JobScheduled,
    /// A job may be carried out from now on.
    JobStarted,
    /// A job starts nothing further for now.
    JobPaused,
    /// A job goes on.
    JobResumed,
    /// A job was stopped for good, and nothing of it runs any more.
    JobCancelled,
    /// Every row of a job has its outcome.
    JobCompleted,
    /// A job's outcomes were read again and add up to its counts.
    JobVerified,
    /// A job's failed rows are tried again.
    JobRedriven,
    /// A token was made.
    TokenCreated,
    /// A token was revoked.
    TokenRevoked,
    /// A space was made.
    SpaceCreated,
    /// A space's settings were changed.
    SpaceChanged,
    /// What happened at this ordinal is not known: it was never captured, and the table does not tell it any more.
    JournalGap,
    /// A kind that a later version added.
    Other(OtherKind),
}

impl EventKind {
    /// Every kind that this version writes.
    pub const ALL: [Self; 24] = [
        Self::IdentifierCreated,
        Self::IdentifierRemoved,
        Self::ProfileCreated,
        Self::ProfileMerged,
        Self::ProfileDeleted,
        Self::SegmentCreated,
        Self::SegmentChanged,
        Self::SegmentRemoved,
        Self::JobCreated,
        Self::JobApproved,
        Self::JobRejected,
        Self::JobScheduled,
        Self::JobStarted,
        Self::JobPaused,
        Self::JobResumed,
        Self::JobCancelled,
        Self::JobCompleted,
        Self::JobVerified,
        Self::JobRedriven,
        Self::TokenCreated,
        Self::TokenRevoked,
        Self::SpaceCreated,
        Self::SpaceChanged,
        Self::JournalGap,
    ];

    /// The name in entries, keys and responses.
    pub fn as_str(&self) -> &str {
        match self {
            Self::IdentifierCreated => "identifier.created",
            Self::IdentifierRemoved => "identifier.removed",
            Self::ProfileCreated => "profile.created",
            Self::ProfileMerged => "profile.merged",
            Self::ProfileDeleted => "profile.deleted",
            Self::SegmentCreated => "segment.created",
            Self::SegmentChanged => "segment.changed",
            Self::SegmentRemoved => "segment.removed",
            Self::JobCreated => "job.created",
            Self::JobApproved => "job.approved",
            Self::JobRejected => "job.rejected",
            Self::JobScheduled => "job.scheduled",
            Self::JobStarted => "job.started",
            Self::JobPaused => "job.paused",
            Self::JobResumed => "job.resumed",
            Self::JobCancelled => "job.cancelled",
            Self::JobCompleted => "job.completed",
            Self::JobVerified => "job.verified",
            Self::JobRedriven => "job.redriven",
            Self::TokenCreated => "token.created",
            Self::TokenRevoked => "token.revoked",
            Self::SpaceCreated => "space.created",
            Self::SpaceChanged => "space.changed",
            Self::JournalGap => "journal.gap",
            Self::Other(other) => &other.0,
        }
    }
}

/// The name of a kind that this version does not know. It is made only by [`EventKind::from_str`], so that a kind never has
/// two forms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OtherKind(String);

impl FromStr for EventKind {
    type Err = BadId;

    /// Two parts of 1 to 32 of `a-z 0-9 _`, with a dot between them.
    fn from_str(text: &str) -> Result<Self, BadId> {
        if let Some(known) = Self::ALL.into_iter().find(|kind| kind.as_str() == text) {
            return Ok(known);
        }
        let fits = text.split_once('.').is_some_and(|(noun, verb)| is_part(noun) && is_part(verb));
        if fits { Ok(Self::Other(OtherKind(text.to_owned()))) } else { Err(BadId("kind of an event")) }
    }
}

fn is_part(text: &str) -> bool {
    (1..=MAX_PART).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

serde_as_text!(EventKind);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_read_back_as_its_kind() {
        for kind in EventKind::ALL {
            assert_eq!(kind.as_str().parse().as_ref(), Ok(&kind));
            assert!(!matches!(kind, EventKind::Other(_)));
        }
        assert_eq!(EventKind::ALL.iter().map(EventKind::as_str).collect::<BTreeSet<_>>().len(), EventKind::ALL.len());
    }

    #[test]
    fn names_of_later_versions_are_kept() {
        for text in ["hold.placed", "identifier.x", "a.b", &format!("{0}.{0}", "a".repeat(32))] {
            let kind: EventKind = text.parse().unwrap();
            assert!(matches!(kind, EventKind::Other(_)), "{text}");
            assert_eq!(kind.to_string(), text);
        }
        let long = format!("{}.x", "a".repeat(33));
        for bad in ["", ".", "a", "a.", ".a", "a.b.c", "A.b", "a#b.c", "a.b ", "é.a", &long] {
            assert!(bad.parse::<EventKind>().is_err(), "{bad}");
        }
    }
}
