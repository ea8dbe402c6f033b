//! The plan of a dry run: what a job would do, and what that would take.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::Counts;

/// What rows would take along, beyond what their outcomes tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Profiles that were merged into those found.
    #[serde(default)]
    pub merges: i64,
    /// Identifiers that would go.
    #[serde(default)]
    pub identifiers: i64,
    /// Memberships of segments that would go.
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

/// A plan as answers have it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Plan {
    /// Rows, the invalid ones too.
    pub rows: i64,
    /// Rows that can't be read.
    pub invalid: i64,
    /// Profiles, or identifiers, that would be deleted.
    pub profiles: i64,
    /// Rows that find nothing.
    pub not_found: i64,
    /// Rows whose profile, or identifier, another row takes.
    pub duplicates: i64,
    /// Rows that a rule keeps from being deleted.
    pub protected: i64,
    /// See [`Extent::merges`].
    pub merges: i64,
    /// See [`Extent::identifiers`].
    pub identifiers: i64,
    /// See [`Extent::memberships`].
    pub memberships: i64,
    /// See [`Extent::other_case`].
    pub other_case: i64,
    /// How long the job would run, at the rate of one worker.
    pub estimated_seconds: i64,
    /// What its requests would cost at the list price of us-east-1, in US dollars.
    pub estimated_cost_usd: f64,
}

/// List price of a million write units on demand, us-east-1, in US dollars (`docs/performance.md`).
const PER_MILLION_WRITES: f64 = 0.625;

/// List price of a million read units.
const PER_MILLION_READS: f64 = 0.125;

/// Writes that one worker makes in a second, by the default pace (`docs/performance.md`).
const WRITES_PER_SECOND: f64 = 2_000.0;

impl Plan {
    /// The plan of so many rows with these outcomes.
    pub fn new(rows: i64, counts: &Counts, extent: Extent) -> Self {
        // A head, its traits and each merged profile's are written once; a membership and its edge are two items.
        let heads = 2 * (counts.deleted + extent.merges);
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let writes = (heads + extent.identifiers + 2 * extent.memberships) as f64 + 0.05 * rows as f64;
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let reads = 2.0 * rows as f64;
        let cost = (writes * PER_MILLION_WRITES + reads * PER_MILLION_READS) / 1_000_000.0;
        #[expect(clippy::cast_possible_truncation, reason = "an estimate")]
        let seconds = ((writes + reads) / WRITES_PER_SECOND).ceil() as i64;
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
