//! `efface delete`: one identifier, over the HTTP API, as any client does it.
//!
//! A deletion whose answer got lost is asked for again under the same idempotency key, so that it is done once and
//! still known to be done.

mod http;
mod request;

use std::{path::PathBuf, time::Duration};

use clap::Args;
use efface_aws::clock;
use efface_core::{identifier::IdentifierType, space::SpaceId};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use crate::{
    Answer, CliError,
    output::harmless,
    settings::{SettingError, Settings},
};
use http::{Api, Reply};
use request::{ApiUrl, Deletion};

/// How often a deletion is sent at most.
const ATTEMPTS: u32 = 6;

/// The first pause where the answer names none; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause that is waited for; who is told to wait longer is told so.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

const AFTER_HELP: &str = "\
The token comes from EFFACE_TOKEN or --token-file, the API's URL from EFFACE_API_URL or --api-url.
Answers 429 and 503 and lost connections are repeated under the same idempotency key: nothing is deleted twice.

Example:
  efface delete --space spa_demo --user-id user_001 --type email --id example@gmail.com

Exit codes:
  0  deleted
  1  refused: the message says why
  2  the command line or a setting is wrong; nothing was sent
  3  no answer, or too busy: repeat with the same --idempotency-key";

/// The identifier, the profile that has it, and the way to the API.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct Delete {
    /// The space
    #[arg(long, value_name = "ID", value_parser = SpaceId::parse)]
    space: SpaceId,
    /// A user_id of the profile
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    user_id: String,
    /// The type of the identifier to delete, such as email
    #[arg(long = "type", value_name = "NAME", value_parser = IdentifierType::parse)]
    id_type: IdentifierType,
    /// The value of the identifier to delete
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    id: String,
    /// The key under which a repetition is recognised for 24 hours; made up where none is given
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// The API's URL, with its stage [env: EFFACE_API_URL]
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
    /// A file that holds the access token [env: EFFACE_TOKEN holds the token itself]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// The API's refusal.
#[derive(Debug, Error)]
#[error("refused ({status} {code}): {message}{}", request_words(.request_id.as_deref()))]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The stable word for programs.
    pub code: String,
    /// The API's words.
    pub message: String,
    /// Names the request in the log.
    pub request_id: Option<String>,
}

/// It is not known whether the identifier was deleted.
#[derive(Debug, Error)]
#[error("no answer ({reason}); send it again with --idempotency-key {idempotency_key}, then nothing is done twice")]
pub struct NoAnswer {
    /// What happened last.
    pub reason: String,
    /// The key that was sent.
    pub idempotency_key: String,
}

pub(crate) async fn run(delete: &Delete, settings: &Settings<'_>) -> Result<Answer, CliError> {
    let key = delete.idempotency_key.clone().unwrap_or_else(|| clock::short_id("cli-") + &clock::short_id(""));
    if !(1..=255).contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(CliError::BadIdempotencyKey);
    }
    let how = "give --api-url, or set EFFACE_API_URL; with `cargo local` give --local";
    let url = delete.api_url.clone().or_else(|| settings.find("EFFACE_API_URL"));
    let url = ApiUrl::parse(&url.ok_or(SettingError::Missing { what: "URL of the API", how })?)?;
    let token = settings.token(delete.token_file.as_deref())?;
    let deletion = Deletion::new(&delete.space, &delete.user_id, &delete.id_type, &delete.id, key)?;
    let api = Api::new(url, &token).map_err(|reason| no_answer(reason, &deletion))?;
    send(&api, &deletion).await
}

/// Sends it until there is an answer that stays.
async fn send(api: &Api, deletion: &Deletion) -> Result<Answer, CliError> {
    let mut pause = FIRST_PAUSE;
    let mut attempt = 1;
    loop {
        let result = api.post(deletion).await;
        let asked = match &result {
            Ok(reply) if !reply.passes() => return decide(reply, deletion, attempt),
            Ok(reply) => reply.retry_after,
            Err(_) => None,
        };
        let wait = asked.unwrap_or_else(|| pause.mul_f64(0.5 + fastrand::f64()));
        if attempt == ATTEMPTS || wait > LONGEST_PAUSE {
            let reason = result.map_or_else(|reason| reason, |reply| format!("last answered {}", reply.words()));
            return Err(no_answer(reason, deletion).into());
        }
        tokio::time::sleep(wait).await;
        pause *= 2;
        attempt += 1;
    }
}

fn no_answer(reason: String, deletion: &Deletion) -> NoAnswer {
    NoAnswer { reason, idempotency_key: deletion.key.clone() }
}

/// A success or a refusal.
fn decide(reply: &Reply, deletion: &Deletion, attempts: u32) -> Result<Answer, CliError> {
    let (code, message) = envelope(&reply.body);
    if reply.status != 200 || code.is_none() {
        let message = message.unwrap_or_else(|| "not an answer of Efface's; is the API's URL right?".to_owned());
        let code = code.unwrap_or_else(|| "unknown".to_owned());
        return Err(Refused { status: reply.status, code, message, request_id: reply.request_id.clone() }.into());
    }
    let message = message.unwrap_or_default();
    let json = json!({
        "code": code, "message": message, "request_id": reply.request_id,
        "idempotency_key": deletion.key, "attempts": attempts,
    });
    Ok(Answer::done(format!("{message}{}", request_words(reply.request_id.as_deref())), json))
}

#[derive(Deserialize)]
struct Words {
    code: String,
    message: String,
}

/// Code and message of a success or of an error.
fn envelope(body: &[u8]) -> (Option<String>, Option<String>) {
    let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
    let words = if body["error"].is_object() { body["error"].take() } else { body };
    match serde_json::from_value::<Words>(words) {
        Ok(words) => (Some(harmless(&words.code)), Some(harmless(&words.message))),
        Err(_) => (None, None),
    }
}

fn request_words(request_id: Option<&str>) -> String {
    request_id.map(|id| format!(" (request {id})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_both_shapes_are_read() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(envelope(br#"{"code":"success","message":"Done."}"#), (some("success"), some("Done.")));
        assert_eq!(envelope(br#"{"error":{"code":"forbidden","message":"No."}}"#), (some("forbidden"), some("No.")));
        assert_eq!(envelope(b"<html>"), (None, None));
        assert_eq!(envelope(b"[]"), (None, None));
    }
}
