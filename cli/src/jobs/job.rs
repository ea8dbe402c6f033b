//! A job as the API tells it.

use std::collections::BTreeMap;

use efface_core::job::JobState;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::output::{columns, harmless};

/// How many rows have which outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Counts {
    pub(crate) deleted: u64,
    pub(crate) duplicate: u64,
    pub(crate) not_found: u64,
    pub(crate) invalid: u64,
    pub(crate) protected: u64,
    pub(crate) failed: u64,
}

impl Counts {
    /// The outcomes with their counts, and what each means.
    pub(crate) fn outcomes(&self) -> [(&'static str, u64, &'static str); 6] {
        [
            ("deleted", self.deleted, ""),
            ("duplicate", self.duplicate, "another row of the job or its group took it"),
            ("not_found", self.not_found, "no such active identifier"),
            ("invalid", self.invalid, "the row can't be read"),
            ("protected", self.protected, "the identifier to delete is the row's own user_id"),
            ("failed", self.failed, "not deleted; `efface jobs redrive` tries these rows again"),
        ]
    }
}

/// What a dry run found. Nothing was changed.
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
    pub(crate) estimated_seconds: Option<f64>,
    pub(crate) estimated_cost_usd: Option<f64>,
}

/// A job. What this command does not use is kept for those who read its JSON.
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
    pub(crate) dry_run: bool,
    #[serde(default)]
    pub(crate) max_deletions: Option<u64>,
    #[serde(default)]
    pub(crate) plan: Option<Plan>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// An answer about one job.
#[derive(Debug, Deserialize)]
pub(crate) struct JobAnswer {
    pub(crate) job: Job,
}

impl Job {
    /// What a person wants to know of it.
    pub(crate) fn text(&self) -> String {
        let mut about = vec![["job".to_owned(), format!("{} ({})", harmless(&self.id), harmless(&self.action))]];
        about.push(["state".to_owned(), format!("{}{}", self.state.as_str(), self.hint())]);
        for (name, value) in [("group", &self.group), ("created", &self.created_at)] {
            about.extend(value.as_ref().map(|value| [name.to_owned(), harmless(value)]));
        }
        let mut counts = vec![count_row("rows", self.rows, "")];
        counts.extend(self.counts.outcomes().map(|(name, count, words)| count_row(&format!("  {name}"), count, words)));
        counts.push(count_row("  remaining", self.remaining, ""));
        format!("{}\n\n{}", columns(&about), columns(&counts))
    }

    /// What to do about a state that waits for somebody.
    fn hint(&self) -> &'static str {
        match self.state {
            JobState::Open => ": nothing runs before `efface jobs start`",
            JobState::Paused if self.max_deletions.is_some_and(|most| self.counts.deleted >= most) => {
                ": it deleted as many as it may; `efface jobs resume` lets it go on"
            }
            JobState::Paused => ": `efface jobs resume` lets it go on",
            _ => "",
        }
    }
}

impl Plan {
    /// What would go, and what it would take.
    pub(crate) fn text(&self) -> String {
        let other_case = "not found as they are written, but in other letter case";
        let mut rows = vec![
            count_row("rows", self.rows, ""),
            count_row("  invalid", self.invalid, "they can't be read"),
            count_row("  duplicate", self.duplicates, "another row takes the same"),
            count_row("  not found", self.not_found, "nothing to delete"),
            count_row("  protected", self.protected, "a rule keeps it"),
            count_row("  other case", self.other_case, other_case),
            count_row("profiles found", self.profiles, ""),
            count_row("  merges", self.merges, ""),
            count_row("  identifiers", self.identifiers, "would go"),
            count_row("  memberships", self.memberships, "would go"),
        ];
        let row = |name: &str, value: String, words: &str| [name.to_owned(), format!("{value:>10}"), words.to_owned()];
        rows.extend(self.estimated_seconds.map(|seconds| row("seconds", format!("{seconds:.0}"), "about")));
        rows.extend(self.estimated_cost_usd.map(|usd| row("USD", format!("{usd:.4}"), "about, at list prices")));
        columns(&rows)
    }
}

/// A count in a table; the words only where it counts something.
pub(crate) fn count_row(name: &str, count: u64, words: &str) -> [String; 3] {
    [name.to_owned(), format!("{count:>10}"), if count > 0 { words.to_owned() } else { String::new() }]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_comes_through_whole() {
        let sent = json!({
            "id": "job_1", "action": "delete_profile", "state": "paused", "rows": 9, "remaining": 3, "group": null,
            "counts": {"deleted": 1, "duplicate": 1, "not_found": 1, "invalid": 1, "protected": 1, "failed": 1},
            "created_at": "2026-01-01T00:00:00.000Z", "rows_per_second": 1.5, "dry_run": false, "max_deletions": 1, "plan": null,
        });
        let job: Job = serde_json::from_value(sent.clone()).unwrap();
        assert_eq!(serde_json::to_value(&job).unwrap(), sent);
        assert!(job.text().contains("it deleted as many as it may"));
        assert!(job.text().contains("  failed              1  not deleted"));
    }

    #[test]
    fn states_are_the_contracts() {
        let words = "open queued running pausing paused cancelling cancelled completed";
        let read = words.split(' ').map(|word| serde_json::from_value::<JobState>(json!(word)).unwrap());
        assert_eq!(read.map(JobState::as_str).collect::<Vec<_>>().join(" "), words);
    }
}
