//! `efface admin token`: creates, lists and revokes the access tokens of a space.

use std::fmt::Write;

use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use efface_aws::{
    Store,
    clock::Clock,
    queue::Queue,
    store::{job::LiveCursor, token::TokenRecord},
};
use efface_core::{
    role::Role,
    space::SpaceId,
    time::{BadTime, Time},
    token::TokenId,
};
use efface_engine::Engine;
use serde_json::{Value, json};

use super::duration;
use crate::{CliError, Output, output::columns};

/// How long after its revocation a token may still be accepted, in seconds (contract: `docs/operations.md`).
const STOPS_WITHIN_SECONDS: i64 = 60;

/// The subcommands of `efface admin token`.
#[derive(Subcommand)]
pub enum TokenCommand {
    /// Create a token; it is shown only once
    #[command(after_help = "Example:\n  efface admin token create spa_demo --role identity_admin --expires-in 90d")]
    Create(Create),
    /// List the ids, roles and states of a space's tokens, including revoked and expired ones
    #[command(after_help = "Example:\n  efface admin token list spa_demo")]
    List {
        /// The space's id
        #[arg(value_parser = SpaceId::parse)]
        space: SpaceId,
    },
    /// Revoke a token; it stops working within 60 seconds. Jobs that it created go on, unless --cancel-jobs is given
    #[command(after_help = "Example:\n  efface admin token revoke spa_demo tok_0123456789abcdef --cancel-jobs")]
    Revoke(Revoke),
}

/// The options of `efface admin token create`.
#[derive(Args)]
pub struct Create {
    /// The id of the space that the token gives access to
    #[arg(value_parser = SpaceId::parse)]
    space: SpaceId,
    /// The token's role, which decides what it may do
    #[arg(long, value_parser = role())]
    role: Role,
    /// Let the token expire after this time, such as 12h, 90d or 52w
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, conflicts_with = "expires_at")]
    expires_in: Option<i64>,
    /// Let the token expire at this time, such as 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires_at: Option<Time>,
}

/// The options of `efface admin token revoke`.
#[derive(Args)]
pub struct Revoke {
    /// The space's id
    #[arg(value_parser = SpaceId::parse)]
    space: SpaceId,
    /// The token's id as `efface admin token list` shows it, not the token itself
    token_id: String,
    /// Also cancel the jobs that the token created and that have not ended
    #[arg(long)]
    cancel_jobs: bool,
}

fn role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::as_str)).try_map(|name| name.parse::<Role>())
}

fn time(text: &str) -> Result<Time, BadTime> {
    Time::parse(text)
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

async fn create_token(create: &Create, store: &Store, now: Time) -> Result<Output, CliError> {
    let expires_at = create.expires_in.map(|seconds| now.plus_seconds(seconds)).or(create.expires_at);
    if expires_at.is_some_and(|expires| expires <= now) {
        return Err(CliError::PastExpiry);
    }
    let space = existing(&create.space, store).await?;
    let (token, record) = store.create_token(space, create.role, now, expires_at).await?;
    let mut json = document(&record);
    json["token"] = token.expose().into();
    let text = format!(
        "{}\n\nThis token is shown once and stored nowhere. Keep it in a safe place now.\n\
         id {}, role {}, space {space}, {}",
        token.expose(),
        record.token_id,
        record.role,
        expiry(&record),
    );
    Ok(Output::success(text, json))
}

/// The JSON form of a token's record. It holds neither the token nor its hash.
fn document(record: &TokenRecord) -> Value {
    json!({
        "token_id": record.token_id,
        "space_id": record.space_id,
        "role": record.role,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "revoked_at": record.revoked_at,
    })
}

fn list(space: &SpaceId, records: &[TokenRecord], now: Time) -> Output {
    let json = json!({"tokens": records.iter().map(document).collect::<Vec<_>>()});
    if records.is_empty() {
        return Output::success(format!("the space `{space}` has no tokens"), json);
    }
    let titles = ["id", "role", "created", "state"].map(str::to_owned);
    let row = |record: &TokenRecord| {
        [record.token_id.to_string(), record.role.to_string(), record.created_at.to_string(), state(record, now)]
    };
    let rows: Vec<[String; 4]> = std::iter::once(titles).chain(records.iter().map(row)).collect();
    Output::success(columns(&rows), json)
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

async fn revoke_token(revoke: &Revoke, store: &Store, now: Time) -> Result<Output, CliError> {
    let Revoke { space, token_id, cancel_jobs } = revoke;
    let record = store.revoke_token(existing(space, store).await?, token_id, now).await?;
    let unknown = || CliError::UnknownToken { space: space.clone(), token_id: token_id.clone() };
    let record = record.ok_or_else(unknown)?;
    let revoked_at = record.revoked_at.unwrap_or(now);
    let mut text = format!("{} revoked at {revoked_at}; it stops working within 60 seconds", record.token_id);
    let mut json = document(&record);
    if *cancel_jobs {
        let jobs = cancel_jobs_of(space, &record.token_id, store).await?;
        json["jobs_cancelled"] = jobs.into();
        _ = write!(text, "\n{jobs} of its jobs cancelled");
        let stopped_at = revoked_at.plus_seconds(STOPS_WITHIN_SECONDS);
        if now < stopped_at {
            _ = write!(text, "; until {stopped_at} it may create more: run the same command again after that");
        }
    }
    Ok(Output::success(text, json))
}

/// Cancels the jobs that a token made and that have not ended; how many. Where it is cut short, it can be run again.
async fn cancel_jobs_of(space: &SpaceId, token_id: &TokenId, store: &Store) -> Result<usize, CliError> {
    let engine = Engine::new(store.clone(), Queue::none(), Clock::system());
    let (mut cancelled, mut cursor) = (0, Some(LiveCursor::default()));
    while let Some(at) = cursor {
        let (jobs, more) = engine.cancel_jobs_of(space, token_id, at).await?;
        cancelled += jobs;
        cursor = more;
    }
    Ok(cancelled)
}
