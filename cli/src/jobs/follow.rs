//! Waiting for a job, with a bar that shows how far it is.

use std::time::Duration;

use efface_core::job::JobState;

use super::{Job, Jobs};
use crate::{CliError, bar::Bar};

/// The first pause between two looks at a job, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Why nobody waits any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// The job has ended.
    Final,
    /// The job has ended, or stands still until somebody resumes it.
    Still,
}

impl Jobs {
    /// Looks at a job until it is there. What it was last is kept in `last`, for whoever stops waiting.
    pub(crate) async fn follow(
        &self,
        id: &str,
        until: Until,
        bar: &Bar,
        last: &mut Option<Job>,
    ) -> Result<Job, CliError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let job = self.job(id).await?;
            bar.at(job.rows - job.remaining.min(job.rows), job.rows, &words(&job));
            *last = Some(job.clone());
            if job.state.is_final() || until == Until::Still && job.state == JobState::Paused {
                return Ok(job);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn words(job: &Job) -> String {
    if job.dry_run {
        return "dry run".to_owned();
    }
    let failed = if job.counts.failed > 0 { format!(", {} failed", job.counts.failed) } else { String::new() };
    format!("{}: {} deleted{failed}", job.state.as_str(), job.counts.deleted)
}
