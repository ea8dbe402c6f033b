//! `efface profile delete`: one whole profile, over the HTTP API.

use clap::{Args, Subcommand};
use efface_core::identifier::{ExternalId, IdentifierType, IdentifierValue};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Answer, CliError,
    api::{Api, ApiOptions, Call, encoded, idempotency_key},
    bar::Bar,
    confirm,
    jobs::{self, Job, Jobs, Until},
    output::{columns, harmless, note},
    settings::Settings,
};

const AFTER_HELP: &str = "\
The profile goes with all its identifiers, traits and memberships, and with every profile that was merged with it.

Example:
  efface profile delete email:example@gmail.com --space spa_demo

Exit codes:
  0  deleted
  1  refused, not confirmed, or failed: the message says why
  2  the command line or a setting is wrong, or there is nobody to ask; nothing was sent
  3  no answer, or too busy: repeat with the same --idempotency-key";

/// What to do with a profile.
#[derive(Subcommand)]
pub enum ProfileCommand {
    /// Delete a whole profile, found by any of its identifiers
    Delete(DeleteProfile),
}

/// The profile that is to go.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct DeleteProfile {
    /// An identifier of the profile, such as email:example@gmail.com; the first colon parts type and value
    #[arg(value_name = "TYPE:VALUE")]
    identifier: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// The key under which a repetition is recognised for 24 hours; made up where none is given
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// The way to the API.
    #[command(flatten)]
    api: ApiOptions,
}

/// A receipt, or the job that will end with one.
#[derive(Deserialize)]
struct Deleted {
    receipt: Option<Value>,
    job: Option<Job>,
}

pub(crate) async fn run(command: &ProfileCommand, settings: &Settings<'_>) -> Result<Answer, CliError> {
    let ProfileCommand::Delete(delete) = command;
    let key = idempotency_key(delete.idempotency_key.as_deref())?;
    let id = parse(&delete.identifier)?;
    let jobs = Jobs { api: Api::open(&delete.api, settings)? };
    if !delete.yes {
        confirm::someone_there(false)?;
        confirm::ask(format!("Delete the whole profile that this {} finds?", id.id_type.as_str())).await?;
    }
    let (id_type, value) = (id.id_type.as_str(), encoded(id.value.expose()));
    let path = jobs.api.path(&format!("collections/users/profiles/{id_type}:{value}"));
    let deleted: Deleted = jobs.api.ask(&Call::delete(path).with_key(key.clone())).await?;
    match (deleted.receipt, deleted.job) {
        (Some(receipt), _) => Ok(receipt_answer(&receipt, &key)),
        (None, Some(job)) => follow(&jobs, &job, &key, settings.global.json).await,
        (None, None) => Err(CliError::Unexpected("neither a receipt nor a job")),
    }
}

/// Checked here and not by the parser of the command line, which would print a bad value.
fn parse(text: &str) -> Result<ExternalId, CliError> {
    let bad = |words: String| CliError::BadIdentifier(format!("TYPE:VALUE: {words}"));
    let (id_type, value) = text.split_once(':').ok_or_else(|| bad("there is no colon".to_owned()))?;
    let id_type = IdentifierType::parse(id_type).map_err(|error| bad(error.to_string()))?;
    Ok(ExternalId { id_type, value: IdentifierValue::parse(value).map_err(|error| bad(error.to_string()))? })
}

fn receipt_answer(receipt: &Value, key: &str) -> Answer {
    let text = |value: &Value| harmless(value.as_str().unwrap_or("-"));
    let mut rows = ["deleted_at", "job_id", "request_id"].map(|name| [name.to_owned(), text(&receipt[name])]).to_vec();
    for (name, count) in receipt["counts"].as_object().into_iter().flatten() {
        rows.push([harmless(name), count.to_string()]);
    }
    let json = json!({"receipt": receipt, "idempotency_key": key});
    Answer::done(format!("The profile has been deleted.\n{}", columns(&rows)), json)
}

/// Waits for a large profile. The job goes on without us.
async fn follow(jobs: &Jobs, job: &Job, key: &str, is_for_programs: bool) -> Result<Answer, CliError> {
    if !is_for_programs {
        note(format!("This takes a while; the job {} goes on by itself.", harmless(&job.id)));
    }
    let bar = Bar::start("rows", is_for_programs);
    let job = jobs.follow(&job.id, Until::Final, &bar, &mut None).await.map_err(|error| error.about(&job.id, key))?;
    let exit = jobs::exit_code(&job).max(u8::from(job.counts.deleted == 0));
    Ok(Answer { text: job.text(), json: json!({"job": job, "idempotency_key": key}), exit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_colon_parts_and_a_bad_value_is_not_shown() {
        assert_eq!(parse("user_id:a:b").unwrap().value.expose(), "a:b");
        for bad in ["secret", "Secret:secret", "email:", &format!("email:{}", "secret".repeat(1_000))] {
            let words = parse(bad).unwrap_err().to_string();
            assert!(words.starts_with("TYPE:VALUE: ") && !words.to_lowercase().contains("secret"), "{words}");
        }
    }
}
