//! The limits of a space on the requests of one clock second: what is limited, by how much unless the space says
//! otherwise, and what a setting acts as (`docs/limits.md`).

use std::{fmt, ops::RangeInclusive};

use crate::id::ProfileId;

/// What a limit may be set to.
pub const SETTINGS: RangeInclusive<u32> = 1..=1_000_000;

/// The most that a counter in the table admits. It is one item, and DynamoDB takes 1,000 write units a second of one
/// partition.
const MOST_COUNTED: u32 = 1_000;

/// What is limited in one clock second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Single deletions in the space.
    Deletions,
    /// Single deletions on one merged profile, by its root.
    DeletionsOn(ProfileId),
    /// Requests that make a job, the deletion of a profile included, or add a page to one.
    Jobs,
    /// Requests for a dry run.
    DryRuns,
    /// Requests that read. They are counted in each instance and not in the table, where a count costs as much as five
    /// read units.
    Reads,
}

impl Limit {
    /// The limit of a space that sets none.
    pub const fn default_setting(self) -> u32 {
        match self {
            Self::Deletions | Self::DeletionsOn(_) | Self::Jobs => 100,
            Self::DryRuns => 50,
            Self::Reads => 500,
        }
    }

    /// The limit that a setting acts as: no counter in the table admits more than 1,000.
    pub fn acting(self, setting: u32) -> u32 {
        if self == Self::Reads { setting } else { setting.min(MOST_COUNTED) }
    }

    /// The name of the limit in the headers `RateLimit` and `RateLimit-Policy`. It says what shares the quota.
    pub fn policy(self) -> &'static str {
        match self {
            Self::Deletions => "deletions-per-space",
            Self::DeletionsOn(_) => "deletions-per-profile",
            Self::Jobs => "jobs-per-space",
            Self::DryRuns => "dry-runs-per-space",
            Self::Reads => "reads-per-instance",
        }
    }

    /// What is limited, in the words of the message of a 429.
    pub fn as_words(self) -> &'static str {
        match self {
            Self::Deletions | Self::DeletionsOn(_) => "deletions",
            Self::Jobs => "jobs and pages",
            Self::DryRuns => "dry runs",
            Self::Reads => "reads",
        }
    }
}

/// What a limit has left in the clock second of a request that was counted against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// What is limited.
    pub limit: Limit,
    /// The requests that the limit admits in one clock second.
    pub most: u32,
    /// Those that it would still admit in this one.
    pub left: u32,
}

impl Quota {
    /// The quota after `counted` requests of this clock second.
    pub fn after(limit: Limit, most: u32, counted: u32) -> Self {
        Self { limit, most, left: most.saturating_sub(counted) }
    }

    /// The quota of a limit that has been reached.
    pub fn used_up(limit: Limit, most: u32) -> Self {
        Self { limit, most, left: 0 }
    }
}

/// The part of a counter's key.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deletions => f.write_str("-"),
            Self::DeletionsOn(profile) => profile.fmt(f),
            Self::Jobs => f.write_str("jobs"),
            Self::DryRuns => f.write_str("dry_runs"),
            Self::Reads => f.write_str("reads"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_admits_at_most_1_000() {
        let profile = Limit::DeletionsOn(ProfileId::from_bytes([1; 16]));
        for limit in [Limit::Deletions, profile, Limit::Jobs, Limit::DryRuns] {
            for (setting, acting) in [(1, 1), (999, 999), (1_000, 1_000), (1_001, 1_000), (1_000_000, 1_000)] {
                assert_eq!(limit.acting(setting), acting, "{limit:?}");
            }
        }
        assert_eq!(Limit::Reads.acting(1_000_000), 1_000_000, "no counter is written for reads");
    }
}
