//! `efface deletion`: shows the records of deletions.

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::{
    CliError, Output,
    api::{Api, ApiOptions, ApiRequest},
    fields, selector,
    settings::Settings,
};

/// The subcommands of `efface deletion`.
#[derive(Subcommand)]
pub enum DeletionCommand {
    /// Show who deleted an identifier, when and why
    Show(ShowDeletion),
}

const AFTER_HELP: &str = "\
The record of an identifier that was deleted, also with its profile. It does not hold the value. An identifier that is
active has none. Other users of this machine can see the command line. With `-`, the identifier comes from standard
input instead, as one line TYPE:VALUE.

Example:
  efface deletion show email:example@gmail.com --space spa_demo
  efface deletion show - --space spa_demo < person.txt";

/// The options of `efface deletion show`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct ShowDeletion {
    /// The identifier, such as email:example@gmail.com; the first colon separates type and value; `-` is standard input
    #[arg(value_name = "TYPE:VALUE")]
    identifier: String,
    /// The options for the API.
    #[command(flatten)]
    api: ApiOptions,
}

pub(crate) async fn run(command: &DeletionCommand, settings: &Settings<'_>) -> Result<Output, CliError> {
    let DeletionCommand::Show(show) = command;
    let api = Api::open(&show.api, settings)?;
    let id = selector::read(&show.identifier).await?;
    let path = api.path(&format!("deletions/{}", selector::path(&id)));
    let json: Value = api.request(&ApiRequest::get(path)).await?;
    let first = ["type", "status", "deleted_at", "reason", "job_id", "token_id", "request_id"];
    Ok(Output::success(fields::table(&json["deletion"], &first), json))
}
