//! `efface jobs report`, and the file of rows that commands about a job take.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::Report;
use crate::{
    CliError, Interrupts, Output,
    api::{Api, ApiOptions},
    exit,
    hints::quoted,
    jobs::{Jobs, command},
    rows::{Form, Source},
    settings::Settings,
};

/// The rows of a page unless `efface bulk` is told otherwise.
pub(crate) const PAGE_SIZE: u32 = 10_000;

const AFTER_HELP: &str = "\
The report has each row of FILE in its order: line, page, row, outcome, code, message, and the columns of FILE. FILE and
--page-size must be those that `efface bulk` had; for a job that executes a plan, those of the dry run.

Example:
  efface jobs report JOB --file people.csv --report outcomes.csv --space spa_demo";

/// The options of `efface jobs report`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct MakeReport {
    /// The job's id
    job: String,
    /// The file of rows that was sent; `-` is standard input
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// The maximum number of rows per page, as it was sent
    #[arg(long, value_name = "N", default_value_t = PAGE_SIZE, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    page_size: u32,
    /// The file to write: JSON lines if its name ends in .jsonl, .ndjson or .json, CSV if in .csv, else as FILE is
    #[arg(long, value_name = "OUT")]
    report: PathBuf,
    /// Replace OUT if it is there already
    #[arg(long)]
    overwrite: bool,
    /// The options for the API.
    #[command(flatten)]
    api: ApiOptions,
}

/// The file of rows that a job was made of.
#[derive(Args)]
pub(crate) struct FileOfRows {
    /// The file of rows that was sent, to show the line of each row; `-` is standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The maximum number of rows per page, as it was sent
    #[arg(long, value_name = "N", default_value_t = PAGE_SIZE, requires = "file",
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    page_size: u32,
}

impl FileOfRows {
    /// Reads the file, if one was given.
    pub(crate) async fn read(&self) -> Result<Option<Source>, CliError> {
        match &self.file {
            Some(file) => read(file, self.page_size).await.map(Some),
            None => Ok(None),
        }
    }
}

impl MakeReport {
    /// Writes the report. Ctrl-C leaves no part of it behind.
    pub(crate) async fn run(&self, settings: &Settings<'_>, interrupts: &Interrupts) -> Result<Output, CliError> {
        let jobs = Jobs { api: Api::open(&self.api, settings)? };
        let report = Report::open(&self.report, self.overwrite, &self.file)?;
        let write = async {
            let source = read(&self.file, self.page_size).await?;
            report.write(&jobs, &self.job, &source).await
        };
        let summary = tokio::select! {
            summary = write => summary?,
            () = interrupts.reached(1) => {
                let text = "stopped: no report was written".to_owned();
                return Ok(Output { text, json: json!({"interrupted": true}), exit: exit::INTERRUPTED });
            }
        };
        let again = again(&self.job, &self.report, self.page_size as usize);
        Ok(Output::success(summary.text(&again), json!({"report": summary.json()})))
    }
}

async fn read(file: &Path, page_size: u32) -> Result<Source, CliError> {
    let path = file.to_owned();
    let reading = tokio::task::spawn_blocking(move || Source::read(&path, page_size as usize, Form::Json));
    reading.await.map_err(|_| CliError::Unexpected("the reading thread ended"))?
}

/// The command line that makes the report of a job anew.
pub(super) fn again(job: &str, report: &Path, page_size: usize) -> String {
    let page_size = if page_size == PAGE_SIZE as usize { String::new() } else { format!(" --page-size {page_size}") };
    let report = report.to_string_lossy();
    format!("{} --file FILE{page_size} --report {} --overwrite", command("report", job), quoted(&report))
}
