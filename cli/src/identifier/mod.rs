//! `efface identifier`: deletes one identifier of a profile.

mod delete;
mod request;

use clap::Subcommand;

use crate::{CliError, Output, settings::Settings};
pub(crate) use delete::{DeleteIdentifier, run as delete};

/// The subcommands of `efface identifier`.
#[derive(Subcommand)]
pub enum IdentifierCommand {
    /// Delete one identifier of a profile, and nothing else of it
    Delete(DeleteIdentifier),
}

pub(crate) async fn run(command: &IdentifierCommand, settings: &Settings<'_>) -> Result<Output, CliError> {
    let IdentifierCommand::Delete(options) = command;
    delete(options, settings).await
}
