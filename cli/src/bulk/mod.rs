//! `efface bulk`: deletes what a file lists, as one job: the plan, the question, the pages, the start, the end.

mod run;
mod send;
mod source;
mod stop;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::{
    Answer, CliError, Interrupts,
    api::{Api, ApiOptions, idempotency_key},
    confirm,
    jobs::Jobs,
    settings::Settings,
};
use run::Run;
use source::Source;

const AFTER_HELP: &str = "\
FILE is CSV, JSON or newline-delimited JSON, compressed with gzip or not; how it is written is found out.
  delete_profile     a row is `key:value`, or key and value: any identifier of a profile that is to go as a whole
  delete_identifier  a row is user_id, type and id: the identifier to delete, and a user_id of its profile
A row that can't be read is sent as well and counted as invalid, so that the counts add up to the rows of the file.
Without --yes a dry run comes first: it shows what would go, and asks.

Example:
  efface bulk people.csv --space spa_demo --dry-run
  efface bulk people.csv --space spa_demo --max-deletions 50000
  zcat identifiers.jsonl.gz | efface bulk - --space spa_demo --action delete_identifier --yes

Exit codes:
  0    every row has an outcome, and none of them is `failed`; or the plan is shown, or the job is started
  1    rows failed, the job was paused or cancelled, the API refused, or you did not say yes
  2    the command line, a setting or the file is wrong, or there is nobody to ask; nothing was deleted
  3    no answer, or too busy: repeat with the same file, --page-size and --idempotency-key
  130  stopped by Ctrl-C: a job that was not started is cancelled, one that was goes on; the message names it";

/// What to delete, and how it is sent.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct Bulk {
    /// A file of rows; `-` is standard input
    #[arg(default_value = "-")]
    file: PathBuf,
    /// What a row deletes
    #[arg(long, value_name = "ACTION", default_value = "delete_profile")]
    action: Action,
    /// Most rows of a page
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    page_size: u32,
    /// How many pages are sent at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    parallelism: u8,
    /// A label that several jobs share: a profile that two of them name is deleted once, and they are listed together
    #[arg(long, value_name = "LABEL")]
    group: Option<String>,
    /// Pause the job before it would delete more
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_deletions: Option<u64>,
    /// Only show what would be deleted
    #[arg(long)]
    dry_run: bool,
    /// Delete without the dry run and the question before
    #[arg(long)]
    yes: bool,
    /// Do not wait for the end of the job
    #[arg(long)]
    no_wait: bool,
    /// The key under which a repetition is the same job for 24 hours; made up where none is given
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// The way to the API.
    #[command(flatten)]
    api: ApiOptions,
}

/// What a row of a job deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum Action {
    /// A whole profile, found by any of its identifiers
    DeleteProfile,
    /// One identifier of a profile, found by a user_id
    DeleteIdentifier,
}

pub(crate) async fn run(bulk: &Bulk, settings: &Settings<'_>, interrupts: &Interrupts) -> Result<Answer, CliError> {
    let key = idempotency_key(bulk.idempotency_key.as_deref())?;
    let jobs = Jobs { api: Api::open(&bulk.api, settings)? };
    if !bulk.yes && !bulk.dry_run {
        confirm::someone_there(bulk.file == Path::new("-"))?;
    }
    let (file, page_size) = (bulk.file.clone(), bulk.page_size as usize);
    let reading = tokio::task::spawn_blocking(move || Source::read(&file, page_size));
    let source = tokio::select! {
        source = reading => source.map_err(|_| CliError::Unexpected("a reader that stopped"))??,
        () = interrupts.reached(1) => return Ok(stop::nothing_sent()),
    };
    if source.rows == 0 {
        return Err(CliError::NoRows(bulk.file.clone()));
    }
    Run::new(bulk, &jobs, &source, key, settings.global.json).until(interrupts).await
}
