//! A job that was just paused, cancelled or stopped: whether its counts are final, and who stopped it.

use efface_core::job::JobState;

use super::Job;

impl Job {
    /// Whether an operator has stopped it, with `efface admin stop`.
    pub(super) fn is_stopped(&self) -> bool {
        self.rest.get("stopped").is_some_and(|stopped| stopped == true)
    }

    /// What there is to say of a job that stops while some of its chunks run.
    pub(super) fn lag_properties(&self) -> Option<[String; 2]> {
        let stops =
            matches!(self.state, JobState::Pausing | JobState::Paused | JobState::Cancelling | JobState::Cancelled);
        let running =
            self.rest.get("running_chunks").and_then(serde_json::Value::as_u64).filter(|chunks| *chunks > 0)?;
        let text = format!("{running} chunks still run: the numbers below are not final yet");
        stops.then(|| ["counts".to_owned(), text])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_that_may_lag_say_so() {
        for (state, chunks, stopped, lag, hint) in [
            ("pausing", 2, false, true, ""),
            ("cancelling", 1, false, true, ""),
            ("paused", 0, false, false, "`efface jobs resume job_1` resumes it"),
            ("paused", 0, true, false, "an operator stopped it"),
            ("running", 3, false, false, ""),
        ] {
            let sent = json!({
                "id": "job_1", "action": "delete_profile", "state": state, "rows": 9, "remaining": 9, "group": null,
                "counts": {}, "created_at": null, "running_chunks": chunks, "stopped": stopped,
            });
            let text = serde_json::from_value::<Job>(sent).unwrap().text();
            assert_eq!(text.contains("chunks still run: the numbers below are not final yet"), lag, "{text}");
            assert!(text.contains(hint), "{text}");
        }
    }
}
