//! `efface jobs wait`: waits until a job, or all jobs of a group, are final.

use std::{fmt::Write as _, time::Duration};

use efface_core::job::Outcome;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Jobs,
    args::Wait,
    ending::{counts_exit_code, explained},
    job::Counts,
};
use crate::{
    CliError, Interrupts, Output,
    api::{ApiError, ApiRequest, encoded, read},
    exit,
    output::{columns, printable, progress},
    pace::words,
};

/// Between two requests where the API does not say.
const INTERVAL: Duration = Duration::from_secs(5);

/// How often a line tells how far it is.
const NOTES: Duration = Duration::from_secs(30);

/// What was told while waiting.
#[derive(Default)]
struct Told {
    message: String,
    /// Since when the API has said that.
    since: Option<Instant>,
    at: Option<Instant>,
}

impl Jobs {
    /// Waits, and tells on stderr how far it is. Ctrl-C stops waiting, not the jobs.
    pub(super) async fn wait(&self, wait: &Wait, interrupts: &Interrupts) -> Result<Output, CliError> {
        let request = ApiRequest::get(self.api.path(&wait.path()));
        let mut told = Told::default();
        loop {
            let error = match self.api.send(&request).await {
                Ok(response) => return Ok(output(read(&response)?, "", &wait.fail_on)),
                Err(CliError::Api(error)) if error.code == "not_settled" => error,
                Err(CliError::Api(error)) if error.code == "rows_failed" => return failed(error, &wait.fail_on),
                Err(error) => return Err(error),
            };
            if let Some(line) = told.line(error.message, Instant::now()) {
                progress(line);
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = interrupts.reached(1) => {
                    let (text, json) = ("stopped waiting; the jobs go on".to_owned(), json!({"interrupted": true}));
                    return Ok(Output { text, json, exit: exit::INTERRUPTED });
                }
            }
        }
    }
}

impl Told {
    /// The line that is due, if one is: the first at once, then every 30 seconds.
    fn line(&mut self, message: String, now: Instant) -> Option<String> {
        if message != self.message {
            (self.message, self.since) = (message, Some(now));
        }
        if self.at.is_some_and(|at| now.duration_since(at) < NOTES) {
            return None;
        }
        self.at = Some(now);
        let still = self.since.map_or(Duration::ZERO, |since| now.duration_since(since));
        let still = if still >= NOTES { format!(" (no progress for {})", words(still)) } else { String::new() };
        Some(format!("{}{still}", printable(&self.message)))
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

/// Rows failed or jobs were cancelled: which of them, or what `--fail-on` names, the exit code tells.
fn failed(error: ApiError, fail_on: &[Outcome]) -> Result<Output, CliError> {
    let json = Value::Object(error.details.clone());
    let is_cancelled = json["job"]["state"] == "cancelled" || json["cancelled_jobs"].as_u64() > Some(0);
    let text = printable(&error.message);
    match output(json, &text, fail_on) {
        output if is_cancelled => Ok(Output { exit: exit::HELD, ..output }),
        output if output.exit == exit::MATCHED => Ok(output),
        _ => Err(error.into()),
    }
}

fn output(json: Value, title: &str, fail_on: &[Outcome]) -> Output {
    let job = json["job"].is_object().then_some(&json["job"]);
    let dry_run = job.is_some_and(|job| job["dry_run"] == true);
    let counts: Counts = serde_json::from_value(job.unwrap_or(&json)["counts"].clone()).unwrap_or_default();
    let title = match (title, job.is_some()) {
        ("", true) if dry_run => "Dry run: nothing was deleted.\n".to_owned(),
        ("", true) => String::new(),
        ("", false) => "Rows of all jobs of the group, without dry runs:\n".to_owned(),
        (title, _) => format!("{title}\n"),
    };
    let exit = counts_exit_code(&counts, fail_on);
    explained(Output { text: format!("{title}{}", columns(&counts.rows("", dry_run))), json, exit }, fail_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_due_at_once_and_every_thirty_seconds() {
        let (mut told, start) = (Told::default(), Instant::now());
        let mut line = |message: &str, seconds| told.line(message.to_owned(), start + Duration::from_secs(seconds));
        assert_eq!(line("1 of 9", 0).as_deref(), Some("1 of 9"));
        assert_eq!(line("2 of 9", 5), None);
        assert_eq!(line("3 of 9", 30).as_deref(), Some("3 of 9"));
        assert_eq!(line("3 of 9", 59), None);
        assert_eq!(line("3 of 9", 70).as_deref(), Some("3 of 9 (no progress for 40 s)"));
    }
}
