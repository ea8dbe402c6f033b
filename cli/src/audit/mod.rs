//! `efface audit`: searches the changes of a space.

mod search;

use clap::Subcommand;

use crate::{CliError, Output, settings::Settings};
use search::SearchEvents;

/// The subcommands of `efface audit`.
#[derive(Subcommand)]
pub enum AuditCommand {
    /// List changes, the newest first
    Search(SearchEvents),
}

pub(crate) async fn run(command: &AuditCommand, settings: &Settings<'_>) -> Result<Output, CliError> {
    let AuditCommand::Search(options) = command;
    search::run(options, settings).await
}
