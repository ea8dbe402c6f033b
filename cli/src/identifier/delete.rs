//! `efface identifier delete`: deletes one identifier over the HTTP API.

use clap::Args;
use efface_core::identifier::IdentifierType;
use serde_json::{Value, json};

use super::request::Target;
use crate::{
    CliError, Output,
    api::{Api, ApiError, ApiOptions, code_and_message, idempotency_key, request_suffix},
    confirm::{self, Question},
    settings::Settings,
    stdin::{self, STDIN},
};

/// The most identifiers of the profile that are counted for the question.
const MOST_COUNTED: u64 = 1_000;

const AFTER_HELP: &str = "\
The token comes from EFFACE_TOKEN or --token-file, the API's URL from EFFACE_API_URL or --api-url.
After status 429 or 503 or a lost connection, the request is repeated with the same idempotency key, so that nothing is
deleted twice.
Other users of this machine can see the command line. With `-`, the identifier comes from standard input instead, as one
JSON object, {\"user_id\":\"…\",\"type\":\"email\",\"id\":\"…\"}; --yes is then required. `efface delete` is an older name of this command.

Example:
  efface identifier delete --space spa_demo --user-id user_001 --type email --id example@gmail.com
  efface identifier delete - --yes --space spa_demo < identifier.json

Exit codes:
  0    deleted
  1    not confirmed, or rejected by the API; the message says why
  2    the command line or a setting is wrong, or there is no terminal to ask on; nothing was deleted
  3    no response, or the service is busy: repeat with the same --idempotency-key
  130  stopped by Ctrl-C; 143: by SIGTERM. What was sent may take effect";

/// The options of `efface identifier delete`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct DeleteIdentifier {
    /// Read the identifier from standard input
    #[arg(value_name = "-", value_parser = [STDIN], conflicts_with_all = ["user_id", "id_type", "id"])]
    stdin: Option<String>,
    /// A user_id of the profile
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true, required_unless_present = "stdin")]
    user_id: Option<String>,
    /// The type of the identifier to delete, such as email
    #[arg(long = "type", value_name = "NAME", value_parser = IdentifierType::parse, required_unless_present = "stdin")]
    id_type: Option<IdentifierType>,
    /// The value of the identifier to delete
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true, required_unless_present = "stdin")]
    id: Option<String>,
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

pub(crate) async fn run(delete: &DeleteIdentifier, settings: &Settings<'_>) -> Result<Output, CliError> {
    let key = idempotency_key(delete.idempotency_key.as_deref())?;
    if !delete.yes {
        confirm::require_terminal(delete.stdin.is_some())?;
    }
    let api = Api::open(&delete.api, settings)?;
    let target = match (&delete.user_id, &delete.id_type, &delete.id) {
        (Some(user_id), Some(id_type), Some(id)) => Target::from_options(user_id, id_type, id)?,
        _ => Target::from_row(&stdin::read().await?)?,
    };
    if !delete.yes {
        let how_much = how_much(&api, &target).await?;
        confirm::ask(Question::delete(&api, &target.shown(), &how_much)).await?;
    }
    let response = api.send(&target.deletion(api.space(), key.clone())).await?;
    let (Some(code), Some(message)) = code_and_message(&response.body) else {
        return Err(ApiError::not_from_efface(&response).into());
    };
    let json = json!({
        "code": code, "message": message, "request_id": response.request_id,
        "idempotency_key": key, "attempts": response.attempts,
    });
    Ok(Output::success(format!("{message}{}", request_suffix(response.request_id.as_deref())), json))
}

/// One identifier, and of how many, where the token may read that. Whether the deletion is possible is for the API to say.
async fn how_much(api: &Api, target: &Target) -> Result<String, CliError> {
    match api.list::<Value>(&target.identifiers(), "", MOST_COUNTED, |_| {}).await {
        Ok(found) => {
            let more = if found.has_more { "over " } else { "" };
            Ok(format!("1 of {more}{} identifiers of the profile", found.entries.len()))
        }
        Err(CliError::Api(_)) => Ok("1 identifier".to_owned()),
        Err(error) => Err(error),
    }
}
