//! Why a job does not go on, and by whom: its events tell.

use efface_core::job::JobState;
use serde::{Deserialize, Serialize};

use super::{Job, Jobs};
use crate::{api::encoded, output::printable};

/// Kinds of events that halt no job. Any other one may be of a newer version, and is told as it is sent.
const OTHERS: [&str; 11] = [
    "created",
    "awaiting_approval",
    "approved",
    "scheduled",
    "started",
    "progress",
    "sweep",
    "resumed",
    "redriven",
    "completed",
    "verified",
];

/// The event that paused or cancelled a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Halt {
    at: String,
    kind: String,
    #[serde(default)]
    token_id: Option<String>,
    #[serde(default)]
    cause: Option<String>,
    #[serde(default)]
    text: String,
}

impl Jobs {
    /// The job with what halted it, where something has. A job whose events cannot be read is shown without.
    pub(crate) async fn with_halt(&self, job: Job) -> Job {
        let is_paused = matches!(job.state, JobState::Pausing | JobState::Paused);
        if !is_paused && !matches!(job.state, JobState::Cancelling | JobState::Cancelled) {
            return job;
        }
        let path = format!("deletion_jobs/{}/events", encoded(&job.id));
        let events = self.api.list::<Halt>(&path, "", u64::MAX, |_| {}).await.map(|list| list.entries);
        let is_cause = |event: &Halt| match event.kind.as_str() {
            "paused" => is_paused,
            "cancelled" | "rejected" => !is_paused,
            kind => !OTHERS.contains(&kind),
        };
        let halt = events.unwrap_or_default().into_iter().rev().find(is_cause);
        Job { halt, ..job }
    }
}

impl Halt {
    /// When, and by whom or by what.
    pub(super) fn told(&self) -> String {
        format!("{} {}", printable(&self.at), self.by())
    }

    /// By whom or by what.
    pub(super) fn by(&self) -> String {
        let token = self.token_id.as_deref().map(|token| format!("by the token {}", printable(token)));
        match (self.cause.as_deref(), token) {
            (Some("max_deletions"), _) => "by its limit max_deletions".to_owned(),
            (Some("operator"), _) => "by an operator".to_owned(),
            (Some("abandoned"), _) => "by Efface, because it waited or went on for too long".to_owned(),
            (Some(cause), None) => format!("by Efface, because of {}", printable(cause)),
            (Some(cause), Some(token)) => format!("{token}, because of {}", printable(cause)),
            (None, Some(token)) => token,
            (None, None) => printable(&self.text),
        }
    }

    /// Whether the job has reached its `max_deletions`.
    pub(super) fn is_limit(&self) -> bool {
        self.cause.as_deref() == Some("max_deletions")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(event: &Value, expected: &str) {
        let mut halt = json!({"at": "T", "kind": "paused", "text": "The job was paused."});
        halt.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
        assert_eq!(serde_json::from_value::<Halt>(halt).unwrap().told(), format!("T {expected}"), "{event}");
    }

    #[test]
    fn who_or_what_halted_a_job_is_told_as_it_is() {
        check(&json!({"token_id": "tok_1", "cause": null}), "by the token tok_1");
        check(&json!({"cause": "max_deletions"}), "by its limit max_deletions");
        check(&json!({"cause": "operator"}), "by an operator");
        check(&json!({"cause": "new\u{1b}"}), "by Efface, because of new\u{fffd}");
        check(&json!({}), "The job was paused.");
    }
}
