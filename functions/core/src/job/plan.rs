//! The plan of a dry run: what a job would do, how long it would take and what it would cost.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::Counts;

/// What rows would remove, beyond what their outcomes tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Profiles that were merged into those found.
    #[serde(default)]
    pub merges: i64,
    /// Identifiers that would be deleted.
    #[serde(default)]
    pub identifiers: i64,
    /// Memberships of segments that would be removed.
    #[serde(default)]
    pub memberships: i64,
    /// Rows that were not found, but would be in lower or in upper case.
    #[serde(default)]
    pub other_case: i64,
}

impl AddAssign for Extent {
    fn add_assign(&mut self, other: Self) {
        self.merges += other.merges;
        self.identifiers += other.identifiers;
        self.memberships += other.memberships;
        self.other_case += other.other_case;
    }
}

/// A plan as responses show it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Plan {
    /// Rows, the invalid ones too.
    pub rows: i64,
    /// Rows that cannot be read.
    pub invalid: i64,
    /// Profiles, or identifiers, that would be deleted.
    pub profiles: i64,
    /// Rows that find nothing.
    pub not_found: i64,
    /// Rows whose profile, or identifier, another row deletes.
    pub duplicates: i64,
    /// Rows that must not be deleted.
    pub protected: i64,
    /// Profiles that were merged into those found.
    pub merges: i64,
    /// Identifiers that would be deleted.
    pub identifiers: i64,
    /// Memberships of segments that would be removed.
    pub memberships: i64,
    /// Rows that are not found, but would be in lower or in upper case.
    pub other_case: i64,
    /// How long the job would run, in seconds, at the rate of one worker.
    pub estimated_seconds: i64,
    /// What its requests to the table would cost, in US dollars.
    pub estimated_cost_usd: f64,
}

/// What a plan's estimates are made with. A deployment's own values are settings of its stack.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pricing {
    /// Price of a million write units on demand, in US dollars.
    pub usd_per_million_writes: f64,
    /// Price of a million read units on demand, in US dollars.
    pub usd_per_million_reads: f64,
    /// Requests that one worker makes in a second.
    pub requests_per_second: f64,
}

impl Plan {
    /// The plan of so many rows with these outcomes.
    pub fn new(rows: i64, counts: &Counts, extent: Extent, pricing: &Pricing) -> Self {
        // The head and traits of each profile and merged profile are written once; a membership and its edge are two items.
        let heads = 2 * (counts.deleted + extent.merges);
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let writes = (heads + extent.identifiers + 2 * extent.memberships) as f64 + 0.05 * rows as f64;
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let reads = 2.0 * rows as f64;
        let cost = (writes * pricing.usd_per_million_writes + reads * pricing.usd_per_million_reads) / 1_000_000.0;
        #[expect(clippy::cast_possible_truncation, reason = "an estimate")]
        let seconds = ((writes + reads) / pricing.requests_per_second).ceil() as i64;
        Self {
            rows,
            invalid: counts.invalid,
            profiles: counts.deleted,
            not_found: counts.not_found,
            duplicates: counts.duplicate,
            protected: counts.protected,
            merges: extent.merges,
            identifiers: extent.identifiers,
            memberships: extent.memberships,
            other_case: extent.other_case,
            estimated_seconds: seconds,
            estimated_cost_usd: (cost * 1_000_000.0).round() / 1_000_000.0,
        }
    }
}
