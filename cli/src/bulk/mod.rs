//! `efface bulk`: deletes what a file lists, as one job. It shows a dry run's plan, asks, sends the pages, starts the
//! job and follows it to its end.

mod not_found;
mod run;
mod send;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use efface_core::{job::Outcome, time::Time};
use serde::Serialize;

use crate::{
    CliError, Interrupts, Output,
    api::{Api, ApiOptions, idempotency_key},
    confirm,
    jobs::{Jobs, failures, nothing_sent},
    report::ReportOptions,
    rows::{Form, MaxInvalid, Source},
    settings::Settings,
};
use run::Run;

const AFTER_HELP: &str = "\
FILE is CSV, JSON or newline-delimited JSON in UTF-8, optionally compressed with gzip. The format is detected. CSV may
have a header; its names are in docs/api.md, and columns that a row does not need are ignored.
  delete_profile     each row is `key:value`, or a key and a value: any identifier of the profile to delete; or the
                     profile's own id, use_...
  delete_identifier  each row is a user_id of the profile, and the type and id of the identifier to delete; with the
                     columns profile, type and id, the profile is named as above
A row that can't be read is sent too and counted as invalid, so that the counts add up to the rows of the file.
Without --yes, the command first makes a dry run, shows what would be deleted, and asks for confirmation.

Example:
  efface bulk people.csv --space spa_demo --dry-run
  efface bulk people.csv --space spa_demo --max-deletions 50000 --report outcomes.csv
  efface bulk people.csv --space spa_demo --yes --max-invalid 1% --fail-on invalid,not_found
  zcat identifiers.jsonl.gz | efface bulk - --space spa_demo --action delete_identifier --yes

Exit codes:
  0    the job is completed and no row failed; with --dry-run, the plan is shown; with --no-wait, the job is started;
       with --start-at, it waits for its time
  1    rows failed, the API rejected a request, or you did not confirm
  2    the command line, a setting or the file is wrong, or there is no terminal to ask on; nothing was deleted
  3    no response, or the service is busy: repeat with the same file, --page-size and --idempotency-key
  4    rows have an outcome that --fail-on names; the other rows were carried out
  5    every row is invalid, or more than --max-invalid allows; nothing was deleted, and the job is cancelled
  6    the job was paused or cancelled, or awaits its approval
  130  stopped by Ctrl-C; 143: by SIGTERM. A job that was not started is cancelled, a started job continues; the message
       names it";

/// The options of `efface bulk`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct Bulk {
    /// The file of rows; `-` is standard input, which needs --yes or --dry-run
    #[arg(default_value = "-")]
    file: PathBuf,
    /// What a row deletes
    #[arg(long, value_name = "ACTION", default_value = "delete_profile")]
    action: Action,
    /// The maximum number of rows per page
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    page_size: u32,
    /// How many pages are sent concurrently
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    parallelism: u8,
    /// A label for several jobs: they are listed together, and a profile named by two of them is deleted and counted
    /// once
    #[arg(long, value_name = "LABEL")]
    group: Option<String>,
    /// Pause the job when it has deleted N profiles or identifiers
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_deletions: Option<u64>,
    /// Do not start before this time, at most 30 days ahead; until then the job can be cancelled
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    start_at: Option<Time>,
    /// Delete nothing if more than N rows of the file, or P% of them, are invalid; 100% allows all [default: refused
    /// only if every row is invalid]
    #[arg(long, value_name = "N|P%")]
    max_invalid: Option<MaxInvalid>,
    /// Exit with 4 if rows have one of these outcomes at the end
    #[arg(long, value_name = "OUTCOME,...", value_delimiter = ',', value_parser = failures())]
    fail_on: Vec<Outcome>,
    /// Only show what would be deleted; change nothing. `efface jobs execute` deletes just that within 7 days
    #[arg(long, visible_alias = "plan-only", conflicts_with_all = ["max_deletions", "start_at"])]
    dry_run: bool,
    /// Delete without a dry run and without asking for confirmation
    #[arg(long)]
    yes: bool,
    /// Exit when the job is started, without waiting for its end
    #[arg(long)]
    no_wait: bool,
    /// The idempotency key: for 24 hours, a repetition with this key is the same job [default: a new key]
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    report: ReportOptions,
    /// The options for the API.
    #[command(flatten)]
    api: ApiOptions,
}

/// What a row of a job deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Delete a profile, found by any of its identifiers
    DeleteProfile,
    /// Delete one identifier of a profile, found by a user_id
    DeleteIdentifier,
}

pub(crate) async fn run(bulk: &Bulk, settings: &Settings<'_>, interrupts: &Interrupts) -> Result<Output, CliError> {
    let key = idempotency_key(bulk.idempotency_key.as_deref())?;
    let jobs = Jobs { api: Api::open(&bulk.api, settings)? };
    if !bulk.yes && !bulk.dry_run {
        confirm::require_terminal(bulk.file == Path::new("-"))?;
    }
    let report = bulk.report.open(&bulk.file)?;
    let (file, page_size) = (bulk.file.clone(), bulk.page_size as usize);
    let reading = tokio::task::spawn_blocking(move || Source::read(&file, page_size, Form::Json));
    let source = tokio::select! {
        source = reading => source.map_err(|_| CliError::Unexpected("the reading thread ended"))??,
        () = interrupts.reached(1) => return Ok(nothing_sent()),
    };
    if source.rows == 0 {
        return Err(CliError::NoRows(bulk.file.clone()));
    }
    let run = Run::new(bulk, &jobs, &source, key, settings.global.json);
    let result = run.run_until(interrupts).await;
    match report {
        Some(report) => report.finish(result, &jobs, run.last_job(), &source, interrupts).await,
        None => result,
    }
}
