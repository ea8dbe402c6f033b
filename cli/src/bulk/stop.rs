//! Ctrl-C: what becomes of the job, and what is said of it.

use efface_core::job::JobState;
use serde_json::json;

use super::run::{Run, Stage};
use crate::{Answer, Interrupts};

impl Run<'_> {
    /// After Ctrl-C: a job that was not started would only lie about.
    pub(super) async fn stop(&self, interrupts: &Interrupts) -> Answer {
        let (id, may_delete) = match self.stage() {
            Stage::Nothing => return nothing_sent(),
            Stage::Started(id) => return self.goes_on(&id),
            Stage::Trial(id) => (id, false),
            Stage::Open(id) => (id, true),
        };
        let cancelled = tokio::select! {
            result = self.cancel_unstarted(&id, may_delete) => result,
            () = interrupts.reached(2) => None,
        };
        match cancelled {
            Some(true) => self.stopped(&id, format!("stopped: the job {id} is cancelled; nothing was deleted")),
            Some(false) => self.goes_on(&id),
            None => self.stopped(&id, format!("stopped; `efface jobs status {id}` shows what is left of the job")),
        }
    }

    /// Whether the job could be cancelled, or was started before; `None` where nobody knows.
    async fn cancel_unstarted(&self, id: &str, may_delete: bool) -> Option<bool> {
        if may_delete && self.jobs.job(id).await.ok()?.state != JobState::Open {
            return Some(false);
        }
        self.jobs.control(id, "cancel").await.ok().map(|_| true)
    }

    fn goes_on(&self, id: &str) -> Answer {
        let space = self.jobs.api.space();
        let verbs = [("status", " --watch"), ("pause", ""), ("cancel", "")]
            .map(|(verb, option)| ["\n  efface jobs ", verb, " ", id, " --space ", space.as_str(), option].concat());
        self.stopped(id, format!("the job {id} goes on. To follow, pause or end it:{}", verbs.concat()))
    }

    fn stopped(&self, id: &str, text: String) -> Answer {
        let json = json!({"interrupted": true, "job_id": id, "idempotency_key": self.key});
        Answer { text, json, exit: 130 }
    }
}

/// The answer of a run that was stopped before there was a job.
pub(super) fn nothing_sent() -> Answer {
    let text = "stopped: nothing was deleted".to_owned();
    Answer { text, json: json!({"interrupted": true, "job_id": null}), exit: 130 }
}
