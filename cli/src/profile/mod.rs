//! `efface profile`: shows and deletes one profile over the HTTP API.

mod extent;
mod show;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    CliError, Output,
    api::{Api, ApiOptions, ApiRequest, idempotency_key},
    confirm::{self, Question},
    jobs::{self, Job, Jobs, Until},
    output::{columns, printable, progress},
    progress_bar::Bar,
    selector,
    settings::Settings,
    stdin::STDIN,
};
use show::ShowProfile;

const AFTER_HELP: &str = "\
Deletes the profile with all its identifiers, traits and memberships, and every profile that was merged with it.
Without --yes, the command first makes a dry run, which finds how much would be deleted, and asks for confirmation.
Other users of this machine can see the command line. With `-`, the identifier comes from standard input instead, as one
line TYPE:VALUE; --yes is then required.

Example:
  efface profile delete email:example@gmail.com --space spa_demo
  efface profile delete - --space spa_demo --yes < person.txt

Exit codes:
  0    deleted
  1    not confirmed, rejected by the API, or failed; the message says why
  2    the command line or a setting is wrong, or there is no terminal to ask on; nothing was sent
  3    no response, or the service is busy: repeat with the same --idempotency-key
  6    the job that deletes a large profile was cancelled
  130  stopped by Ctrl-C; 143: by SIGTERM. What was sent may take effect";

/// The subcommands of `efface profile`.
#[derive(Subcommand)]
pub enum ProfileCommand {
    /// Delete a profile with all its data, found by any of its identifiers
    Delete(DeleteProfile),
    /// Show a profile's identifiers, traits and metadata
    Show(ShowProfile),
}

/// The options of `efface profile delete`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct DeleteProfile {
    /// An identifier of the profile, such as email:example@gmail.com; the first colon separates type and value; `-` is
    /// standard input
    #[arg(value_name = "TYPE:VALUE")]
    identifier: String,
    /// Delete without asking for confirmation
    #[arg(long)]
    yes: bool,
    /// The idempotency key: for 24 hours, a repetition with this key has no further effect [default: a new key]
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// The options for the API.
    #[command(flatten)]
    api: ApiOptions,
}

/// The response: a receipt, or a job if the deletion takes longer.
#[derive(Deserialize)]
struct Deleted {
    receipt: Option<Value>,
    job: Option<Job>,
}

pub(crate) async fn run(command: &ProfileCommand, settings: &Settings<'_>) -> Result<Output, CliError> {
    match command {
        ProfileCommand::Delete(delete) => run_delete(delete, settings).await,
        ProfileCommand::Show(show) => show::run(show, settings).await,
    }
}

async fn run_delete(delete: &DeleteProfile, settings: &Settings<'_>) -> Result<Output, CliError> {
    let key = idempotency_key(delete.idempotency_key.as_deref())?;
    let from_stdin = delete.identifier == STDIN;
    if !delete.yes {
        confirm::require_terminal(from_stdin)?;
    }
    let id = selector::read(&delete.identifier).await?;
    let jobs = Jobs { api: Api::open(&delete.api, settings)? };
    if !delete.yes {
        let how_much = extent::how_much(&jobs, &id).await?;
        let what = format!("the profile that has {}, and what was merged with it", selector::shown(&id));
        confirm::ask(Question::delete(&jobs.api, &what, &how_much)).await?;
    }
    let path = jobs.api.path(&format!("collections/users/profiles/{}", selector::path(&id)));
    let deleted: Deleted = jobs.api.request(&ApiRequest::delete(path).with_key(key.clone())).await?;
    match (deleted.receipt, deleted.job) {
        (Some(receipt), _) => Ok(receipt_output(&receipt, &key)),
        (None, Some(job)) => follow(&jobs, &job, &key, settings.global.json).await,
        (None, None) => Err(CliError::Unexpected("there is neither a receipt nor a job")),
    }
}

fn receipt_output(receipt: &Value, key: &str) -> Output {
    let text = |value: &Value| printable(value.as_str().unwrap_or("-"));
    let mut rows =
        ["deleted_at", "gone_at", "job_id", "request_id"].map(|name| [name.to_owned(), text(&receipt[name])]).to_vec();
    for (name, count) in receipt["counts"].as_object().into_iter().flatten() {
        rows.push([printable(name), count.to_string()]);
    }
    let json = json!({"receipt": receipt, "idempotency_key": key});
    Output::success(format!("The profile has been deleted.\n{}", columns(&rows)), json)
}

/// Waits for the job that deletes a large profile.
async fn follow(jobs: &Jobs, job: &Job, key: &str, as_json: bool) -> Result<Output, CliError> {
    if !as_json {
        progress(format!("This takes a while. The job {} continues if you stop waiting.", printable(&job.id)));
    }
    let bar = Bar::of_job(&job.id, "rows", as_json);
    let job =
        jobs.follow(&job.id, Until::Final, &bar, &mut None).await.map_err(|error| error.with_job(&job.id, key))?;
    let exit = jobs::exit_code(&job, &[]).max(u8::from(job.counts.deleted == 0));
    Ok(Output { text: job.text(), json: json!({"job": job, "idempotency_key": key}), exit })
}
