//! What Ctrl-C, or SIGTERM, does to a job: it cancels one that was not started, and tells how to control a started one.

use efface_core::job::JobState;
use serde_json::json;

use super::Jobs;
use crate::{Interrupts, Output, exit, hints, output::printable};

impl Jobs {
    /// Cancels a job that was not started by this run, or a dry run. Another run may have started it if `may_delete`. A
    /// second Ctrl-C stops the attempt.
    pub(crate) async fn stop_unstarted(
        &self,
        id: &str,
        may_delete: bool,
        key: &str,
        interrupts: &Interrupts,
    ) -> Output {
        let cancelled = tokio::select! {
            result = self.cancel_unstarted(id, may_delete) => result,
            () = interrupts.reached(2) => None,
        };
        match cancelled {
            Some(true) => stopped(id, key, format!("stopped: the job {id} is cancelled; nothing was deleted")),
            Some(false) => Self::continues(id, key),
            None => stopped(id, key, format!("stopped; `{}` shows the state of the job", command("status", id))),
        }
    }

    /// Cancels the job and returns `true`, or `false` if it was started before. `None` if the API does not respond.
    pub(crate) async fn cancel_unstarted(&self, id: &str, may_delete: bool) -> Option<bool> {
        if may_delete && self.job(id).await.ok()?.state != JobState::Open {
            return Some(false);
        }
        self.control(id, "cancel").await.ok().map(|_| true)
    }

    /// The output of a run that leaves its job running.
    pub(crate) fn continues(id: &str, key: &str) -> Output {
        let verbs = [("status", " --watch"), ("pause", ""), ("cancel", "")]
            .map(|(verb, option)| format!("\n  {}{option}", command(verb, id)));
        stopped(id, key, format!("the job {id} continues. To follow, pause or cancel it:{}", verbs.concat()))
    }
}

/// The command line that does something with a job, with the settings of this run.
pub(crate) fn command(verb: &str, id: &str) -> String {
    hints::api_command(format_args!("jobs {verb} {}", hints::quoted(&printable(id))))
}

fn stopped(id: &str, key: &str, text: String) -> Output {
    let json = json!({"interrupted": true, "job_id": id, "idempotency_key": key});
    Output { text, json, exit: exit::INTERRUPTED }
}

/// The output of a run that was stopped before there was a job.
pub(crate) fn nothing_sent() -> Output {
    let text = "stopped: nothing was deleted".to_owned();
    Output { text, json: json!({"interrupted": true, "job_id": null}), exit: exit::INTERRUPTED }
}
