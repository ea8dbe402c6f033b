//! Waits for a job and shows its progress.

use std::time::Duration;

use efface_core::job::JobState;

use super::{Job, Jobs, command, phase::progress_text};
use crate::{CliError, output::printable, progress_bar::Bar};

/// The first interval between two requests for a job's state, and the longest one. It doubles each time.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
const MAX_INTERVAL: Duration = Duration::from_secs(2);

/// When to stop waiting for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// The job is in a final state.
    Final,
    /// The job is in a final state, or waits: paused, for an approval, or for its time.
    FinalOrWaiting,
}

impl Jobs {
    /// Waits for a job. `last` receives the latest known state, which remains available if waiting is stopped. A job that
    /// is halted comes with what halted it.
    pub(crate) async fn follow(
        &self,
        id: &str,
        until: Until,
        bar: &Bar,
        last: &mut Option<Job>,
    ) -> Result<Job, CliError> {
        let (mut interval, mut told) = (MIN_INTERVAL, None);
        loop {
            let mut job = self.job(id).await?;
            let (done, total) = (job.rows - job.remaining.min(job.rows), job.expected_rows().unwrap_or(job.rows));
            let waits = waits(job.state);
            if waits.is_some() {
                bar.hold(done, total, &waiting_text(&job));
            } else {
                bar.set(done, total, &progress_text(&job));
            }
            let is_last = job.state.is_final() || until == Until::FinalOrWaiting && waits == Some(true);
            let is_new = told != Some(job.state);
            if is_last || waits.is_some() && is_new {
                job = self.with_halt(job).await;
            } else if let Some(before) = last.take().filter(|before| before.state == job.state) {
                job.halt = before.halt;
            }
            *last = Some(job.clone());
            if is_last {
                return Ok(job);
            }
            if waits.is_some() && is_new {
                bar.note(&Self::waiting_note(&job));
            }
            told = Some(job.state);
            tokio::time::sleep(interval).await;
            interval = (interval * 2).min(MAX_INTERVAL);
        }
    }

    /// What a job waits for, and what is to be done.
    fn waiting_note(job: &Job) -> String {
        let id = printable(&job.id);
        match job.state {
            JobState::Paused => {
                let by = job.halt.as_ref().map(|halt| format!(" {}", halt.by())).unwrap_or_default();
                let resume = command("resume", &id);
                format!("the job {id} was paused{by}. It waits for a person, who lets it go on with: {resume}")
            }
            JobState::AwaitingApproval => {
                let approve = command("approve", &id);
                format!("the job {id} waits for a person with another token, who lets it go on with: {approve}")
            }
            JobState::Open => {
                format!("the job {id} waits for a person, who starts it with: {}", command("start", &id))
            }
            _ => format!("the job {id} {}", waiting_text(job)),
        }
    }
}

/// Whether a job waits for a person or its time, and so would be left alone by who only wants it done. An open job waits as
/// well, but for who is filling it.
fn waits(state: JobState) -> Option<bool> {
    match state {
        JobState::Paused | JobState::AwaitingApproval | JobState::Scheduled => Some(true),
        JobState::Open => Some(false),
        _ => None,
    }
}

/// What a job waits for, on the bar.
fn waiting_text(job: &Job) -> String {
    match (job.state, &job.start_at) {
        (JobState::Scheduled, Some(time)) => format!("waits for its time, {}", printable(time)),
        (state, _) => format!("{}: waits for a person", state.as_str()),
    }
}
