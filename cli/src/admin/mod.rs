//! `efface admin`: manages spaces and tokens. It writes to the table directly, because a new stack has no token yet.

mod duration;
mod space;
mod token;
mod type_spec;

use clap::Subcommand;

use crate::{CliError, Output, connect, settings::Settings};

/// The resources that `efface admin` manages.
#[derive(Subcommand)]
pub enum Admin {
    /// Manage spaces; a space holds one customer's profiles, with its own tokens, identifier types and rate limits
    #[command(subcommand)]
    Space(space::SpaceCommand),
    /// Manage access tokens; clients of the HTTP API authenticate with them
    #[command(subcommand)]
    Token(token::TokenCommand),
}

pub(crate) async fn run(admin: &Admin, settings: &Settings<'_>) -> Result<Output, CliError> {
    let connection = connect::open(settings).await?;
    match admin {
        Admin::Space(command) => space::run(command, &connection.store).await,
        Admin::Token(command) => token::run(command, &connection.store).await,
    }
}
