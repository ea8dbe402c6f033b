//! `efface admin stop` and `start`: the emergency stop, with AWS credentials alone.

use std::fmt::Write as _;

use clap::Args;
use efface_aws::{Store, clock::Clock};
use efface_core::{space::SpaceId, stop::Stop};
use serde_json::json;

use super::live::{self, InFlight};
use crate::{
    CliError, Interrupts, Output,
    confirm::{self, Question},
    connect,
    settings::Settings,
};

const STOP_HELP: &str = "\
From then on no job, profile deletion or segment deletion is created, started, resumed or carried on. Chunks that run
stop within 100 rows or a second. Single deletions of identifiers stop within 33 seconds; the command waits until then,
and Ctrl-C ends the waiting, not the stop. Neither a token nor the identifier key is needed. The command may be stopped
anywhere and started again. docs/runbook/emergency-stop.md tells what to do next.

Example:
  export EFFACE_TABLE=efface-na-Table-1
  efface admin stop --all
  efface admin stop --space spa_demo --no-wait

Exit codes:
  0    stopped, and nothing is in flight; or, with --no-wait, stopped
  1    the space does not exist, or the table rejected a request; or it is stopped, and jobs cannot be read: the output
       says so
  2    the command line or a setting is wrong; nothing was stopped
  3    the table was unavailable, or a chunk's worker has died: run the command again
  130  stopped, but you ended the waiting with Ctrl-C; 143: with SIGTERM";

const START_HELP: &str = "\
Jobs that the stop paused go on within 2 minutes. Cancel those that must not, before you start: `efface jobs cancel`
works while everything is stopped. With --leave-paused all of them stay paused, and people resume them. Jobs that people
had paused before stay paused. Spaces that were deactivated stay deactivated.

Example:
  export EFFACE_TABLE=efface-na-Table-1
  efface admin start --all
  efface admin start --space spa_demo --leave-paused

Exit codes:
  0    it goes on, or was not stopped
  1    the space does not exist, or you did not confirm
  2    the command line or a setting is wrong, or there is no terminal to ask on; nothing was started
  3    the table was unavailable: run the command again
  130  stopped by Ctrl-C; 143: by SIGTERM";

/// What is stopped or started.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Scope {
    /// Everything: all spaces of the stack
    #[arg(long)]
    all: bool,
    /// One space
    #[arg(long, value_name = "SPACE_ID", value_parser = SpaceId::parse)]
    space: Option<SpaceId>,
}

/// The options of `efface admin stop`.
#[derive(Args)]
#[command(after_help = STOP_HELP)]
pub struct StopArgs {
    #[command(flatten)]
    scope: Scope,
    /// Do not wait until nothing is in flight any more
    #[arg(long)]
    no_wait: bool,
}

/// The options of `efface admin start`.
#[derive(Args)]
#[command(after_help = START_HELP)]
pub struct StartArgs {
    #[command(flatten)]
    scope: Scope,
    /// Let the jobs that the stop paused stay paused until people resume them
    #[arg(long)]
    leave_paused: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl Scope {
    fn space(&self) -> Option<&SpaceId> {
        self.space.as_ref()
    }

    /// What it is called.
    fn name(&self) -> String {
        self.space.as_ref().map_or_else(|| "the whole stack".to_owned(), |space| format!("the space `{space}`"))
    }

    fn option(&self) -> String {
        self.space.as_ref().map_or_else(|| "--all".to_owned(), |space| format!("--space {space}"))
    }

    async fn check(&self, store: &Store) -> Result<(), CliError> {
        match &self.space {
            Some(space) if store.space(space).await?.is_none() => Err(CliError::UnknownSpace(space.clone())),
            _ => Ok(()),
        }
    }
}

/// Stops what deletes. The stop is written first: nothing starts from then on. The jobs come next.
pub(crate) async fn stop(
    args: &StopArgs,
    settings: &Settings<'_>,
    interrupts: &Interrupts,
) -> Result<Output, CliError> {
    let (scope, store) = (&args.scope, connect::keyless(settings).await?);
    scope.check(&store).await?;
    let engine = live::engine(&store);
    let (stop, is_new) = engine.begin_stop(scope.space()).await?;
    let since = stop.map_or_else(|| Clock::system().now(), |stop| stop.stopped_at);
    let mut live = live::pause(&engine, scope.space()).await?;
    let in_flight = InFlight::after(since, scope.space());
    let mut is_over = false;
    if !args.no_wait {
        (live, is_over) = in_flight.wait(&engine, live, interrupts).await?;
    }
    let was = if is_new { "is stopped" } else { "was stopped before" };
    let text = format!(
        "{} {was}, since {since}: nothing that deletes is created, started or carried on.\n{}\n{}\n\
         `efface admin start {}` lets it go on.",
        scope.name(),
        live::summary(&live),
        in_flight.text(&live.jobs, is_over),
        scope.option(),
    );
    let json = json!({
        "space_id": scope.space,
        "stop": stop.as_ref().map(document),
        "new": is_new,
        "jobs": live::json(&live.jobs),
        "unreadable_jobs": live.unreadable,
        "in_flight": in_flight.json(&live.jobs, is_over),
    });
    let exit = live::exit_code(&live, args.no_wait || is_over, interrupts);
    Ok(Output { text, json, exit })
}

/// Lets things go on.
pub(crate) async fn start(
    args: &StartArgs,
    settings: &Settings<'_>,
    interrupts: &Interrupts,
) -> Result<Output, CliError> {
    let (scope, store) = (&args.scope, connect::keyless(settings).await?);
    scope.check(&store).await?;
    let engine = live::engine(&store);
    let held = store.stop(scope.space()).await?.is_some_and(|stop| stop.holds());
    if held && !args.yes {
        confirm::require_terminal(false)?;
        let jobs = live::pause(&engine, scope.space()).await?.jobs;
        let paused = jobs.iter().filter(|job| job.status.head.stopped_by.is_some()).count();
        let question = question(args, &settings.table()?, paused);
        tokio::select! {
            reply = confirm::ask(question) => reply?,
            () = interrupts.reached(1) => return Err(CliError::NotConfirmed),
        }
    }
    let (stop, is_new) = engine.end_stop(scope.space(), args.leave_paused).await?;
    // Jobs are looked at when the stop has ended: what they say of themselves holds from now on.
    let live = live::pause(&engine, scope.space()).await?;
    let json = json!({
        "space_id": scope.space,
        "stop": stop.as_ref().map(document),
        "new": is_new,
        "leave_paused": args.leave_paused,
        "jobs": live::json(&live.jobs),
        "unreadable_jobs": live.unreadable,
    });
    let is_other = match scope.space() {
        Some(_) => store.stop(None).await?.is_some_and(|stop| stop.holds()),
        None => false,
    };
    let text = if is_new {
        format!("{} is no longer stopped.", scope.name())
    } else {
        format!("{} was not stopped.", scope.name())
    };
    let other =
        if is_other { "\nThe whole stack is stopped: nothing goes on before `efface admin start --all`." } else { "" };
    let unreadable = live::unreadable(&live);
    Ok(Output::success(format!("{text}{other}{}{unreadable}", what_goes_on(&live.jobs)), json))
}

fn question(args: &StartArgs, table: &str, paused: usize) -> Question {
    let then = if args.leave_paused { "stay paused" } else { "go on" };
    Question::start_in_table(table, &args.scope.name(), &format!("{paused} jobs that the stop paused {then}"))
}

fn what_goes_on(jobs: &[efface_engine::stop::LiveJobStatus]) -> String {
    let goes_on = jobs.iter().filter(|job| job.goes_on).count();
    let stays = jobs.iter().filter(|job| job.status.head.stopped_by.is_some() && !job.goes_on).count();
    let mut text = String::new();
    if goes_on > 0 {
        let table = live::table(jobs.iter().filter(|job| job.goes_on));
        _ = write!(text, "\n{goes_on} jobs that the stop paused go on within 2 minutes:\n{table}");
    }
    if stays > 0 {
        let table = live::table(jobs.iter().filter(|job| job.status.head.stopped_by.is_some() && !job.goes_on));
        _ = write!(text, "\n{stays} jobs that a stop paused stay paused; `efface jobs resume` resumes one:\n{table}");
    }
    text
}

/// A stop, for programs.
pub(super) fn document(stop: &Stop) -> serde_json::Value {
    json!({"holds": stop.holds(), "stopped_at": stop.stopped_at, "ended_at": stop.ended_at})
}
