//! The command lines of `efface segments`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, builder::NonEmptyStringValueParser};
use efface_core::{job::Outcome, time::Time};
use serde::Serialize;

use crate::{api::ApiOptions, jobs::failures, rows::MaxInvalid};

/// The subcommands of `efface segments`.
#[derive(Subcommand)]
pub enum SegmentsCommand {
    /// List segments
    List(ListSegments),
    /// Show a segment, its job and its notifications
    Show(ShowSegment),
    /// Create a segment without members
    Create(CreateSegment),
    /// Give a segment another name
    Rename(RenameSegment),
    /// Delete an empty segment; this deletes no users
    #[command(after_help = DELETE_HELP)]
    Delete(DeleteSegment),
    /// Let a segment take members again
    #[command(after_help = "Example:\n  efface segments enable seg_vip --space spa_demo")]
    Enable(OneSegment),
    /// Let a segment take no more members
    #[command(after_help = "Example:\n  efface segments disable seg_vip --space spa_demo")]
    Disable(OneSegment),
    /// Print the profile ids of all members, one a line
    #[command(after_help = "Example:\n  efface segments members seg_vip --space spa_demo > members.txt")]
    Members(OneSegment),
    /// Add the profiles that a file lists
    #[command(after_help = ADD_HELP)]
    Add(Change),
    /// Remove the profiles that a file lists; they are not deleted
    #[command(after_help = REMOVE_HELP)]
    Remove(Removal),
    /// Make the profiles that a file lists the only members; no profile is deleted
    #[command(after_help = REPLACE_HELP)]
    Replace(Removal),
    /// Delete all profiles that are members of a segment
    DeleteUsers(DeleteUsers),
}

const DELETE_HELP: &str = "\
Deletes the segment itself, which must be empty. `efface segments delete-users` deletes the users of a segment.

Example:
  efface segments delete seg_vip --space spa_demo

Exit codes:
  0    deleted
  1    the API rejected the request, or you did not confirm
  2    the command line or a setting is wrong, or there is no terminal to ask on; nothing was done
  3    no response, or the service is busy; the command can safely be repeated
  130  stopped by Ctrl-C; 143: by SIGTERM";

const ADD_HELP: &str = "\
FILE is read as by `efface bulk`: a row is `key:value`, a key and a value, or a profile's own id, use_...
The rows are sent in parts of 1,000. Adding a member again changes nothing, so the command can be repeated. A part whose
response was lost is sent again, and counts as `already` what it had added.

Example:
  efface segments add seg_vip people.csv --space spa_demo --max-invalid 1%
  zcat people.csv.gz | efface segments add seg_vip - --space spa_demo

Exit codes:
  0    the rows were carried out; the summary counts them
  1    the API rejected a request
  2    the command line, a setting or the file is wrong; nothing was changed
  3    no response, or the service is busy; the command can be repeated
  5    every row is invalid, or more than --max-invalid allows; nothing was changed
  130  stopped by Ctrl-C; 143: by SIGTERM. Some rows may have been carried out; the command can be repeated";

const REMOVE_HELP: &str = "\
FILE is read as by `efface segments add`. The command can be repeated.

Example:
  efface segments remove seg_vip people.csv --space spa_demo --yes

Exit codes:
  0    the rows were carried out; the summary counts them
  1    the API rejected a request, or you did not confirm
  2    the command line, a setting or the file is wrong, or there is no terminal to ask on; nothing was changed
  3    no response, or the service is busy; the command can be repeated
  5    every row is invalid, or more than --max-invalid allows; nothing was changed
  130  stopped by Ctrl-C; 143: by SIGTERM. Some rows may have been carried out; the command can be repeated";

const REPLACE_HELP: &str = "\
FILE is read as by `efface segments add`. Each row is looked up first, which needs a token that may read profiles. Then
the command asks, adds the profiles of the file, and removes the members that are not among them. Rows that find no
profile add nothing and keep nothing. If no row finds a profile, nothing is changed. The command can be repeated.

Example:
  efface segments replace seg_vip people.csv --space spa_demo

Exit codes:
  0    the profiles of the file are the members
  1    the API rejected a request, no row finds a profile, or you did not confirm
  2    the command line, a setting or the file is wrong, or there is no terminal to ask on; nothing was changed
  3    no response, or the service is busy; the command can be repeated
  5    every row is invalid, or more than --max-invalid allows; nothing was changed
  130  stopped by Ctrl-C; 143: by SIGTERM. Some rows may have been carried out; the command can be repeated";

/// A segment.
#[derive(Args)]
pub struct OneSegment {
    /// The segment's id
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(super) segment: String,
    /// The options for the API.
    #[command(flatten)]
    pub(super) api: ApiOptions,
}

/// The options of `efface segments list`.
#[derive(Args)]
#[command(after_help = "Example:\n  efface segments list --space spa_demo --show-disabled")]
pub struct ListSegments {
    /// Also list disabled segments
    #[arg(long)]
    pub(super) show_disabled: bool,
    /// The options for the API.
    #[command(flatten)]
    pub(super) api: ApiOptions,
}

/// The options of `efface segments show`.
#[derive(Args)]
#[command(after_help = "Example:\n  efface segments show seg_vip --space spa_demo --count")]
pub struct ShowSegment {
    /// Count the members now
    #[arg(long)]
    pub(super) count: bool,
    #[command(flatten)]
    pub(super) one: OneSegment,
}

/// The options of `efface segments create`.
#[derive(Args)]
#[command(after_help = "Example:\n  efface segments create 'Spring 2026' --id seg_spring --space spa_demo")]
pub struct CreateSegment {
    /// The segment's name
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(super) name: String,
    /// The segment's id [default: the API makes one]
    #[arg(long = "id", value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) id: Option<String>,
    /// The kind of the segment
    #[arg(long, value_name = "KIND", default_value = "manual_segment")]
    pub(super) kind: Kind,
    /// The options for the API.
    #[command(flatten)]
    pub(super) api: ApiOptions,
}

/// The kinds of segments.
#[derive(Debug, Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(super) enum Kind {
    /// Users that a query finds
    UserSegment,
    /// People who subscribed to something
    SubscriberList,
    /// Users that were added one by one or from files
    ManualSegment,
}

/// The options of `efface segments rename`.
#[derive(Args)]
#[command(after_help = "Example:\n  efface segments rename seg_spring 'Spring 2027' --space spa_demo")]
pub struct RenameSegment {
    /// The segment's id
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(super) segment: String,
    /// The new name
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(super) name: String,
    /// The options for the API.
    #[command(flatten)]
    pub(super) api: ApiOptions,
}

/// The options of `efface segments delete`.
#[derive(Args)]
pub struct DeleteSegment {
    /// Delete without asking for confirmation
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) one: OneSegment,
}

/// The options of `efface segments add`.
#[derive(Args)]
pub struct Change {
    /// The segment's id
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(super) segment: String,
    /// The file of rows; `-` is standard input
    pub(super) file: PathBuf,
    /// Change nothing if more than N rows of the file, or P% of them, are invalid; 100% allows all [default: refused
    /// only if every row is invalid]
    #[arg(long, value_name = "N|P%")]
    pub(super) max_invalid: Option<MaxInvalid>,
    /// The options for the API.
    #[command(flatten)]
    pub(super) api: ApiOptions,
}

/// The options of `efface segments remove` and `efface segments replace`.
#[derive(Args)]
pub struct Removal {
    /// Remove without asking for confirmation
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) change: Change,
}

const DELETE_USERS_HELP: &str = "\
The command shows how many members there are and what follows from their deletion, asks for the segment's name, deletes
the members as a job, and follows the job to its end. The number that was shown is sent as --expected-members: the API
refuses if there are over 1 % more or fewer by then.

Example:
  efface segments delete-users seg_spring --space spa_demo
  efface segments delete-users seg_spring --space spa_demo --plan-only
  efface segments delete-users seg_spring --space spa_demo --yes --expected-members 1200 --no-wait

Exit codes:
  0    all users of the segment are deleted, or it had none; with --plan-only, the plan is shown; with --no-wait, the
       job is made; with --start-at, it waits for its time
  1    some were not deleted, the API rejected a request, or you did not confirm
  2    the command line or a setting is wrong, or there is no terminal to ask on; nothing was deleted
  3    no response, or the service is busy: repeat with the options that the message names
  4    users have an outcome that --fail-on names
  6    the job was paused or cancelled, or awaits its approval
  130  stopped by Ctrl-C; 143: by SIGTERM. A job that was made continues; the message says how to follow, pause and
       cancel it";

/// The options of `efface segments delete-users`.
#[derive(Args)]
#[command(after_help = DELETE_USERS_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct DeleteUsers {
    /// Delete without asking for confirmation
    #[arg(long)]
    pub(super) yes: bool,
    /// Delete only if the segment has N members, up to 1 % more or fewer [default: as many as the plan shows]
    #[arg(long, value_name = "N")]
    pub(super) expected_members: Option<u64>,
    /// Pause the job when it has deleted N profiles
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) max_deletions: Option<u64>,
    /// Enable the segment again when everybody is deleted
    #[arg(long)]
    pub(super) auto_enable: bool,
    /// Do not start before this time, at most 30 days ahead; until then the job can be cancelled
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    pub(super) start_at: Option<Time>,
    /// Only make a dry run and show its plan. `efface jobs execute` deletes just that within 7 days
    #[arg(long, visible_alias = "dry-run", conflicts_with_all = ["max_deletions", "auto_enable", "start_at", "no_wait"])]
    pub(super) plan_only: bool,
    /// Exit when the job is made, without waiting for its end
    #[arg(long)]
    pub(super) no_wait: bool,
    /// Exit with 4 if users have one of these outcomes at the end
    #[arg(long, value_name = "OUTCOME,...", value_delimiter = ',', value_parser = failures())]
    pub(super) fail_on: Vec<Outcome>,
    /// The idempotency key: for 24 hours, a repetition with this key is the same job [default: a new key]
    #[arg(long, value_name = "KEY")]
    pub(super) idempotency_key: Option<String>,
    #[command(flatten)]
    pub(super) one: OneSegment,
}

impl SegmentsCommand {
    /// Whether the command handles Ctrl-C and SIGTERM itself.
    pub(crate) fn handles_interrupts(&self) -> bool {
        matches!(self, Self::DeleteUsers(_))
    }
}
