//! Administration: it writes to the table itself, so that a stack is usable before it has any token.

mod duration;
mod space;
mod token;
mod type_spec;

use clap::Subcommand;

use crate::{Answer, CliError, connect, settings::Settings};

/// What there is to look after.
#[derive(Subcommand)]
pub enum Admin {
    /// Spaces: one customer's profiles, with their own tokens, types and limits
    #[command(subcommand)]
    Space(space::SpaceCommand),
    /// Tokens: what clients of the HTTP API show
    #[command(subcommand)]
    Token(token::TokenCommand),
}

pub(crate) async fn run(admin: &Admin, settings: &Settings<'_>) -> Result<Answer, CliError> {
    let site = connect::open(settings).await?;
    match admin {
        Admin::Space(command) => space::run(command, &site.store).await,
        Admin::Token(command) => token::run(command, &site.store).await,
    }
}
