//! The plan of a dry run: what a job would do, how long it would take and what it would cost.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::{Action, Counts, near_miss::NearMiss};

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
    /// Rows that were not found, but would be in another form.
    #[serde(default)]
    pub other_form: i64,
}

impl Extent {
    /// What a row that is not found comes to.
    pub fn of_near_miss(near_miss: Option<NearMiss>) -> Self {
        let is = |other| i64::from(near_miss == Some(other));
        Self { other_case: is(NearMiss::OtherCase), other_form: is(NearMiss::OtherForm), ..Self::default() }
    }

    /// How a row that is not found would be found.
    pub fn near_miss(&self) -> Option<NearMiss> {
        match (self.other_case, self.other_form) {
            (0, 0) => None,
            (0, _) => Some(NearMiss::OtherForm),
            _ => Some(NearMiss::OtherCase),
        }
    }
}

impl AddAssign for Extent {
    fn add_assign(&mut self, other: Self) {
        self.merges += other.merges;
        self.identifiers += other.identifiers;
        self.memberships += other.memberships;
        self.other_case += other.other_case;
        self.other_form += other.other_form;
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
    /// Rows that are not found, but would be without blanks around the value, without invisible characters, or in the
    /// Unicode normalisation form C.
    pub other_form: i64,
    /// The first 20 of the rows that would be found in another case or form. A dry run that is a job of its own has none
    /// here: its outcomes tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub near_misses: Vec<NearMissRow>,
    /// The digest of what was found: another plan with the same digest would delete the same. Null until a dry run that is
    /// a job is verified, and for `delete_identifier`.
    pub digest: Option<String>,
    /// What would happen, in words.
    pub consequences: Vec<String>,
    /// How long the job would run, in seconds, at the rate of one worker.
    pub estimated_seconds: i64,
    /// What its requests to the table would cost, in US dollars.
    pub estimated_cost_usd: f64,
}

/// A row that is not found, but would be in another form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NearMissRow {
    /// Its number within the page, from 0.
    pub row: u32,
    /// `other_case` or `other_form`.
    pub code: &'static str,
}

/// How many near misses a plan lists at most.
pub const LISTED_NEAR_MISSES: usize = 20;

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
    /// The plan of a dry run with these rows and outcomes.
    pub fn new(action: Action, rows: i64, counts: &Counts, extent: Extent, pricing: &Pricing) -> Self {
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
            other_form: extent.other_form,
            near_misses: Vec::new(),
            digest: None,
            consequences: consequences(action, counts, extent),
            estimated_seconds: seconds,
            estimated_cost_usd: (cost * 1_000_000.0).round() / 1_000_000.0,
        }
    }
}

/// What would happen, in words. What does not happen is left out.
fn consequences(action: Action, counts: &Counts, extent: Extent) -> Vec<String> {
    let some = |count: i64, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    };
    let (profiles, is) = match action {
        Action::DeleteProfile | Action::DeleteSegment => {
            (some(counts.deleted, "profile is", "profiles are"), "deleted for good")
        }
        Action::DeleteIdentifier => (some(counts.deleted, "identifier is", "identifiers are"), "deleted for good"),
    };
    let mut told: Vec<String> = profiles.map(|profiles| format!("{profiles} {is}.")).into_iter().collect();
    if action.deletes_profiles() {
        let parts = [
            some(extent.identifiers, "identifier goes", "identifiers go"),
            some(extent.merges, "merged profile goes", "merged profiles go"),
            some(extent.memberships, "membership of a segment goes", "memberships of segments go"),
        ];
        told.extend(parts.into_iter().flatten().map(|part| format!("{part} with that.")));
    }
    let rest = [
        some(counts.not_found, "row finds nothing", "rows find nothing"),
        some(counts.duplicate, "row names what another row deletes", "rows name what other rows delete"),
        some(counts.invalid, "row cannot be read", "rows cannot be read"),
        some(
            counts.protected,
            "row would leave a profile without a user_id",
            "rows would leave a profile without a user_id",
        ),
    ];
    told.extend(rest.into_iter().flatten().map(|part| format!("{part}: nothing happens.")));
    if counts.deleted == 0 {
        told.insert(0, "Nothing is deleted.".to_owned());
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consequences_are_told_in_words() {
        let extent = Extent { merges: 1, identifiers: 7, ..Extent::default() };
        let counts = Counts { deleted: 3, not_found: 1, invalid: 2, ..Counts::default() };
        assert_eq!(
            consequences(Action::DeleteProfile, &counts, extent),
            [
                "3 profiles are deleted for good.",
                "7 identifiers go with that.",
                "1 merged profile goes with that.",
                "1 row finds nothing: nothing happens.",
                "2 rows cannot be read: nothing happens.",
            ]
        );
        let one = Counts { deleted: 1, ..Counts::default() };
        let told = consequences(Action::DeleteIdentifier, &one, Extent { identifiers: 1, ..Extent::default() });
        assert_eq!(told, ["1 identifier is deleted for good."]);
        assert_eq!(consequences(Action::DeleteProfile, &Counts::default(), Extent::default()), ["Nothing is deleted."]);
    }
}
