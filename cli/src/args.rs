//! The command line. Each command's own arguments are defined in its module.

use clap::{Parser, Subcommand};

use crate::{
    admin::Admin,
    audit::AuditCommand,
    bulk::Bulk,
    completions::{Completions, Man},
    deletion::DeletionCommand,
    global::Global,
    identifier::{DeleteIdentifier, IdentifierCommand},
    jobs::JobsCommand,
    load::Load,
    log::LogCommand,
    profile::ProfileCommand,
    receipt::ReceiptCommand,
    segments::SegmentsCommand,
    whoami::Whoami,
};

const AFTER_HELP: &str = "\
Examples:
  cargo local                                  # in another terminal: runs the service here
  efface --local admin space show spa_demo
  efface --local load profiles.jsonl
  efface --local bulk people.csv --space spa_demo --dry-run
  efface completions bash > ~/.local/share/bash-completion/completions/efface
  efface --env-file na.env admin token create spa_demo --role identity_admin

Exit codes:
  0    success
  1    the command failed, or the API rejected it; the message says why
  2    the command line or a setting is wrong; nothing was done
  3    no response, or the service is busy; the command can safely be repeated
  4    rows have an outcome that --fail-on names
  5    too many rows of the file are invalid (--max-invalid); nothing was deleted or changed
  6    the job was paused or cancelled, or awaits its approval
  130  stopped by Ctrl-C, after work in progress was finished; 143: by SIGTERM, in the same way";

const ADMIN_HELP: &str = "\
Example:
  efface admin space create spa_demo
  efface admin token create spa_demo --role identity_admin --expires-in 90d
  efface --local admin token list spa_demo";

const JOBS_HELP: &str = "\
Example:
  efface jobs list --space spa_demo --state running
  efface jobs status JOB --space spa_demo --watch
  efface jobs pause JOB --space spa_demo";

const PROFILE_HELP: &str = "\
Example:
  efface profile delete email:example@gmail.com --space spa_demo
  efface --local profile delete 'user_id:a b#c' --space spa_demo      # any value, in quotes";

const IDENTIFIER_HELP: &str = "\
Example:
  efface identifier delete --space spa_demo --user-id user_001 --type email --id example@gmail.com";

const DELETION_HELP: &str = "\
Example:
  efface deletion show email:example@gmail.com --space spa_demo";

const SEGMENTS_HELP: &str = "\
Example:
  efface segments create 'Spring 2026' --id seg_spring --space spa_demo
  efface segments add seg_spring people.csv --space spa_demo
  efface segments delete-users seg_spring --space spa_demo --plan-only";

const RECEIPT_HELP: &str = "\
Example:
  efface receipt get email:example@gmail.com --space spa_demo --file receipt.txt
  efface receipt verify receipt.txt --key log.key --identifier email:example@gmail.com";

const LOG_HELP: &str = "\
Example:
  efface log key --space spa_demo > log.key
  efface log mirror /srv/log --space spa_demo --key log.key
  efface log verify --dir /srv/log --key log.key";

const AUDIT_HELP: &str = "\
Example:
  efface audit search --space spa_demo --event identifier.removed --from 2026-01-01T00:00:00Z";

/// Deletes people's identifiers and profiles from a profile store, and manages its spaces and tokens
#[derive(Parser)]
#[command(name = "efface", version = efface_aws::version::TEXT, after_help = AFTER_HELP)]
pub struct Cli {
    /// The options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Manage spaces, tokens and restored tables, directly in the table
    #[command(subcommand, after_help = ADMIN_HELP)]
    Admin(Admin),
    /// Load profiles and spaces from a file, directly into the table
    Load(Load),
    /// Show what the token is and may do, and its space's settings, over the HTTP API
    Whoami(Whoami),
    /// Delete one identifier of a profile, over the HTTP API
    #[command(subcommand, after_help = IDENTIFIER_HELP)]
    Identifier(IdentifierCommand),
    /// An older name of `efface identifier delete`
    #[command(hide = true)]
    Delete(DeleteIdentifier),
    /// Show the record of a deletion, over the HTTP API
    #[command(subcommand, after_help = DELETION_HELP)]
    Deletion(DeletionCommand),
    /// Delete all profiles or identifiers listed in a file, over the HTTP API
    Bulk(Bulk),
    /// Show and control deletion jobs, over the HTTP API
    #[command(subcommand, after_help = JOBS_HELP)]
    Jobs(JobsCommand),
    /// Show a profile, or delete it with all its data, over the HTTP API
    #[command(subcommand, after_help = PROFILE_HELP)]
    Profile(ProfileCommand),
    /// Show and change segments, and delete the users of one, over the HTTP API
    #[command(subcommand, after_help = SEGMENTS_HELP)]
    Segments(SegmentsCommand),
    /// Get receipts for deletions over the HTTP API, and verify them offline
    #[command(subcommand, after_help = RECEIPT_HELP)]
    Receipt(ReceiptCommand),
    /// Verify and copy the signed log of all changes, from the HTTP API, a web site or a folder
    #[command(subcommand, after_help = LOG_HELP)]
    Log(LogCommand),
    /// Search the changes of the space, over the HTTP API
    #[command(subcommand, after_help = AUDIT_HELP)]
    Audit(AuditCommand),
    /// Print a script that completes command lines in a shell
    Completions(Completions),
    /// Write the manual pages of all commands
    Man(Man),
}

impl Command {
    /// Whether the command handles Ctrl-C and SIGTERM itself, to finish work or to print a result.
    pub(crate) fn handles_interrupts(&self) -> bool {
        match self {
            Self::Load(_) | Self::Bulk(_) => true,
            Self::Jobs(command) => command.handles_interrupts(),
            Self::Segments(command) => command.handles_interrupts(),
            Self::Admin(admin) => admin.handles_interrupts(),
            Self::Receipt(command) => command.handles_interrupts(),
            Self::Log(command) => command.handles_interrupts(),
            Self::Whoami(_)
            | Self::Identifier(_)
            | Self::Delete(_)
            | Self::Deletion(_)
            | Self::Profile(_)
            | Self::Audit(_)
            | Self::Completions(_)
            | Self::Man(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::help::command;

    #[test]
    fn clap_accepts_the_command_line() {
        command().debug_assert();
    }

    /// Checks a command and all its subcommands.
    fn check(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{} has no description", command.get_name());
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{}: {} has no help", command.get_name(), argument.get_id());
        }
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(after.contains("Example") && after.contains("efface "), "{} has no example", command.get_name());
        command.get_subcommands().for_each(check);
    }

    #[test]
    fn every_command_has_help_and_an_example() {
        check(&command());
    }

    #[test]
    fn secrets_cannot_be_given_as_options() {
        for option in ["--token", "--identifier-key", "--password"] {
            let line = ["efface", "admin", "space", "show", "spa_demo", option, "x"];
            assert!(Cli::try_parse_from(line).is_err(), "{option}");
        }
    }
}
