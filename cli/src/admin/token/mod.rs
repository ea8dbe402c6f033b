//! `efface admin token`: creates, lists and revokes the access tokens of a space.

mod create;
mod revoke;

use clap::Subcommand;
use efface_aws::{Store, clock::Clock};
use efface_core::{space::SpaceId, time::Time, token_record::TokenRecord};
use serde_json::{Value, json};

use crate::{
    CliError, Output,
    output::{columns, printable},
};
use create::{CREATE_HELP, Create, create_token};
use revoke::{REVOKE_HELP, Revoke, revoke_token};

/// The subcommands of `efface admin token`.
#[derive(Subcommand)]
pub enum TokenCommand {
    /// Create a token; it is shown only once, and expires after 90 days unless another end is given
    #[command(after_help = CREATE_HELP)]
    Create(Create),
    /// List the ids, labels, roles, last uses and states of a space's tokens, including revoked and expired ones
    #[command(after_help = "Example:\n  efface admin token list spa_demo")]
    List {
        /// The space's id
        #[arg(value_parser = SpaceId::parse)]
        space: SpaceId,
    },
    /// Revoke a token; it stops working within 60 seconds. Jobs that it created go on, unless --cancel-jobs is given
    #[command(after_help = REVOKE_HELP)]
    Revoke(Revoke),
}

pub(crate) async fn run(command: &TokenCommand, store: &Store) -> Result<Output, CliError> {
    let now = Clock::system().now();
    match command {
        TokenCommand::Create(create) => create_token(create, store, now).await,
        TokenCommand::List { space } => {
            let records = store.list_tokens(existing(space, store).await?).await?;
            Ok(list(space, &records, now))
        }
        TokenCommand::Revoke(revoke) => revoke_token(revoke, store, now).await,
    }
}

/// Fails where the space does not exist: a token for it would be created, but give access to nothing.
async fn existing<'a>(space: &'a SpaceId, store: &Store) -> Result<&'a SpaceId, CliError> {
    store.space(space).await?.map(|_| space).ok_or_else(|| CliError::UnknownSpace(space.clone()))
}

/// The JSON form of a token's record. It holds neither the token nor its hash.
fn document(record: &TokenRecord) -> Value {
    json!({
        "token_id": record.token_id,
        "label": record.label,
        "space_id": record.space_id,
        "role": record.role,
        "created_at": record.created_at,
        "last_used_at": record.last_used_at,
        "expires_at": record.expires_at,
        "revoked_at": record.revoked_at,
    })
}

fn list(space: &SpaceId, records: &[TokenRecord], now: Time) -> Output {
    let json = json!({"tokens": records.iter().map(document).collect::<Vec<_>>()});
    if records.is_empty() {
        return Output::success(format!("the space `{space}` has no tokens"), json);
    }
    let titles = ["id", "label", "role", "created", "last use", "state"].map(str::to_owned);
    let row = |record: &TokenRecord| {
        let last_use = record.last_used_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        let (id, role, created) = (&record.token_id, record.role, record.created_at);
        [id.to_string(), label_text(record), role.to_string(), created.to_string(), last_use, state(record, now)]
    };
    let rows: Vec<[String; 6]> = std::iter::once(titles).chain(records.iter().map(row)).collect();
    Output::success(columns(&rows), json)
}

fn label_text(record: &TokenRecord) -> String {
    record.label.as_ref().map_or_else(|| "-".to_owned(), |label| printable(label.as_str()))
}

fn state(record: &TokenRecord, now: Time) -> String {
    match (record.revoked_at, record.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) if at <= now => format!("expired {at}"),
        _ => expiry(record),
    }
}

fn expiry(record: &TokenRecord) -> String {
    record.expires_at.map_or("never expires".to_owned(), |at| format!("expires {at}"))
}
