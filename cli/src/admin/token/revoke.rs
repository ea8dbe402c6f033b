//! `efface admin token revoke`: revokes a token, which is named by its id or given itself.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use efface_aws::{Store, clock::Clock, queue::Queue, store::job::LiveCursor};
use efface_core::{
    space::SpaceId,
    time::Time,
    token::{Token, TokenId},
};
use efface_engine::Engine;

use super::{document, existing};
use crate::{CliError, Output, hidden_input, settings::SettingError, stdin::STDIN};

/// How long after its revocation a token may still be accepted, in seconds (contract: `docs/operations.md`).
const STOPS_WITHIN_SECONDS: i64 = 60;

pub(super) const REVOKE_HELP: &str = "\
A token that was found somewhere can be revoked by itself: its space and id need not be known. It is read from a file or,
with `-`, from standard input, and never shown.

Example:
  efface admin token revoke spa_demo tok_0123456789abcdef --cancel-jobs
  efface admin token revoke --token-file leaked.txt
  efface admin token revoke --token-file - < leaked.txt";

/// The options of `efface admin token revoke`.
#[derive(Args)]
pub struct Revoke {
    /// The space's id; not needed with --token-file
    #[arg(value_parser = SpaceId::parse, required_unless_present = "token_file")]
    space: Option<SpaceId>,
    /// The token's id as `efface admin token list` shows it, not the token itself
    #[arg(required_unless_present = "token_file", conflicts_with = "token_file")]
    token_id: Option<String>,
    /// A file that contains the token itself; `-` is standard input
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Also cancel the jobs that the token created and that have not ended
    #[arg(long)]
    cancel_jobs: bool,
}

pub(super) async fn revoke_token(revoke: &Revoke, store: &Store, now: Time) -> Result<Output, CliError> {
    let (space, token_id) = &named(revoke, store).await?;
    let record = store.revoke_token(existing(space, store).await?, token_id, now).await?;
    let unknown = || CliError::UnknownToken { space: space.clone(), token_id: token_id.clone() };
    let record = record.ok_or_else(unknown)?;
    let revoked_at = record.revoked_at.unwrap_or(now);
    let mut text =
        format!("{} of {space} revoked at {revoked_at}; it stops working within 60 seconds", record.token_id);
    let mut json = document(&record);
    if revoke.cancel_jobs {
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

/// The space and the id of the token to revoke: as they were given, or those of the token itself.
async fn named(revoke: &Revoke, store: &Store) -> Result<(SpaceId, String), CliError> {
    match (&revoke.space, &revoke.token_id, &revoke.token_file) {
        (space, _, Some(file)) => {
            let hash = secret(file).await?.hash();
            let (record, _) = store.token_and_space(&hash, None).await?;
            let record = record.filter(|record| space.as_ref().is_none_or(|space| *space == record.space_id));
            let unknown = || CliError::NotFound("the table has no such token, or it is another space's".to_owned());
            record.map(|record| (record.space_id, record.token_id.to_string())).ok_or_else(unknown)
        }
        (Some(space), Some(token_id), None) => Ok((space.clone(), token_id.clone())),
        _ => Err(CliError::Unexpected("the command line names no token")),
    }
}

/// Reads a token from a file or from standard input. Neither an error nor an output shows it.
async fn secret(file: &Path) -> Result<Token, CliError> {
    let text = if file == Path::new(STDIN) {
        hidden_input::read().await?
    } else {
        fs::read_to_string(file).map_err(|source| SettingError::File { path: file.to_owned(), source })?
    };
    Ok(Token::parse(text.trim()).ok_or(SettingError::Token("the token file"))?)
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
