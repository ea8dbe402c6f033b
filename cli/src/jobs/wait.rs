//! `efface jobs wait`: waits until a job, or all jobs of a group, are final.

use std::{fmt::Write as _, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

use super::{
    Jobs,
    args::Wait,
    job::{Counts, count_row},
};
use crate::{
    CliError, Interrupts, Output,
    api::{ApiRequest, encoded, read},
    output::{columns, note},
};

/// Between two requests where the API does not say.
const INTERVAL: Duration = Duration::from_secs(5);

/// Without a terminal, how often a line tells how far it is.
const NOTES: Duration = Duration::from_secs(30);

impl Jobs {
    /// Waits, and tells on stderr how far it is. Ctrl-C stops waiting, not the jobs.
    pub(super) async fn wait(&self, wait: &Wait, interrupts: &Interrupts) -> Result<Output, CliError> {
        let request = ApiRequest::get(self.api.path(&wait.path()));
        let (mut told, mut told_at) = (String::new(), None::<Instant>);
        loop {
            let error = match self.api.send(&request).await {
                Ok(response) => return Ok(output(read(&response)?)),
                Err(CliError::Api(error)) if error.code == "not_settled" => error,
                Err(error) => return Err(error),
            };
            if error.message != told && told_at.is_none_or(|at| at.elapsed() >= NOTES) {
                note(&error.message);
                (told, told_at) = (error.message, Some(Instant::now()));
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = interrupts.reached(1) => {
                    let text = "stopped waiting; the jobs go on".to_owned();
                    return Ok(Output { text, json: serde_json::json!({"interrupted": true}), exit: 130 });
                }
            }
        }
    }
}

impl Wait {
    fn path(&self) -> String {
        let mut path = match (&self.job, &self.group) {
            (Some(job), _) => format!("deletion_jobs/{}?until=settled", encoded(job)),
            (None, group) => {
                let group = encoded(group.as_deref().unwrap_or_default());
                format!("deletion_jobs?group={group}&until=settled")
            }
        };
        if let Some(rows) = self.rows {
            _ = write!(path, "&rows={rows}");
        }
        if !self.allow_failed {
            path.push_str("&require=none_failed");
        }
        path
    }
}

fn output(json: Value) -> Output {
    let counts = if json["job"].is_object() { &json["job"]["counts"] } else { &json["counts"] };
    let counts: Counts = serde_json::from_value(counts.clone()).unwrap_or_default();
    let rows = counts.outcomes().map(|(name, count, note)| count_row(name, count, note));
    Output::success(columns(&rows), json)
}
