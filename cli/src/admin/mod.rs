//! `efface admin`: manages spaces, tokens and restored tables. It writes to the table directly, because a new stack has
//! no token yet.

mod duration;
mod reapply;
mod space;
mod token;
mod type_spec;

use clap::Subcommand;

use crate::{CliError, Interrupts, Output, connect, settings::Settings};

/// The resources that `efface admin` manages.
#[derive(Subcommand)]
pub enum Admin {
    /// Manage spaces; a space holds one customer's profiles, with its own tokens, identifier types and rate limits
    #[command(subcommand)]
    Space(space::SpaceCommand),
    /// Manage access tokens; clients of the HTTP API authenticate with them
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Delete and revoke in a table that was restored from a backup what was deleted and revoked since
    Reapply(reapply::ReapplyArgs),
}

impl Admin {
    /// Whether the command handles Ctrl-C itself, to finish work.
    pub(crate) fn handles_ctrl_c(&self) -> bool {
        matches!(self, Self::Reapply(_))
    }
}

pub(crate) async fn run(admin: &Admin, settings: &Settings<'_>, interrupts: &Interrupts) -> Result<Output, CliError> {
    match admin {
        Admin::Space(command) => space::run(command, &connect::open(settings).await?.store).await,
        Admin::Token(command) => token::run(command, &connect::open(settings).await?.store).await,
        Admin::Reapply(args) => reapply::run(args, settings, interrupts).await,
    }
}
