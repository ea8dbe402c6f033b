//! The live jobs of a stack, as `efface admin stop`, `start` and `space update --deactivate` find and pause them.

use std::{fmt::Write as _, time::Duration};

use efface_aws::{Store, clock::Clock, queue::Queue, store::job::LiveCursor};
use efface_core::{job::JobState, space::SpaceId, time::Time};
use efface_engine::{Engine, access::REMEMBERED_SECONDS, stop::LiveJobStatus};
use serde_json::{Value, json};

use crate::{CliError, Interrupts, exit, output::columns};

/// How long after a stop a worker may still be at its rows, in seconds: its function ends after 30 s
/// (`infra/template.yaml`). It looks far more often whether it may go on.
const WORKER_SECONDS: i64 = 30;

/// How long after a stop single deletions may go on, in seconds: what the functions remember, and a request under way.
const SINGLE_SECONDS: i64 = REMEMBERED_SECONDS + 3;

/// How often the jobs are looked at while the command waits.
const PAUSE: Duration = Duration::from_secs(2);

/// Jobs that the text names. The JSON output has all.
const NAMED: usize = 20;

/// An engine for what an operator does: it sends no messages.
pub(super) fn engine(store: &Store) -> Engine {
    Engine::new(store.clone(), Queue::none(), Clock::system())
}

/// Live jobs.
pub(super) struct LiveJobs {
    /// In the order of their spaces, then of their creation.
    pub(super) jobs: Vec<LiveJobStatus>,
    /// Those that cannot be read. They are not paused; a stop holds for them, too.
    pub(super) unreadable: usize,
}

/// Pauses the live jobs of a space, or of all, that may not go on. All of them, as they are then.
pub(super) async fn pause(engine: &Engine, space: Option<&SpaceId>) -> Result<LiveJobs, CliError> {
    let (mut jobs, mut unreadable, mut cursor) = (Vec::new(), 0, Some(LiveCursor::default()));
    while let Some(at) = cursor {
        let found = engine.pause_live_jobs(space, at).await?;
        jobs.extend(found.jobs.into_iter().filter(|job| !job.status.head.state.is_final()));
        (unreadable, cursor) = (unreadable + found.unreadable, found.more);
    }
    jobs.sort_by_key(|job| (job.space.clone(), job.status.head.created_at, job.status.head.job_id.to_string()));
    Ok(LiveJobs { jobs, unreadable })
}

/// The exit code of a command that has stopped something: whether all jobs could be read, and nothing is in flight any more
/// or it did not wait for that.
pub(super) fn exit_code(live: &LiveJobs, is_over: bool, interrupts: &Interrupts) -> u8 {
    match (is_over, interrupts.requested()) {
        (true, _) if live.unreadable > 0 => exit::FAILED,
        (true, _) => 0,
        (false, true) => interrupts.exit_code(),
        (false, false) => exit::UNAVAILABLE,
    }
}

/// What is left to be done when jobs were paused: chunks that run, and single deletions.
pub(super) struct InFlight {
    since: Time,
    space: Option<SpaceId>,
}

impl InFlight {
    /// After a stop that was written at this time.
    pub(super) fn after(since: Time, space: Option<&SpaceId>) -> Self {
        Self { since, space: space.cloned() }
    }

    /// When no single deletion goes on any more.
    fn single_until(&self) -> Time {
        self.since.plus_seconds(SINGLE_SECONDS)
    }

    /// Waits until nothing is in flight, or the user asks to stop, and pauses the jobs again that were made meanwhile. The
    /// jobs as they are then, and whether it waited to the end.
    pub(super) async fn wait(
        &self,
        engine: &Engine,
        mut live: LiveJobs,
        interrupts: &Interrupts,
    ) -> Result<(LiveJobs, bool), CliError> {
        let clock = Clock::system();
        loop {
            let is_over = clock.now() >= self.single_until() && running(&live.jobs) == 0;
            if is_over || clock.now() >= self.since.plus_seconds(2 * WORKER_SECONDS) {
                return Ok((live, is_over));
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = interrupts.reached(1) => return Ok((live, false)),
            }
            let was_paused =
                |id: &str| live.jobs.iter().any(|job| job.was_paused && job.status.head.job_id.to_string() == id);
            let mut found = pause(engine, self.space.as_ref()).await?;
            for job in &mut found.jobs {
                job.was_paused |= was_paused(&job.status.head.job_id.to_string());
            }
            live = found;
        }
    }

    /// What is in flight, for people.
    pub(super) fn text(&self, jobs: &[LiveJobStatus], is_over: bool) -> String {
        let running = running(jobs);
        if is_over {
            return "Nothing is in flight any more.".to_owned();
        }
        let mut text = format!("Single deletions may go on until {}.", self.single_until());
        if running > 0 {
            let until = self.since.plus_seconds(WORKER_SECONDS);
            _ = write!(
                text,
                "\n{running} chunks run. Each stops within 100 rows or a second, at the latest at {until}; the counts of their \
                 jobs may lag until then. A chunk whose worker died is given back within 3 minutes."
            );
        }
        text
    }

    /// The same, for programs.
    pub(super) fn json(&self, jobs: &[LiveJobStatus], is_over: bool) -> Value {
        json!({
            "running_chunks": running(jobs),
            "chunks_until": self.since.plus_seconds(WORKER_SECONDS),
            "single_deletions_until": self.single_until(),
            "nothing_in_flight": is_over,
        })
    }
}

fn running(jobs: &[LiveJobStatus]) -> i64 {
    jobs.iter().map(|job| job.status.progress.running_chunks()).sum()
}

/// The jobs that count for a command, as a table. It names the first ones.
pub(super) fn table<'a>(jobs: impl Iterator<Item = &'a LiveJobStatus>) -> String {
    let jobs: Vec<&LiveJobStatus> = jobs.collect();
    let row = |job: &&LiveJobStatus| {
        let (head, progress) = (&job.status.head, &job.status.progress);
        let remaining = (head.rows(progress) - progress.counts.total()).max(0);
        let running = match progress.running_chunks() {
            0 => String::new(),
            running => format!("{running} chunks run"),
        };
        [
            job.space.to_string(),
            head.job_id.to_string(),
            head.state.as_str().to_owned(),
            format!("{} deleted", progress.counts.deleted),
            format!("{remaining} remaining"),
            running,
        ]
    };
    let mut text = columns(&jobs.iter().take(NAMED).map(row).collect::<Vec<_>>());
    if jobs.len() > NAMED {
        _ = write!(text, "\nand {} more: --json lists all", jobs.len() - NAMED);
    }
    text
}

/// The live jobs, for programs.
pub(super) fn json(jobs: &[LiveJobStatus]) -> Value {
    let document = |job: &LiveJobStatus| {
        let (head, progress) = (&job.status.head, &job.status.progress);
        json!({
            "space_id": job.space,
            "id": head.job_id,
            "state": head.state,
            "rows": head.rows(progress),
            "counts": progress.counts,
            "remaining": (head.rows(progress) - progress.counts.total()).max(0),
            "running_chunks": progress.running_chunks(),
            "paused_now": job.was_paused,
            "stopped": head.stopped_by.is_some(),
            "goes_on": job.goes_on,
        })
    };
    jobs.iter().map(document).collect()
}

/// What is to be said of jobs that cannot be read, where there are any.
pub(super) fn unreadable(live: &LiveJobs) -> String {
    match live.unreadable {
        0 => String::new(),
        count => format!(
            "\n{count} jobs cannot be read and are not in this list. No chunk of them starts while something is stopped; the \
             log of the reconciler names them."
        ),
    }
}

/// What was done with the jobs, for people.
pub(super) fn summary(live: &LiveJobs) -> String {
    let jobs = &live.jobs;
    let paused = jobs.iter().filter(|job| job.was_paused).count();
    let waits = |state| jobs.iter().filter(|job| job.status.head.state == state).count();
    let mut text = format!("{paused} jobs were paused.");
    let scheduled = waits(JobState::Scheduled);
    if scheduled > 0 {
        _ = write!(text, " {scheduled} jobs wait for their time, and do not start meanwhile.");
    }
    let stopped: Vec<_> =
        jobs.iter().filter(|job| job.was_paused || job.status.progress.running_chunks() > 0).collect();
    if !stopped.is_empty() {
        text.push('\n');
        text.push_str(&table(stopped.into_iter()));
    }
    text.push_str(&unreadable(live));
    text
}
