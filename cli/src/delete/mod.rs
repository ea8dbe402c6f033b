//! `efface delete`: one identifier, over the HTTP API, as any client does it.
//!
//! A deletion whose answer got lost is asked for again under the same idempotency key, so that it is done once and
//! still known to be done.

mod request;

use clap::Args;
use efface_core::identifier::IdentifierType;
use serde_json::json;

use crate::{
    Answer, CliError,
    api::{Api, ApiOptions, Refused, envelope, idempotency_key, request_words},
    settings::Settings,
};

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
    /// The way to the API.
    #[command(flatten)]
    api: ApiOptions,
}

pub(crate) async fn run(delete: &Delete, settings: &Settings<'_>) -> Result<Answer, CliError> {
    let key = idempotency_key(delete.idempotency_key.as_deref())?;
    let api = Api::open(&delete.api, settings)?;
    let call = request::deletion(api.space(), &delete.user_id, &delete.id_type, &delete.id, key.clone())?;
    let reply = api.send(&call).await?;
    let (Some(code), Some(message)) = envelope(&reply.body) else { return Err(Refused::not_ours(&reply).into()) };
    let json = json!({
        "code": code, "message": message, "request_id": reply.request_id,
        "idempotency_key": key, "attempts": reply.attempts,
    });
    Ok(Answer::done(format!("{message}{}", request_words(reply.request_id.as_deref())), json))
}
