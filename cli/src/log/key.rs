//! `efface log key`: prints the keys of a space's log.

use std::fmt::Write as _;

use clap::Args;
use efface_core::log::note::VerifierKey;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    CliError, Output,
    api::{Api, ApiOptions, ApiRequest},
    settings::Settings,
};

const AFTER_HELP: &str = "\
Prints each key on a line, after a line that says for which sizes of the log it has signed. The output is a file for --key.
A key that only the API has told proves nothing about the API: compare it with what its operator has published elsewhere.

Example:
  efface log key --space spa_demo > log.key";

/// The options of `efface log key`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct PrintKeys {
    /// The options for the API.
    #[command(flatten)]
    api: ApiOptions,
}

/// A key, and the sizes of the log that it has signed.
#[derive(Serialize, Deserialize)]
pub(super) struct LogKey {
    key: String,
    from: u64,
    /// `None` if it still signs.
    to: Option<u64>,
}

#[derive(Deserialize)]
struct Response {
    keys: Vec<LogKey>,
}

pub(super) async fn run(options: &PrintKeys, settings: &Settings<'_>) -> Result<Output, CliError> {
    let keys = of_space(&Api::open(&options.api, settings)?).await?;
    let mut text = String::new();
    for (LogKey { from, to, .. }, key) in &keys {
        let to = to.map_or_else(|| "now".to_owned(), |to| to.to_string());
        _ = writeln!(text, "# from {from} entries to {to}\n{key}");
    }
    let keys: Vec<LogKey> = keys.into_iter().map(|(key, _)| key).collect();
    Ok(Output::success(text.trim_end().to_owned(), json!({"keys": keys})))
}

/// The keys that the API tells of.
pub(super) async fn of_space(api: &Api) -> Result<Vec<(LogKey, VerifierKey)>, CliError> {
    let response: Response = api.request(&ApiRequest::get(api.path("log/key"))).await?;
    let parse = |key: LogKey| {
        let parsed: VerifierKey = key.key.parse().ok()?;
        Some((key, parsed))
    };
    let keys = response.keys.into_iter().map(parse).collect::<Option<Vec<_>>>();
    keys.ok_or(CliError::Unexpected("a key of the log is not a verifier key"))
}
