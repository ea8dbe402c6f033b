//! `efface receipt`: gets receipts over the HTTP API, and verifies them offline.

mod all;
mod get;
mod logged;
mod verified;
mod verify;
mod words;

use clap::Subcommand;

use crate::{CliError, Interrupts, Output, settings::Settings};
use get::GetReceipt;
use verify::VerifyReceipts;

/// The subcommands of `efface receipt`.
#[derive(Subcommand)]
pub enum ReceiptCommand {
    /// Verify receipts offline, and say what they prove
    Verify(VerifyReceipts),
    /// Get the receipt for a deletion, for a job, or for all deletions of a job
    Get(GetReceipt),
}

impl ReceiptCommand {
    /// Whether the command handles Ctrl-C and SIGTERM itself, to tell how far it is.
    pub(crate) fn handles_interrupts(&self) -> bool {
        matches!(self, Self::Get(get) if get.is_all())
    }
}

pub(crate) async fn run(
    command: &ReceiptCommand,
    settings: &Settings<'_>,
    interrupts: &Interrupts,
) -> Result<Output, CliError> {
    match command {
        ReceiptCommand::Verify(options) => verify::run(options).await,
        ReceiptCommand::Get(options) => get::run(options, settings, interrupts).await,
    }
}
