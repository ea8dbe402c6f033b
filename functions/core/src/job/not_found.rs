//! Why a row finds nothing: there never was such a thing, or it was deleted before; and where the row names two things,
//! which of them is missing.
//!
//! Nothing of this is stored with the row. It follows from the items as they are now, and from the time at which the row
//! had its outcome: what was made or deleted after that is left out of account.

use crate::{
    deletion::{DeletedBy, Identifier, IdentifierState, RowActor},
    id::RequestId,
    job::JobId,
    profile::{Head, ProfileState},
    time::Time,
};

/// The record of a deletion that was there before the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlierDeletion {
    /// When.
    pub deleted_at: Time,
    /// The request; of a job, the one that made it.
    pub request_id: Option<RequestId>,
    /// The job, where one did it.
    pub job_id: Option<JobId>,
}

/// Why a row finds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFound {
    /// There is no record of what the row is to delete.
    Unknown,
    /// What the row is to delete was deleted before.
    DeletedBefore(EarlierDeletion),
    /// Of a row that deletes an identifier: there is no record of what names the profile.
    ProfileUnknown,
    /// Of a row that deletes an identifier: what names the profile was deleted before.
    ProfileDeletedBefore(EarlierDeletion),
    /// Of a row that deletes an identifier: the profile is there, but has no such identifier.
    IdentifierUnknown,
}

impl NotFound {
    /// The code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "not_found",
            Self::DeletedBefore(_) => "deleted_before",
            Self::ProfileUnknown => "profile_not_found",
            Self::ProfileDeletedBefore(_) => "profile_deleted_before",
            Self::IdentifierUnknown => "eid_not_found",
        }
    }

    /// The message for people.
    pub fn message(&self) -> String {
        match self {
            Self::Unknown => "There is no such profile, and no record of its deletion.".to_owned(),
            Self::DeletedBefore(earlier) => format!("It was deleted before, {}.", words(earlier)),
            Self::ProfileUnknown => {
                "What names the profile finds none, and there is no record of its deletion.".to_owned()
            }
            Self::ProfileDeletedBefore(earlier) => {
                format!("What names the profile was deleted before, {}.", words(earlier))
            }
            Self::IdentifierUnknown => {
                "The profile is there, but has no such identifier, and there is no record of its deletion.".to_owned()
            }
        }
    }

    /// The record of the deletion that was there before.
    pub fn earlier(&self) -> Option<EarlierDeletion> {
        match self {
            Self::DeletedBefore(earlier) | Self::ProfileDeletedBefore(earlier) => Some(*earlier),
            Self::Unknown | Self::ProfileUnknown | Self::IdentifierUnknown => None,
        }
    }
}

fn words(EarlierDeletion { deleted_at, request_id, job_id }: &EarlierDeletion) -> String {
    match (job_id, request_id) {
        (Some(job), _) => format!("at {deleted_at} by the job {job}"),
        (None, Some(request)) => format!("at {deleted_at} by the request {request}"),
        (None, None) => format!("at {deleted_at}"),
    }
}

/// What an identifier or a profile was at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// It was not there, and had not been deleted.
    Unknown,
    /// It was there.
    There,
    /// It was deleted.
    Deleted(EarlierDeletion),
}

impl Past {
    /// What an identifier was at a time, by its item as it is now.
    pub fn of_identifier(found: Option<&Identifier>, at: Time) -> Self {
        let Some(found) = found else { return Self::Unknown };
        let Identifier { request_id, job_id, .. } = *found;
        let earlier = found.deleted_at.filter(|deleted_at| *deleted_at <= at);
        let earlier = earlier.map(|deleted_at| EarlierDeletion { deleted_at, request_id, job_id });
        match (found.state, earlier) {
            (IdentifierState::Deleted, Some(earlier)) => Self::Deleted(earlier),
            _ if found.created_at <= at => Self::There,
            // It has come back since.
            (IdentifierState::Active, Some(earlier)) => Self::Deleted(earlier),
            _ => Self::Unknown,
        }
    }

    /// What the identifier that names a row's profile was: one that the row's own job or group has deleted still finds it.
    pub fn of_lookup(found: Option<&Identifier>, row: &RowActor, at: Time) -> Self {
        match Self::of_identifier(found, at) {
            Self::Deleted(_) if found.is_some_and(|found| found.deleted_by(row) != DeletedBy::Other) => Self::There,
            past => past,
        }
    }

    /// What a profile was at a time, by its head as it is now.
    pub fn of_profile(head: Option<&Head>, at: Time) -> Self {
        let Some(head) = head else { return Self::Unknown };
        let earlier = head.deleted_at.filter(|deleted_at| *deleted_at <= at);
        match (head.state, earlier) {
            (ProfileState::Deleted, Some(deleted_at)) => {
                let request_id = head.job_id.map(JobId::request);
                Self::Deleted(EarlierDeletion { deleted_at, request_id, job_id: head.job_id })
            }
            _ => Self::There,
        }
    }
}

/// Why a row finds nothing that deletes a profile.
pub fn of_profile_row(profile: Past) -> NotFound {
    match profile {
        Past::Deleted(earlier) => NotFound::DeletedBefore(earlier),
        Past::Unknown | Past::There => NotFound::Unknown,
    }
}

/// Why a row finds nothing that deletes an identifier.
pub fn of_identifier_row(lookup: Past, target: Past) -> NotFound {
    match (lookup, target) {
        (Past::Unknown, _) => NotFound::ProfileUnknown,
        (Past::Deleted(earlier), _) => NotFound::ProfileDeletedBefore(earlier),
        (Past::There, Past::Deleted(earlier)) => NotFound::DeletedBefore(earlier),
        // Where the target was there, it was another profile's.
        (Past::There, Past::Unknown | Past::There) => NotFound::IdentifierUnknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deletion::tests::{active, at, deleted_by, request, row, tombstone};

    fn earlier(second: i64) -> EarlierDeletion {
        EarlierDeletion { deleted_at: at(second), request_id: Some(request(second)), job_id: None }
    }

    fn made_at(identifier: Identifier, second: i64) -> Identifier {
        Identifier { created_at: at(second), ..identifier }
    }

    #[test]
    fn an_identifier_was_what_its_item_tells() {
        let never = Identifier { deleted_at: None, ..active(tombstone(1)) };
        for (found, second, expected) in [
            (None, 9, Past::Unknown),
            (Some(tombstone(5)), 5, Past::Deleted(earlier(5))),
            (Some(tombstone(5)), 4, Past::There),
            (Some(made_at(tombstone(5), 3)), 2, Past::Unknown),
            (Some(never.clone()), 9, Past::There),
            (Some(made_at(never, 7)), 6, Past::Unknown),
            (Some(made_at(active(tombstone(5)), 7)), 6, Past::Deleted(earlier(5))),
            (Some(made_at(active(tombstone(5)), 7)), 7, Past::There),
            (Some(made_at(active(tombstone(5)), 7)), 4, Past::Unknown),
        ] {
            assert_eq!(Past::of_identifier(found.as_ref(), at(second)), expected, "{found:?} at {second}");
        }
    }

    #[test]
    fn what_the_rows_own_job_deleted_still_names_the_profile() {
        let own = row(7, "g", 1);
        let mine = deleted_by(&row(7, "g", 2));
        assert_eq!(Past::of_lookup(Some(&mine), &own, at(99)), Past::There);
        assert!(matches!(Past::of_lookup(Some(&mine), &row(8, "h", 1), at(99)), Past::Deleted(_)));
        assert_eq!(Past::of_lookup(Some(&tombstone(5)), &own, at(5)), Past::Deleted(earlier(5)));
    }

    #[test]
    fn a_row_says_what_is_missing() {
        let (unknown, there, deleted) = (Past::Unknown, Past::There, Past::Deleted(earlier(5)));
        let before = NotFound::DeletedBefore(earlier(5));
        for (lookup, target, expected) in [
            (unknown, there, NotFound::ProfileUnknown),
            (deleted, unknown, NotFound::ProfileDeletedBefore(earlier(5))),
            (there, unknown, NotFound::IdentifierUnknown),
            (there, there, NotFound::IdentifierUnknown),
            (there, deleted, before),
        ] {
            assert_eq!(of_identifier_row(lookup, target), expected);
        }
        assert_eq!([unknown, there, deleted].map(of_profile_row), [NotFound::Unknown, NotFound::Unknown, before]);
        assert_eq!(before.message(), format!("It was deleted before, at {} by the request {}.", at(5), request(5)));
    }
}
