//! Waits for a job and shows its progress.

use std::time::Duration;

use efface_core::job::JobState;

use super::{Job, Jobs, phase::progress_text};
use crate::{CliError, progress_bar::Bar};

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
    /// Waits for a job. `last` receives the latest known state, which remains available if waiting is stopped.
    pub(crate) async fn follow(
        &self,
        id: &str,
        until: Until,
        bar: &Bar,
        last: &mut Option<Job>,
    ) -> Result<Job, CliError> {
        let mut interval = MIN_INTERVAL;
        loop {
            let job = self.job(id).await?;
            let total = job.expected_rows().unwrap_or(job.rows);
            bar.set(job.rows - job.remaining.min(job.rows), total, &progress_text(&job));
            *last = Some(job.clone());
            let waits = matches!(job.state, JobState::Paused | JobState::AwaitingApproval | JobState::Scheduled);
            if job.state.is_final() || until == Until::FinalOrWaiting && waits {
                return Ok(job);
            }
            tokio::time::sleep(interval).await;
            interval = (interval * 2).min(MAX_INTERVAL);
        }
    }
}
