//! A job, as the API describes it.

use std::collections::BTreeMap;

use efface_core::job::{JobState, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Halt, command};
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
    /// The number of rows with an outcome.
    pub(crate) fn of(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::Deleted => self.deleted,
            Outcome::Duplicate => self.duplicate,
            Outcome::NotFound => self.not_found,
            Outcome::Invalid => self.invalid,
            Outcome::Protected => self.protected,
            Outcome::Failed => self.failed,
            Outcome::Changed => self.changed,
        }
    }

    /// Rows of a table: the outcomes with their counts and explanations. Those of a dry run say what would be.
    pub(crate) fn rows(&self, indent: &str, dry_run: bool) -> Vec<[String; 3]> {
        let row = |outcome: Outcome| {
            let (name, note) = (outcome_text(outcome.as_str(), dry_run), outcome_note(outcome, dry_run));
            count_row(&format!("{indent}{name}"), self.of(outcome), note)
        };
        Outcome::ALL.map(row).into()
    }
}

/// The word for an outcome, for people: nothing that a dry run lists was deleted.
pub(super) fn outcome_text(outcome: &str, dry_run: bool) -> String {
    if dry_run && outcome == Outcome::Deleted.as_str() { WOULD_BE_DELETED.to_owned() } else { printable(outcome) }
}

/// What a dry run counts as `deleted`.
pub(super) const WOULD_BE_DELETED: &str = "would be deleted";

fn outcome_note(outcome: Outcome, dry_run: bool) -> &'static str {
    match outcome {
        Outcome::Deleted if dry_run => "this is a dry run: nothing was deleted",
        Outcome::Deleted => "",
        Outcome::Duplicate => "another row of the job or its group deletes the same",
        Outcome::NotFound => "there is no such active identifier",
        Outcome::Invalid => "the row can't be read",
        Outcome::Protected => "a profile that has a user_id keeps one",
        Outcome::Failed if dry_run => "not looked up; `efface jobs redrive` processes these rows again",
        Outcome::Failed => "not deleted; `efface jobs redrive` processes these rows again",
        Outcome::Changed => "not deleted: the profile is not as the plan found it",
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
    /// What has paused or cancelled it, where its events were read.
    #[serde(skip)]
    pub(super) halt: Option<Halt>,
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
        let verdict = self.verdict.as_ref().map(|verdict| self.marked(verdict));
        let halted = self.halt.as_ref().map(Halt::told);
        let halt = if matches!(self.state, JobState::Pausing | JobState::Paused) { "paused" } else { "cancelled" };
        let named = [
            (halt, &halted),
            ("verdict", &verdict),
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
        let redrive = command("redrive", &self.id);
        let suggested = |[name, count, note]: [String; 3]| [name, count, note.replace("efface jobs redrive", &redrive)];
        counts.extend(self.counts.rows("  ", self.dry_run).into_iter().map(suggested));
        counts.push(count_row("  remaining", self.remaining, ""));
        format!("{}\n\n{}", columns(&properties), columns(&counts))
    }

    /// The job as JSON, with what has halted it beside it, where that is known.
    pub(crate) fn json(&self) -> Value {
        let mut json = json!({"job": self});
        if let Some(halt) = &self.halt {
            json["halt"] = json!(halt);
        }
        json
    }

    /// A word that a dry run must not have unmarked.
    fn marked(&self, word: &str) -> String {
        if self.dry_run { format!("{word} (dry run)") } else { word.to_owned() }
    }

    /// How to list the rows that failed. Empty if none did.
    pub(crate) fn failed_text(&self) -> String {
        if self.counts.failed == 0 {
            return String::new();
        }
        format!("\n\nThe failed rows: {} --outcome failed", command("outcomes", &self.id))
    }

    /// How to continue a job that waits for the user.
    fn hint(&self) -> String {
        let command = |verb| command(verb, &self.id);
        match self.state {
            JobState::Open => format!(": `{}` starts it", command("start")),
            JobState::AwaitingApproval => {
                format!(": somebody with another token can let it go on, with `{}`", command("approve"))
            }
            JobState::Scheduled => format!(": `{}` cancels it before it starts", command("cancel")),
            JobState::Paused if self.is_stopped() => {
                ": an operator stopped it; it goes on when the operator lets it".to_owned()
            }
            JobState::Paused if self.halt.as_ref().is_some_and(Halt::is_limit) => {
                let resume = command("resume");
                format!(": it reached --max-deletions, and waits for a person; `{resume}` lets it delete as many again")
            }
            JobState::Paused => format!(": it waits for a person; `{}` resumes it", command("resume")),
            _ => String::new(),
        }
    }
}

impl Plan {
    /// The number of rows with an outcome, as far as the plan has it.
    pub(super) fn of(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::Deleted => self.profiles,
            Outcome::Duplicate => self.duplicates,
            Outcome::NotFound => self.not_found,
            Outcome::Invalid => self.invalid,
            Outcome::Protected => self.protected,
            Outcome::Failed => self
                .rows
                .saturating_sub(self.profiles + self.duplicates + self.not_found + self.invalid + self.protected),
            Outcome::Changed => 0,
        }
    }

    /// A table for users: what would be deleted, and the estimated time and cost.
    pub(crate) fn text(&self) -> String {
        let other_case = "not found as written, but found in another letter case";
        let other_form = "the same, without surrounding blanks or invisible characters, or in NFC";
        let mut rows = vec![
            count_row("rows", self.rows, ""),
            count_row("  invalid", self.invalid, "the row can't be read"),
            count_row("  duplicate", self.duplicates, "another row names the same"),
            count_row("  not found", self.not_found, "there is nothing to delete"),
            count_row("  protected", self.protected, "a profile that has a user_id keeps one"),
            count_row("  other case", self.other_case, other_case),
            count_row("  other form", self.other_form, other_form),
            count_row("profiles found", self.profiles, WOULD_BE_DELETED),
            count_row("  merges", self.merges, ""),
            count_row("  identifiers", self.identifiers, WOULD_BE_DELETED),
            count_row("  memberships", self.memberships, WOULD_BE_DELETED),
        ];
        let row = |name: &str, value: String, note: &str| [name.to_owned(), format!("{value:>10}"), note.to_owned()];
        rows.extend(self.estimated_seconds.map(|seconds| row("seconds", format!("{seconds:.0}"), "estimated")));
        rows.extend(self.estimated_cost_usd.map(|usd| row("USD", format!("{usd:.4}"), "estimated, at list prices")));
        let consequences: Vec<String> = self.consequences.iter().map(|told| printable(told)).collect();
        let digest = self.digest.as_ref().map(|digest| format!("\n\ndigest  {}", printable(digest)));
        let separator = if consequences.is_empty() { "" } else { "\n\n" };
        format!(
            "Dry run: nothing was deleted.\n\n{}{separator}{}{}",
            columns(&rows),
            consequences.join("\n"),
            digest.unwrap_or_default()
        )
    }
}

/// A table row for a count. The note is left out if the count is 0.
pub(crate) fn count_row(name: &str, count: u64, note: &str) -> [String; 3] {
    [name.to_owned(), format!("{count:>10}"), if count > 0 { note.to_owned() } else { String::new() }]
}

#[cfg(test)]
mod tests {
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
        assert!(!job.text().contains("it reached --max-deletions"), "what halted it is not known");
        let halt = json!({"at": "T", "kind": "paused", "token_id": null, "cause": "max_deletions"});
        let job = Job { halt: Some(serde_json::from_value(halt).unwrap()), ..job };
        assert!(
            job.text().contains("it reached --max-deletions") && job.text().contains("T by its limit max_deletions")
        );
        assert!(job.text().contains("  failed              1  not deleted"));
    }

    #[test]
    fn all_states_of_the_contract_are_read() {
        let states = "open awaiting_approval scheduled queued running pausing paused cancelling cancelled completed";
        let read = states.split(' ').map(|state| serde_json::from_value::<JobState>(json!(state)).unwrap());
        assert_eq!(read.map(JobState::as_str).collect::<Vec<_>>().join(" "), states);
    }
}
