//! The command line. Each command's own arguments are beside what it does.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{admin::Admin, bulk::Bulk, delete::Delete, jobs::JobsCommand, load::Load, profile::ProfileCommand};

const AFTER_HELP: &str = "\
Examples:
  cargo local                                  (in another terminal: the service on your own machine)
  efface --local admin space show spa_demo
  efface --local load profiles.jsonl
  efface --local bulk people.csv --space spa_demo --dry-run
  EFFACE_TABLE=efface-profiles efface admin token create spa_demo --role identity_admin

Exit codes:
  0    done
  1    refused, or failed: the message says why
  2    the command line or a setting is wrong; nothing was done
  3    no answer, or too busy: the same command again is safe
  130  stopped by Ctrl-C; what was begun was finished";

/// Deletes people's identifiers and profiles from a profile store, and looks after its spaces and tokens
#[derive(Parser)]
#[command(name = "efface", version, after_help = AFTER_HELP)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Args, Default)]
#[command(next_help_heading = "Settings")]
pub struct Global {
    /// Work with the `cargo local` that runs: settings come from target/local/env
    #[arg(long, global = true)]
    pub local: bool,
    /// Read settings from a file of KEY=VALUE lines; they win over the environment
    #[arg(long, global = true, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// The DynamoDB table [env: EFFACE_TABLE]
    #[arg(long, global = true, value_name = "NAME")]
    pub table: Option<String>,
    /// A file that holds the identifier key, 32 bytes in base64 [env: EFFACE_IDENTIFIER_KEY holds the key itself]
    #[arg(long, global = true, value_name = "FILE")]
    pub identifier_key_file: Option<PathBuf>,
    /// The AWS region [env: AWS_REGION]
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Where DynamoDB answers, if not in the region itself [env: AWS_ENDPOINT_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// The AWS profile whose credentials are used [env: AWS_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Answer with one JSON document on stdout, errors too
    #[arg(long, global = true)]
    pub json: bool,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Make, show and change spaces; make, list and revoke tokens
    #[command(subcommand)]
    Admin(Admin),
    /// Load profiles from a seed file
    Load(Load),
    /// Delete one identifier of a profile, over the HTTP API
    Delete(Delete),
    /// Delete the profiles or identifiers that a file lists, over the HTTP API
    Bulk(Bulk),
    /// Follow and control the jobs that delete in bulk
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Delete a whole profile
    #[command(subcommand)]
    Profile(ProfileCommand),
}

impl Command {
    /// Whether it finishes or tells something at Ctrl-C.
    pub(crate) fn sees_to_ctrl_c(&self) -> bool {
        match self {
            Self::Load(_) | Self::Bulk(_) => true,
            Self::Jobs(command) => command.waits(),
            Self::Admin(_) | Self::Delete(_) | Self::Profile(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    /// Walks all commands, so that none is added without words and an example.
    fn check(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{} says nothing about itself", command.get_name());
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{}: {} has no help", command.get_name(), argument.get_id());
        }
        if command.has_subcommands() {
            command.get_subcommands().for_each(check);
        } else {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains("efface "), "{} has no example", command.get_name());
        }
    }

    #[test]
    fn every_command_has_words_and_an_example() {
        check(&Cli::command());
    }

    #[test]
    fn secrets_have_no_option() {
        for option in ["--token", "--identifier-key", "--password"] {
            let line = ["efface", "admin", "space", "show", "spa_demo", option, "x"];
            assert!(Cli::try_parse_from(line).is_err(), "{option}");
        }
    }
}
