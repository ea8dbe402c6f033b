//! How much a job deletes, for the question before it.

use efface_core::job::JobState;

use super::{Job, Plan};
use crate::{
    api::Api,
    confirm::{Question, how_much, named_by},
};

impl Plan {
    /// What would be deleted. `kind` is what a row deletes: a profile, with what it holds, or an identifier.
    pub(crate) fn extent(&self, kind: &str) -> String {
        if kind == "identifier" {
            return how_much(&[(self.profiles, kind)]);
        }
        how_much(&[
            (self.profiles, kind),
            (self.merges, "merge"),
            (self.identifiers, "identifier"),
            (self.memberships, "membership"),
        ])
    }
}

impl Job {
    /// What a row of the job deletes.
    pub(crate) fn kind(&self) -> &'static str {
        if self.action == "delete_identifier" { "identifier" } else { "profile" }
    }

    /// The question to somebody who is to approve the job.
    pub(super) fn approval(&self, api: &Api) -> Question {
        let (what, how_much) = match (self.segment_id(), self.expected_rows()) {
            (Some(segment), Some(members)) => {
                (format!("all users of the segment {segment}"), how_much(&[(members, "profile")]))
            }
            (Some(segment), None) => (format!("all users of the segment {segment}"), "not known".to_owned()),
            (None, _) => (named_by(self.rows, &self.id), format!("up to {}", how_much(&[(self.rows, self.kind())]))),
        };
        Question::approve(api, &what, &how_much)
    }

    /// The question before the failed rows are run again; `None` where that deletes nothing which was not going to be
    /// deleted anyhow.
    pub(super) fn redrive(&self, api: &Api) -> Option<Question> {
        let deletes = !self.dry_run && self.state == JobState::Completed && self.counts.failed > 0;
        let what = format!("what the failed rows of {} name", self.id);
        let how_much = format!("up to {}", how_much(&[(self.counts.failed, self.kind())]));
        deletes.then(|| Question::delete(api, &what, &how_much))
    }
}
