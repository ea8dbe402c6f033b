//! A job, as the API describes it.

use std::collections::BTreeMap;

use efface_core::job::JobState;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::output::{columns, printable};

/// The number of rows with each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Counts {
    pub(crate) deleted: u64,
    pub(crate) duplicate: u64,
    pub(crate) not_found: u64,
    pub(crate) invalid: u64,
    pub(crate) protected: u64,
    pub(crate) failed: u64,
    pub(crate) changed: u64,
}

impl Counts {
    /// The outcomes with their counts and explanations.
    pub(crate) fn outcomes(&self) -> [(&'static str, u64, &'static str); 7] {
        [
            ("deleted", self.deleted, ""),
            ("duplicate", self.duplicate, "another row of the job or its group deletes the same"),
            ("not_found", self.not_found, "there is no such active identifier"),
            ("invalid", self.invalid, "the row can't be read"),
            ("protected", self.protected, "a profile that has a user_id keeps one"),
            ("failed", self.failed, "not deleted; `efface jobs redrive` processes these rows again"),
            ("changed", self.changed, "not deleted: the profile is not as the plan found it"),
        ]
    }
}

/// The result of a dry run, which changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Plan {
    pub(crate) rows: u64,
    pub(crate) invalid: u64,
    pub(crate) profiles: u64,
    pub(crate) not_found: u64,
    pub(crate) duplicates: u64,
    pub(crate) protected: u64,
    pub(crate) merges: u64,
    pub(crate) identifiers: u64,
    pub(crate) memberships: u64,
    pub(crate) other_case: u64,
    pub(crate) other_form: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) near_misses: Vec<NearMissRow>,
    pub(crate) digest: Option<String>,
    pub(crate) consequences: Vec<String>,
    pub(crate) estimated_seconds: Option<f64>,
    pub(crate) estimated_cost_usd: Option<f64>,
}

/// A row that is not found, but would be in another form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct NearMissRow {
    /// Its number within the page, from 0.
    pub(crate) row: u64,
    pub(crate) code: String,
}

/// A job. Fields that this program does not use are kept in `rest`, so that they appear in the JSON output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) action: String,
    pub(crate) state: JobState,
    pub(crate) rows: u64,
    pub(crate) counts: Counts,
    pub(crate) remaining: u64,
    pub(crate) group: Option<String>,
    pub(crate) created_at: Option<String>,
    #[serde(default)]
    pub(crate) created_by: Option<String>,
    #[serde(default)]
    pub(crate) plan_job_id: Option<String>,
    #[serde(default)]
    pub(crate) start_at: Option<String>,
    #[serde(default)]
    pub(crate) verdict: Option<String>,
    #[serde(default)]
    pub(crate) dry_run: bool,
    #[serde(default)]
    pub(crate) max_deletions: Option<u64>,
    #[serde(default)]
    pub(crate) plan: Option<Plan>,
    #[serde(flatten)]
    pub(super) rest: BTreeMap<String, Value>,
}

/// A response that contains one job.
#[derive(Debug, Deserialize)]
pub(crate) struct JobResponse {
    pub(crate) job: Job,
}

impl Job {
    /// A table for users.
    pub(crate) fn text(&self) -> String {
        let mut properties = vec![["job".to_owned(), format!("{} ({})", printable(&self.id), printable(&self.action))]];
        properties.push(["state".to_owned(), format!("{}{}", self.state.as_str(), self.hint())]);
        if self.dry_run {
            properties.push(["dry run".to_owned(), "nothing was deleted; the numbers say what would be".to_owned()]);
        }
        properties.extend(self.lag_properties());
        properties.extend(self.segment_properties());
        let named = [
            ("verdict", &self.verdict),
            ("group", &self.group),
            ("created", &self.created_at),
            ("created by", &self.created_by),
            ("executes", &self.plan_job_id),
            ("starts at", &self.start_at),
        ];
        for (name, value) in named {
            properties.extend(value.as_ref().map(|value| [name.to_owned(), printable(value)]));
        }
        let mut counts = vec![count_row("rows", self.rows, "")];
        counts.extend(self.counts.outcomes().map(|(name, count, note)| count_row(&format!("  {name}"), count, note)));
        counts.push(count_row("  remaining", self.remaining, ""));
        format!("{}\n\n{}", columns(&properties), columns(&counts))
    }

    /// How to list the rows that failed. Empty if none did.
    pub(crate) fn failed_text(&self) -> String {
        if self.counts.failed == 0 {
            return String::new();
        }
        format!("\n\nThe failed rows: efface jobs outcomes {} --outcome failed", printable(&self.id))
    }

    /// How to continue a job that waits for the user.
    fn hint(&self) -> &'static str {
        match self.state {
            JobState::Open => ": `efface jobs start` starts it",
            JobState::AwaitingApproval => ": somebody with another token can let it go on, with `efface jobs approve`",
            JobState::Scheduled => ": `efface jobs cancel` cancels it before it starts",
            JobState::Paused if self.is_stopped() => ": an operator stopped it; it goes on when the operator lets it",
            JobState::Paused if self.max_deletions.is_some_and(|most| self.counts.deleted >= most) => {
                ": it reached --max-deletions; `efface jobs resume` resumes it"
            }
            JobState::Paused => ": `efface jobs resume` resumes it",
            _ => "",
        }
    }
}

impl Plan {
    /// A table for users: what would be deleted, and the estimated time and cost.
    pub(crate) fn text(&self) -> String {
        let other_case = "not found as written, but found in another letter case";
        let other_form = "the same, without surrounding blanks or invisible characters, or in NFC";
        let mut rows = vec![
            count_row("rows", self.rows, ""),
            count_row("  invalid", self.invalid, "the row can't be read"),
            count_row("  duplicate", self.duplicates, "another row deletes the same"),
            count_row("  not found", self.not_found, "there is nothing to delete"),
            count_row("  protected", self.protected, "a profile that has a user_id keeps one"),
            count_row("  other case", self.other_case, other_case),
            count_row("  other form", self.other_form, other_form),
            count_row("profiles found", self.profiles, ""),
            count_row("  merges", self.merges, ""),
            count_row("  identifiers", self.identifiers, "would be deleted"),
            count_row("  memberships", self.memberships, "would be deleted"),
        ];
        let row = |name: &str, value: String, note: &str| [name.to_owned(), format!("{value:>10}"), note.to_owned()];
        rows.extend(self.estimated_seconds.map(|seconds| row("seconds", format!("{seconds:.0}"), "estimated")));
        rows.extend(self.estimated_cost_usd.map(|usd| row("USD", format!("{usd:.4}"), "estimated, at list prices")));
        let consequences: Vec<String> = self.consequences.iter().map(|told| printable(told)).collect();
        let digest = self.digest.as_ref().map(|digest| format!("\n\ndigest  {}", printable(digest)));
        let separator = if consequences.is_empty() { "" } else { "\n\n" };
        format!("{}{separator}{}{}", columns(&rows), consequences.join("\n"), digest.unwrap_or_default())
    }
}

/// A table row for a count. The note is left out if the count is 0.
pub(crate) fn count_row(name: &str, count: u64, note: &str) -> [String; 3] {
    [name.to_owned(), format!("{count:>10}"), if count > 0 { note.to_owned() } else { String::new() }]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_keeps_all_its_fields() {
        let sent = json!({
            "id": "job_1", "action": "delete_profile", "state": "paused", "rows": 9, "remaining": 3, "group": null,
            "counts": {"deleted": 1, "duplicate": 1, "not_found": 1, "invalid": 1, "protected": 1, "failed": 1, "changed": 0},
            "created_at": "2026-01-01T00:00:00.000Z", "created_by": "tok_1", "plan_job_id": null,
            "start_at": null, "verdict": null, "approvals": [], "rows_per_second": 1.5, "dry_run": false, "max_deletions": 1, "plan": null,
        });
        let job: Job = serde_json::from_value(sent.clone()).unwrap();
        assert_eq!(serde_json::to_value(&job).unwrap(), sent);
        assert!(job.text().contains("it reached --max-deletions"));
        assert!(job.text().contains("  failed              1  not deleted"));
    }

    #[test]
    fn all_states_of_the_contract_are_read() {
        let states = "open awaiting_approval scheduled queued running pausing paused cancelling cancelled completed";
        let read = states.split(' ').map(|state| serde_json::from_value::<JobState>(json!(state)).unwrap());
        assert_eq!(read.map(JobState::as_str).collect::<Vec<_>>().join(" "), states);
    }
}
