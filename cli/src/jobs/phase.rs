//! Jobs of segments: their phases, and what is told of them while they run.
//!
//! The fields that only they have are read from the job's other fields, so that the JSON output has them as they were
//! sent.

use efface_core::job::JobState;
use serde_json::Value;

use super::{Job, job::WOULD_BE_DELETED};
use crate::output::printable;

/// The action of a job that deletes the users of a segment.
const DELETE_SEGMENT: &str = "delete_segment";

impl Job {
    /// The segment whose users the job deletes.
    pub(crate) fn segment_id(&self) -> Option<String> {
        self.text_field("segment_id")
    }

    /// The phase of a job that makes its rows itself.
    pub(super) fn phase(&self) -> Option<String> {
        self.text_field("phase")
    }

    /// The profiles that the job deletes: its rows, or as long as these are not listed, the members that were expected.
    pub(super) fn expected_rows(&self) -> Option<u64> {
        if self.rows > 0 { Some(self.rows) } else { self.number_field("expected_members") }
    }

    /// The members that were expected, or are to be approved.
    pub(super) fn expected_members(&self) -> Option<u64> {
        self.number_field("expected_members")
    }

    /// What there is to say of a job of a segment, by name. Empty for other jobs.
    pub(super) fn segment_properties(&self) -> Vec<[String; 2]> {
        let Some(segment) = self.segment_id() else { return Vec::new() };
        let mut properties = vec![("segment", segment)];
        properties.extend(self.phase().map(|_| ("phase", self.phase_text())));
        for (name, field) in [("expected members", "expected_members"), ("members left", "members_left")] {
            properties.extend(self.number_field(field).map(|number| (name, number.to_string())));
        }
        properties.into_iter().map(|(name, value)| [name.to_owned(), value]).collect()
    }

    /// The phase in words, with how far it is.
    fn phase_text(&self) -> String {
        let phase = self.phase().unwrap_or_default();
        match (phase.as_str(), self.rows, self.expected_rows()) {
            ("waiting", ..) if self.state == JobState::AwaitingApproval => "waiting for an approval".to_owned(),
            ("waiting", ..) if self.state == JobState::Scheduled => "waiting for its time".to_owned(),
            ("waiting", ..) => "waiting for its turn".to_owned(),
            ("preparing", 0, Some(expected)) => format!("preparing: listing about {expected} members"),
            ("preparing", 0, None) => "preparing: listing the members".to_owned(),
            ("preparing", rows, _) => format!("preparing: {rows} members listed"),
            ("sweeping", ..) => "sweeping: looking for members that are left".to_owned(),
            ("settling", ..) => match self.text_field("settles_at") {
                Some(time) => format!("settling until {time}"),
                None => "settling".to_owned(),
            },
            _ => phase,
        }
    }

    fn text_field(&self, name: &str) -> Option<String> {
        self.rest.get(name).and_then(Value::as_str).map(printable)
    }

    fn number_field(&self, name: &str) -> Option<u64> {
        self.rest.get(name).and_then(Value::as_u64)
    }

    fn rate(&self) -> Option<f64> {
        self.rest.get("rows_per_second").and_then(Value::as_f64)
    }

    /// Whether a plan can be executed that a dry run of this action made.
    pub(crate) fn is_executable(&self) -> bool {
        self.dry_run && matches!(self.action.as_str(), "delete_profile" | DELETE_SEGMENT)
    }
}

/// What a job does at the moment, for the progress bar.
pub(super) fn progress_text(job: &Job) -> String {
    let is_moving = matches!(job.state, JobState::Queued | JobState::Running);
    let phase = job.phase().filter(|_| is_moving && job.segment_id().is_some()).map(|phase| (phase, job.phase_text()));
    match (job.dry_run, phase) {
        (true, Some((phase, text))) if phase != "deleting" => format!("dry run, {text}"),
        (true, _) => format!("dry run, {}: {} {WOULD_BE_DELETED}", job.state.as_str(), job.counts.deleted),
        (false, Some((phase, text))) if matches!(phase.as_str(), "waiting" | "preparing") => text,
        (false, Some((_, text))) => format!("{text}: {}", counts_text(job)),
        (false, None) => format!("{}: {}", job.state.as_str(), counts_text(job)),
    }
}

fn counts_text(job: &Job) -> String {
    let failed = if job.counts.failed > 0 { format!(", {} failed", job.counts.failed) } else { String::new() };
    let rate = job.rate().filter(|_| job.segment_id().is_some());
    let rate = rate.map(|rate| format!(", {rate:.0} a second")).unwrap_or_default();
    format!("{} deleted{failed}{rate}", job.counts.deleted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(more: &Value) -> Job {
        let mut job = json!({
            "id": "job_1", "action": "delete_segment", "state": "running", "rows": 0, "remaining": 0, "group": null,
            "counts": {}, "created_at": null, "segment_id": "seg_1", "expected_members": null, "members_left": null,
            "settles_at": null, "phase": null, "dry_run": false,
        });
        job.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(job).unwrap()
    }

    fn check(more: &Value, expected: &str) {
        assert_eq!(progress_text(&job(more)), expected, "{more}");
    }

    #[test]
    fn each_phase_says_how_far_it_is() {
        let counts = json!({"deleted": 5, "failed": 2});
        check(&json!({"phase": "waiting", "state": "queued"}), "waiting for its turn");
        check(&json!({"phase": "preparing"}), "preparing: listing the members");
        check(&json!({"phase": "preparing", "expected_members": 9}), "preparing: listing about 9 members");
        check(&json!({"phase": "preparing", "rows": 7, "expected_members": 9}), "preparing: 7 members listed");
        let deleting = json!({"phase": "deleting", "rows": 9, "counts": counts, "rows_per_second": 34.6});
        check(&deleting, "deleting: 5 deleted, 2 failed, 35 a second");
        let sweeping = json!({"phase": "sweeping", "rows": 9, "counts": {"deleted": 5}});
        check(&sweeping, "sweeping: looking for members that are left: 5 deleted");
        let settling = json!({"phase": "settling", "settles_at": "2026-12-01T00:00:00.000Z"});
        check(&settling, "settling until 2026-12-01T00:00:00.000Z: 0 deleted");
        check(&json!({"phase": "new\u{1b}"}), "new\u{fffd}: 0 deleted");
    }

    #[test]
    fn a_state_that_is_no_motion_is_told_instead_of_the_phase() {
        check(&json!({"phase": "deleting", "state": "paused", "rows": 9}), "paused: 0 deleted");
        check(&json!({"phase": "preparing", "dry_run": true}), "dry run, preparing: listing the members");
        check(&json!({"phase": "deleting", "dry_run": true}), "dry run, running: 0 would be deleted");
        check(&json!({"segment_id": null, "phase": "deleting", "rows_per_second": 3.0}), "running: 0 deleted");
    }

    #[test]
    fn the_table_of_a_job_has_its_segment() {
        let more = json!({"phase": "settling", "settles_at": "T", "expected_members": 9, "members_left": 0});
        let text = job(&more).text();
        for line in ["segment           seg_1", "phase             settling until T", "members left      0"] {
            assert!(text.contains(line), "{text}");
        }
        let text = job(&json!({"segment_id": null})).text();
        assert!(!text.contains("segment  ") && !text.contains("phase"), "{text}");
    }

    #[test]
    fn a_job_keeps_its_fields_in_json() {
        let more = json!({"phase": "deleting", "members_left": 3, "settles_at": null});
        let json = serde_json::to_value(job(&more)).unwrap();
        assert_eq!((&json["phase"], &json["members_left"]), (&json!("deleting"), &json!(3)));
        assert!(json.as_object().unwrap().contains_key("settles_at"));
    }
}
