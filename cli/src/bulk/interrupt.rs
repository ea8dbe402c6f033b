//! What Ctrl-C does: it cancels a job that was not started, and tells how to control a started one.

use efface_core::job::JobState;
use serde_json::json;

use super::run::{Run, Stage};
use crate::{Interrupts, Output};

impl Run<'_> {
    /// Called after the first Ctrl-C. A second one stops the attempt to cancel the job.
    pub(super) async fn interrupted(&self, interrupts: &Interrupts) -> Output {
        let (id, may_delete) = match self.stage() {
            Stage::NoJob => return nothing_sent(),
            Stage::Started(id) => return self.job_continues(&id),
            Stage::DryRun(id) => (id, false),
            Stage::Open(id) => (id, true),
        };
        let cancelled = tokio::select! {
            result = self.cancel_unstarted(&id, may_delete) => result,
            () = interrupts.reached(2) => None,
        };
        match cancelled {
            Some(true) => self.stopped(&id, format!("stopped: the job {id} is cancelled; nothing was deleted")),
            Some(false) => self.job_continues(&id),
            None => self.stopped(&id, format!("stopped; `efface jobs status {id}` shows the state of the job")),
        }
    }

    /// Cancels the job and returns `true`, or `false` if it was started before. `None` if the API does not respond.
    pub(super) async fn cancel_unstarted(&self, id: &str, may_delete: bool) -> Option<bool> {
        if may_delete && self.jobs.job(id).await.ok()?.state != JobState::Open {
            return Some(false);
        }
        self.jobs.control(id, "cancel").await.ok().map(|_| true)
    }

    fn job_continues(&self, id: &str) -> Output {
        let space = self.jobs.api.space();
        let verbs = [("status", " --watch"), ("pause", ""), ("cancel", "")]
            .map(|(verb, option)| ["\n  efface jobs ", verb, " ", id, " --space ", space.as_str(), option].concat());
        self.stopped(id, format!("the job {id} continues. To follow, pause or cancel it:{}", verbs.concat()))
    }

    fn stopped(&self, id: &str, text: String) -> Output {
        let json = json!({"interrupted": true, "job_id": id, "idempotency_key": self.key});
        Output { text, json, exit: 130 }
    }
}

/// The output of a run that was stopped before there was a job.
pub(super) fn nothing_sent() -> Output {
    let text = "stopped: nothing was deleted".to_owned();
    Output { text, json: json!({"interrupted": true, "job_id": null}), exit: 130 }
}
