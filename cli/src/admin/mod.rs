//! `efface admin`: manages spaces, tokens, journal and log, and restored tables, and stops what deletes. It writes to the table
//! directly, because a new stack has no token yet.

pub(crate) mod duration;
mod journal;
mod live;
mod log;
mod reapply;
mod space;
mod space_list;
mod stop;
mod token;
mod type_spec;

use clap::Subcommand;

use crate::{CliError, Interrupts, Output, connect, settings::Settings};

const SPACE_HELP: &str = "\
Example:
  efface admin space create spa_demo --identifier-type loyalty_id:lowercase
  efface admin space show spa_demo
  efface admin space update spa_demo --deletions-per-second 50";

const TOKEN_HELP: &str = "\
Example:
  efface admin token create spa_demo --role identity_admin --expires-in 90d
  efface admin token list spa_demo
  efface admin token revoke spa_demo tok_0123456789abcdef";

/// The resources that `efface admin` manages.
#[derive(Subcommand)]
pub enum Admin {
    /// Manage spaces; a space holds one customer's profiles, with its own tokens, identifier types and rate limits
    #[command(subcommand, after_help = SPACE_HELP)]
    Space(space::SpaceCommand),
    /// Manage access tokens; clients of the HTTP API authenticate with them
    #[command(subcommand, after_help = TOKEN_HELP)]
    Token(token::TokenCommand),
    /// Look after the journal, which tells every change of the table
    #[command(subcommand, after_help = "Example:\n  efface admin journal reconcile --dry-run")]
    Journal(journal::JournalCommand),
    /// Look after the published log
    #[command(subcommand, after_help = "Example:\n  efface admin log rebuild --all --dry-run")]
    Log(log::LogCommand),
    /// Delete and revoke in a table that was restored from a backup what was deleted and revoked since
    Reapply(reapply::ReapplyArgs),
    /// Stop everything that deletes, in one space or in the whole stack
    Stop(stop::StopArgs),
    /// End a stop: the jobs that it paused go on
    Start(stop::StartArgs),
}

impl Admin {
    /// Whether the command handles Ctrl-C and SIGTERM itself, to finish work.
    pub(crate) fn handles_interrupts(&self) -> bool {
        match self {
            Self::Journal(_) | Self::Log(_) | Self::Reapply(_) | Self::Stop(_) | Self::Start(_) => true,
            Self::Space(command) => command.handles_interrupts(),
            Self::Token(_) => false,
        }
    }
}

pub(crate) async fn run(admin: &Admin, settings: &Settings<'_>, interrupts: &Interrupts) -> Result<Output, CliError> {
    match admin {
        Admin::Space(command) => space::run(command, settings, interrupts).await,
        Admin::Token(command) => token::run(command, &connect::open(settings).await?.store).await,
        Admin::Journal(command) => journal::run(command, settings, interrupts).await,
        Admin::Log(command) => log::run(command, settings, interrupts).await,
        Admin::Reapply(args) => reapply::run(args, settings, interrupts).await,
        Admin::Stop(args) => stop::stop(args, settings, interrupts).await,
        Admin::Start(args) => stop::start(args, settings, interrupts).await,
    }
}
