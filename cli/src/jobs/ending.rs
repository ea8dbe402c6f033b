//! How a command ends that has made or followed a job: its exit code, and what it says of it.

use efface_core::job::{JobState, Outcome};

use super::{Counts, Job, Plan};
use crate::{Output, exit};

/// The exit code of a command that has followed a job to its end, or to where it waits. A job that a person has halted, or
/// must let go on, comes first, because its counts are not final; then what `--fail-on` names; then failed rows.
pub(crate) fn exit_code(job: &Job, fail_on: &[Outcome]) -> u8 {
    let is_over = matches!(job.state, JobState::Completed | JobState::Scheduled);
    match request_exit_code(job) {
        0 if is_any(fail_on, |outcome| job.counts.of(outcome)) => exit::MATCHED,
        0 if job.counts.failed > 0 || !is_over => exit::FAILED,
        code => code,
    }
}

/// The exit code of a command that has made or started a job and does not follow it: whether it goes on.
pub(crate) fn request_exit_code(job: &Job) -> u8 {
    let is_held = matches!(
        job.state,
        JobState::AwaitingApproval | JobState::Pausing | JobState::Paused | JobState::Cancelling | JobState::Cancelled
    );
    if is_held { exit::HELD } else { 0 }
}

/// The exit code of a command that has made a plan.
pub(crate) fn plan_exit_code(plan: &Plan, fail_on: &[Outcome]) -> u8 {
    if is_any(fail_on, |outcome| plan.of(outcome)) { exit::MATCHED } else { 0 }
}

/// The exit code of counts that are all final.
pub(super) fn counts_exit_code(counts: &Counts, fail_on: &[Outcome]) -> u8 {
    if is_any(fail_on, |outcome| counts.of(outcome)) { exit::MATCHED } else { 0 }
}

fn is_any(fail_on: &[Outcome], count: impl Fn(Outcome) -> u64) -> bool {
    fail_on.iter().any(|outcome| count(*outcome) > 0)
}

/// Says of an output why it is a failure although all went well, where that is so.
pub(crate) fn explained(output: Output, fail_on: &[Outcome]) -> Output {
    if output.exit != exit::MATCHED {
        return output;
    }
    let names: Vec<&str> = fail_on.iter().map(|outcome| outcome.as_str()).collect();
    let text = format!("{}\n\nThis is a failure, because of --fail-on {}.", output.text, names.join(","));
    Output { text, ..output }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(state: &str, counts: &serde_json::Value, fail_on: &[Outcome], expected: u8) {
        let job = json!({"id": "job_1", "action": "delete_profile", "state": state, "rows": 9, "remaining": 0,
            "group": null, "counts": counts, "created_at": null});
        let job: Job = serde_json::from_value(job).unwrap();
        assert_eq!(exit_code(&job, fail_on), expected, "{state} {counts} {fail_on:?}");
    }

    #[test]
    fn each_end_has_its_exit_code() {
        use Outcome::{Failed, Invalid, NotFound};
        let (none, some) = (json!({"deleted": 9}), json!({"deleted": 5, "invalid": 1, "failed": 1}));
        for held in ["awaiting_approval", "pausing", "paused", "cancelling", "cancelled"] {
            check(held, &some, &[Failed], exit::HELD);
        }
        check("completed", &none, &[], 0);
        check("completed", &none, &[Invalid, NotFound, Failed], 0);
        check("scheduled", &none, &[], 0);
        check("scheduled", &some, &[Invalid], exit::MATCHED);
        check("completed", &some, &[], exit::FAILED);
        check("completed", &some, &[NotFound], exit::FAILED);
        check("completed", &some, &[Failed], exit::MATCHED);
        check("completed", &json!({"not_found": 1}), &[Invalid, NotFound], exit::MATCHED);
        check("completed", &json!({"not_found": 1}), &[], 0);
        check("running", &none, &[], exit::FAILED);
    }
}
