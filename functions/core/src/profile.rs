//! Profiles: the head, which every addition to a profile is checked against.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    deletion::{DeletedBy, RowActor},
    id::{BadId, ProfileId},
    job::{JobId, RowRef},
    key::{GroupHash, IdHash},
    text::serde_as_text,
    time::Time,
    token::TokenId,
};

/// Whether a profile exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileState {
    /// Reads find it, and events add to it.
    Active,
    /// Its deletion has started: reads no longer find it, nothing can be added, and what it holds is being removed.
    Deleted,
}

/// A profile's head as the table holds it: the item that every addition to the profile is checked against.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Head {
    /// The profile's id.
    pub profile_id: ProfileId,
    /// Whether the profile exists.
    pub state: ProfileState,
    /// The profile that this one was merged into; its own id where it is a root.
    pub root: ProfileId,
    /// Of a root: the profiles that were merged into it.
    #[serde(default)]
    pub merged: BTreeSet<ProfileId>,
    /// Of a root: counts whatever was added to any of its members, and each merge. A single deletion of an identifier does
    /// not count.
    #[serde(default)]
    pub version: i64,
    /// The first identifier of the load line that made the profile.
    pub loaded_as: Option<IdHash>,
    /// When it was stored first; removed with the profile.
    #[serde(default)]
    pub created_at: Option<Time>,
    /// When it was last added to; removed with the profile.
    #[serde(default)]
    pub updated_at: Option<Time>,
    /// When it was merged into its root; removed with the profile.
    #[serde(default)]
    pub merged_at: Option<Time>,
    /// When its deletion started.
    #[serde(default)]
    pub deleted_at: Option<Time>,
    /// Of a root: when all of it was gone, its last identifier too.
    #[serde(default)]
    pub gone_at: Option<Time>,
    /// The token behind its deletion.
    #[serde(default)]
    pub token_id: Option<TokenId>,
    /// The job that deleted it.
    #[serde(default)]
    pub job_id: Option<JobId>,
    /// That job's group.
    #[serde(default)]
    pub job_group: Option<GroupHash>,
    /// That job's row.
    #[serde(default)]
    pub job_row: Option<RowRef>,
    /// How far its deletion has come, where it does not end within one run.
    #[serde(default)]
    pub deletion_cursor: Option<DeletionCursor>,
    /// What its deletion has removed so far; final where the cursor is [`DeletionCursor::Counted`].
    #[serde(default)]
    pub deletion_counts: Option<DeletionCounts>,
}

impl Head {
    /// Whether the profile is not merged into another one.
    pub fn is_root(&self) -> bool {
        self.root == self.profile_id
    }

    /// All members of the merged profile whose root this is, the root first.
    pub fn members(&self) -> impl Iterator<Item = ProfileId> {
        std::iter::once(self.root).chain(self.merged.iter().copied())
    }

    /// How the actor that deleted the profile compares with a row.
    pub fn deleted_by(&self, row: &RowActor) -> DeletedBy {
        row.compare(self.job_id, self.job_group, self.job_row)
    }
}

/// What the deletion of a profile removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeletionCounts {
    /// Identifiers that were active.
    pub external_ids: i64,
    /// Memberships of segments.
    pub memberships: i64,
    /// Profiles that were merged into it.
    pub merges: i64,
    /// Traits, by name.
    pub traits: i64,
}

/// How far the deletion of a profile has come with the identifiers of its members: kept on the root's head, so that the
/// next run goes on there. Written `counted`, or `{member}/{sort key}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeletionCursor {
    /// In the member of this number, after this sort key of its partition.
    After(usize, String),
    /// All identifiers are deleted and [`DeletionCounts`] are final.
    Counted,
}

const COUNTED: &str = "counted";

impl FromStr for DeletionCursor {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        if text == COUNTED {
            return Ok(Self::Counted);
        }
        let parts = text.split_once('/').and_then(|(member, key)| Some((member.parse().ok()?, key.to_owned())));
        parts.map(|(member, key)| Self::After(member, key)).ok_or(BadId("deletion cursor"))
    }
}

impl fmt::Display for DeletionCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(member, key) => write!(f, "{member}/{key}"),
            Self::Counted => f.write_str(COUNTED),
        }
    }
}

serde_as_text!(DeletionCursor);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip() {
        for cursor in [DeletionCursor::Counted, DeletionCursor::After(16, "E#email#x/y".to_owned())] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for bad in ["", "x/E#", "7"] {
            assert!(bad.parse::<DeletionCursor>().is_err(), "{bad}");
        }
    }
}
