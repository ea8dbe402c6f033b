//! The outcomes of rows, and how many rows have which.

use std::{
    ops::{Add, AddAssign, Sub},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::id::BadId;

/// What became of a row. The numbers are how outcomes are packed: they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    /// This row deleted its profile or identifier; in a dry run, it would.
    Deleted = 1,
    /// Another row of the same job or group deleted that profile or identifier.
    Duplicate = 2,
    /// There is no such profile or identifier, by a consistent read.
    NotFound = 3,
    /// The row cannot be read.
    Invalid = 4,
    /// It must not be deleted: a profile that has a `user_id` keeps one.
    Protected = 5,
    /// It could not be done, or not to its end: `redrive` tries again.
    Failed = 6,
    /// The profile is not as the plan found it: it was added to or merged since. 7 and 8 are near misses.
    Changed = 9,
}

impl Outcome {
    /// Every outcome, in the order in which they are documented.
    pub const ALL: [Self; 7] =
        [Self::Deleted, Self::Duplicate, Self::NotFound, Self::Invalid, Self::Protected, Self::Failed, Self::Changed];

    /// The word in responses and in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Duplicate => "duplicate",
            Self::NotFound => "not_found",
            Self::Invalid => "invalid",
            Self::Protected => "protected",
            Self::Failed => "failed",
            Self::Changed => "changed",
        }
    }

    /// The outcome of a packed number; 0 is a row that is not decided yet.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| *outcome as u8 == number)
    }
}

impl FromStr for Outcome {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text).ok_or(BadId("outcome"))
    }
}

/// Rows by outcome.
// Signed, because a redrive takes back what had failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Counts {
    /// The row deleted its profile or identifier; in a dry run, it would.
    #[serde(default)]
    pub deleted: i64,
    /// Another row of the same job or group deleted it; in a dry run, it would.
    #[serde(default)]
    pub duplicate: i64,
    /// There is no such profile or identifier.
    #[serde(default)]
    pub not_found: i64,
    /// The row cannot be read.
    #[serde(default)]
    pub invalid: i64,
    /// It must not be deleted.
    #[serde(default)]
    pub protected: i64,
    /// It could not be done; `redrive` tries again.
    #[serde(default)]
    pub failed: i64,
    /// The profile is not as the plan found it.
    #[serde(default)]
    pub changed: i64,
}

impl Counts {
    /// The count of one outcome.
    pub fn of(&self, outcome: Outcome) -> i64 {
        let mut copy = *self;
        *copy.slot(outcome)
    }

    /// Rows that have an outcome.
    pub fn total(&self) -> i64 {
        Outcome::ALL.into_iter().map(|outcome| self.of(outcome)).sum()
    }

    /// Counts rows.
    pub fn count(&mut self, outcome: Outcome, rows: i64) {
        *self.slot(outcome) += rows;
    }

    fn slot(&mut self, outcome: Outcome) -> &mut i64 {
        match outcome {
            Outcome::Deleted => &mut self.deleted,
            Outcome::Duplicate => &mut self.duplicate,
            Outcome::NotFound => &mut self.not_found,
            Outcome::Invalid => &mut self.invalid,
            Outcome::Protected => &mut self.protected,
            Outcome::Failed => &mut self.failed,
            Outcome::Changed => &mut self.changed,
        }
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        for outcome in Outcome::ALL {
            self.count(outcome, other.of(outcome));
        }
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(mut self, other: Self) -> Self {
        for outcome in Outcome::ALL {
            self.count(outcome, -other.of(outcome));
        }
        self
    }
}

impl FromIterator<Outcome> for Counts {
    fn from_iter<T: IntoIterator<Item = Outcome>>(outcomes: T) -> Self {
        let mut counts = Self::default();
        outcomes.into_iter().for_each(|outcome| counts.count(outcome, 1));
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_round_trip() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
            assert_eq!(Outcome::from_number(outcome as u8), Some(outcome));
        }
        assert_eq!(Outcome::from_number(0), None);
    }
}
