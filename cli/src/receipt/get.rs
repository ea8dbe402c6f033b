//! `efface receipt get`: the receipt for one deletion or for a job, or those for all deletions of a job.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, builder::NonEmptyStringValueParser};
use efface_core::log::receipt::{MAX_RECEIPT_BYTES, Receipt};
use serde_json::json;

use super::{all, logged};
use crate::{
    CliError, Interrupts, Output,
    admin::duration,
    api::{Api, ApiOptions, ApiRequest, Response, encoded},
    selector,
    settings::Settings,
    whole_file::{self, IfThere, Readers},
};

const AFTER_HELP: &str = "\
Prints the receipt for the latest deletion of an identifier, or, with --index, for another entry about it. With --job, the
receipt for the end of a job, which has its counts; with --job and --all, a file in FOLDER for each deletion of the job.
A receipt has what ties its entry to the identifier: keep it as you keep the identifier itself. An entry reaches the log some
seconds after the deletion; until then the command waits.
Other users of this machine can see the command line. With `-`, the identifier comes from standard input, as one line
TYPE:VALUE.

Example:
  efface receipt get email:example@gmail.com --space spa_demo > receipt.txt
  efface receipt get - --space spa_demo --file receipt.txt < person.txt
  efface receipt get --job JOB --space spa_demo --file job.txt
  efface receipt get --job JOB --all --folder receipts --space spa_demo

Exit codes:
  0    the receipt was printed or written
  1    there is none, or the API rejected the request; the message says why
  2    the command line, a setting or a file is wrong
  3    no response, or the entry is not in the log yet; the command can safely be repeated
  130  stopped by Ctrl-C; 143: by SIGTERM. With --all, the same command goes on";

/// The options of `efface receipt get`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct GetReceipt {
    /// The identifier, such as email:example@gmail.com; the first colon separates type and value; `-` is standard input
    #[arg(value_name = "TYPE:VALUE", required_unless_present = "job", conflicts_with = "job")]
    identifier: Option<String>,
    /// The entry with this index in the log, if it is about the identifier [default: its latest deletion]
    #[arg(long, value_name = "N", conflicts_with = "job")]
    index: Option<u64>,
    /// The job with this id
    #[arg(long, value_name = "JOB", value_parser = NonEmptyStringValueParser::new())]
    job: Option<String>,
    /// All deletions of the job
    #[arg(long, requires_all = ["job", "folder"], conflicts_with_all = ["identifier", "file"])]
    all: bool,
    /// The folder to write to. It is made if it does not exist
    #[arg(long, value_name = "FOLDER", requires = "all")]
    folder: Option<PathBuf>,
    /// Write the receipt to this file instead of printing it
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Replace the file if it is there already
    #[arg(long, requires = "file")]
    overwrite: bool,
    /// How long to wait for the entry to reach the log, such as 30s or 10m
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration::parse)]
    timeout: i64,
    /// The options for the API.
    #[command(flatten)]
    api: ApiOptions,
}

impl GetReceipt {
    /// Whether there may be many receipts.
    pub(super) fn is_all(&self) -> bool {
        self.all
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.unsigned_abs())
    }
}

pub(super) async fn run(
    options: &GetReceipt,
    settings: &Settings<'_>,
    interrupts: &Interrupts,
) -> Result<Output, CliError> {
    let api = Api::open(&options.api, settings)?;
    if let (Some(job), Some(folder)) = (&options.job, &options.folder) {
        return all::run(&api, job, folder, options.timeout(), settings.global.json, interrupts).await;
    }
    if let Some(file) = options.file.as_ref().filter(|file| !options.overwrite && file.exists()) {
        return Err(CliError::File { path: file.clone(), source: whole_file::exists() });
    }
    let path = match (&options.identifier, &options.job) {
        (_, Some(job)) => format!("deletion_jobs/{}/receipt", encoded(job)),
        (identifier, None) => {
            let id = selector::read(identifier.as_deref().unwrap_or_default()).await?;
            let index = options.index.map(|index| format!("?index={index}")).unwrap_or_default();
            format!("receipts/{}{index}", selector::path(&id))
        }
    };
    let request = ApiRequest::get(api.path(&path)).accepting("text/plain");
    let receipt = receipt(&logged::send(&api, &request, options.timeout()).await?)?;
    match &options.file {
        Some(file) => written(&receipt, file, options.overwrite),
        // The line's end comes with printing.
        None => Ok(Output::success(receipt.to_string().trim_end().to_owned(), json(&receipt))),
    }
}

/// Reads a response that is a receipt.
fn receipt(response: &Response) -> Result<Receipt, CliError> {
    let text = str::from_utf8(&response.body).ok().filter(|text| text.len() <= MAX_RECEIPT_BYTES);
    text.and_then(|text| text.parse().ok()).ok_or(CliError::Unexpected("it is not a receipt"))
}

fn written(receipt: &Receipt, file: &Path, overwrite: bool) -> Result<Output, CliError> {
    let if_there = if overwrite { IfThere::Replace } else { IfThere::Fail };
    whole_file::write(file, receipt.to_string().as_bytes(), Readers::User, if_there)?;
    let mut json = json(receipt);
    json["file"] = file.to_string_lossy().into();
    let index = receipt.index;
    Ok(Output::success(format!("The receipt for entry {index} was written to {}.", file.display()), json))
}

fn json(receipt: &Receipt) -> serde_json::Value {
    json!({"index": receipt.index, "receipt": receipt.to_string()})
}
