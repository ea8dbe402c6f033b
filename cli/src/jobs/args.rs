//! The command lines of `efface jobs`.

use std::str::FromStr;

use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use efface_core::{
    id::BadId,
    job::{JobState, Outcome},
    time::Time,
};

use crate::{
    api::ApiOptions,
    report::{FileOfRows, MakeReport},
};

/// The subcommands of `efface jobs`.
#[derive(Subcommand)]
pub enum JobsCommand {
    /// List jobs, and the counts of all matching jobs together
    List(ListJobs),
    /// Show a job's state and progress
    Status(Status),
    /// List the outcome of each row of a job
    Outcomes(Outcomes),
    /// Write the lines of a job's file, each with what became of it
    Report(MakeReport),
    /// Wait until a job, or all jobs of a group, are completed or cancelled
    Wait(Wait),
    /// List what happened to a job, and by whose token
    #[command(after_help = "Example:\n  efface jobs events JOB --space spa_demo")]
    Events(Control),
    /// Approve a job of somebody else: it has more rows than one person may delete, or its segment has other members than
    /// were expected
    #[command(after_help = APPROVE_HELP)]
    Approve(Approve),
    /// Delete the profiles that a dry run found, except those that have changed since
    Execute(Execute),
    /// Reject a job that awaits its approval: it is cancelled
    #[command(after_help = "Example:\n  efface jobs reject JOB --space spa_demo")]
    Reject(Control),
    /// Start an open job, after all its pages were sent
    #[command(after_help = START_HELP)]
    Start(Start),
    /// Pause a job; chunks that run stop within 100 rows or a second
    #[command(after_help = "Example:\n  efface jobs pause JOB --space spa_demo")]
    Pause(Control),
    /// Resume a paused job
    #[command(after_help = "Example:\n  efface jobs resume JOB --space spa_demo")]
    Resume(Control),
    /// Cancel a job, within 100 rows or a second; what was deleted stays deleted
    #[command(after_help = "Example:\n  efface jobs cancel JOB --space spa_demo")]
    Cancel(Control),
    /// Run the failed rows of a completed job again
    #[command(after_help = REDRIVE_HELP)]
    Redrive(Redrive),
}

const APPROVE_HELP: &str = "\
Example:
  efface jobs approve JOB --space spa_demo

Exit codes:
  0    the job is approved
  1    the API rejected the request, or you did not confirm
  2    the command line or a setting is wrong, or there is no terminal to ask on; nothing was done
  3    no response, or the service is busy; the command can safely be repeated
  130  stopped by Ctrl-C; 143: by SIGTERM";

const REDRIVE_HELP: &str = "\
Example:
  efface jobs redrive JOB --space spa_demo

Exit codes:
  0    the failed rows run again
  1    the API rejected the request, or you did not confirm
  2    the command line or a setting is wrong, or there is no terminal to ask on; nothing was done
  3    no response, or the service is busy; the command can safely be repeated
  130  stopped by Ctrl-C; 143: by SIGTERM";

const START_HELP: &str = "\
Example:
  efface jobs start JOB --space spa_demo

Exit codes:
  0    the job is started, or waits for its time
  1    the API rejected the request
  2    the command line or a setting is wrong
  3    no response, or the service is busy; the command can safely be repeated
  6    the job awaits its approval
  130  stopped by Ctrl-C; 143: by SIGTERM";

/// The options of `efface jobs list`.
#[derive(Args)]
#[command(after_help = "Example:\n  efface jobs list --space spa_demo --state running\n  \
                        efface jobs list --space spa_demo --mine")]
pub struct ListJobs {
    /// Only jobs that this token created. Every role that may create jobs may list these
    #[arg(long)]
    pub(super) mine: bool,
    /// Only jobs with this group label
    #[arg(long, value_name = "LABEL")]
    pub(super) group: Option<String>,
    /// Only jobs in this state
    #[arg(long, value_name = "STATE", value_parser = one_of::<JobState>(JobState::ALL.map(JobState::as_str)))]
    pub(super) state: Option<JobState>,
    /// The maximum number of jobs to list
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: u64,
    /// The options for the API.
    #[command(flatten)]
    pub(super) api: ApiOptions,
}

const STATUS_HELP: &str = "\
Example:
  efface jobs status JOB --space spa_demo --watch
  efface jobs status JOB --space spa_demo --watch --fail-on invalid,not_found,failed

Exit codes:
  0    the job is shown; with --watch, it is completed and no row failed
  1    the API rejected the request; with --watch, rows failed
  2    the command line or a setting is wrong
  3    no response, or the service is busy; the command can safely be repeated
  4    with --watch, rows have an outcome that --fail-on names
  6    with --watch, the job was cancelled
  130  stopped by Ctrl-C; 143: by SIGTERM. The job continues";

/// The options of `efface jobs status`.
#[derive(Args)]
#[command(after_help = STATUS_HELP)]
pub struct Status {
    /// The job's id
    pub(super) job: String,
    /// Wait until the job ends; Ctrl-C stops waiting, not the job
    #[arg(long)]
    pub(super) watch: bool,
    /// Exit with 4 if rows have one of these outcomes at the end
    #[arg(long, value_name = "OUTCOME,...", value_delimiter = ',', value_parser = failures(), requires = "watch")]
    pub(super) fail_on: Vec<Outcome>,
    /// The options for the API.
    #[command(flatten)]
    pub(super) api: ApiOptions,
}

/// The options of `efface jobs outcomes`.
#[derive(Args)]
#[command(after_help = "Example:\n  efface jobs outcomes JOB --space spa_demo --outcome failed --csv")]
pub struct Outcomes {
    /// The job's id
    pub(super) job: String,
    /// Only rows with this outcome
    #[arg(long, value_name = "OUTCOME", value_parser = one_of::<Outcome>(Outcome::ALL.map(Outcome::as_str)))]
    pub(super) outcome: Option<Outcome>,
    /// Print comma-separated values with a header
    #[arg(long)]
    pub(super) csv: bool,
    #[command(flatten)]
    pub(super) file: FileOfRows,
    /// The options for the API.
    #[command(flatten)]
    pub(super) api: ApiOptions,
}

const WAIT_HELP: &str = "\
A paused job has not ended: the command waits until somebody resumes or cancels it.

Example:
  efface jobs wait JOB --space spa_demo
  efface jobs wait --group nightly-2026-11-26 --rows 120000 --fail-on invalid,not_found --space spa_demo

Exit codes:
  0    all are completed, and no row failed
  1    rows failed, or the API rejected the request, for example because the group has no jobs
  2    the command line or a setting is wrong
  3    no response, or the service is busy; the command can safely be repeated
  4    rows have an outcome that --fail-on names
  6    a job was cancelled
  130  stopped by Ctrl-C; 143: by SIGTERM. The jobs go on";

/// The options of `efface jobs wait`.
#[derive(Args)]
#[command(after_help = WAIT_HELP)]
pub struct Wait {
    /// The job's id
    #[arg(required_unless_present = "group")]
    pub(super) job: Option<String>,
    /// All jobs with this group label
    #[arg(long, value_name = "LABEL", conflicts_with = "job")]
    pub(super) group: Option<String>,
    /// Wait until the jobs of the group have at least N rows, too
    #[arg(long, value_name = "N", requires = "group")]
    pub(super) rows: Option<u32>,
    /// Failed rows and cancelled jobs are no failure
    #[arg(long)]
    pub(super) allow_failed: bool,
    /// Exit with 4 if rows have one of these outcomes at the end
    #[arg(long, value_name = "OUTCOME,...", value_delimiter = ',', value_parser = failures())]
    pub(super) fail_on: Vec<Outcome>,
    /// The options for the API.
    #[command(flatten)]
    pub(super) api: ApiOptions,
}

const EXECUTE_HELP: &str = "\
Example:
  efface bulk people.csv --space spa_demo --plan-only
  efface jobs execute JOB --space spa_demo --watch

Exit codes:
  0    the job is made, and goes on by itself or waits for its time; with --watch, it is completed and no row failed
  1    the API rejected the request, or you did not confirm; with --watch, rows failed
  2    the command line or a setting is wrong, or there is no terminal to ask on; nothing was deleted
  3    no response, or the service is busy; `efface jobs list --mine` shows whether the job was made
  4    with --watch, rows have an outcome that --fail-on names
  6    the job awaits its approval; with --watch, or was paused or cancelled
  130  stopped by Ctrl-C; 143: by SIGTERM. A job that was made continues";

/// The options of `efface jobs execute`.
#[derive(Args)]
#[command(after_help = EXECUTE_HELP)]
pub struct Execute {
    /// Do not start before this time, at most 30 days ahead; until then the job can be cancelled
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    pub(super) start_at: Option<Time>,
    /// Pause the job when it has deleted N profiles
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) max_deletions: Option<u64>,
    /// Delete without showing the plan and asking for confirmation
    #[arg(long)]
    pub(super) yes: bool,
    /// Wait until the job ends, or waits for a person or its time; Ctrl-C stops waiting, not the job
    #[arg(long)]
    pub(super) watch: bool,
    /// Exit with 4 if rows have one of these outcomes at the end
    #[arg(long, value_name = "OUTCOME,...", value_delimiter = ',', value_parser = failures(), requires = "watch")]
    pub(super) fail_on: Vec<Outcome>,
    #[command(flatten)]
    pub(super) control: Control,
}

/// The options of `efface jobs start`.
#[derive(Args)]
pub struct Start {
    /// Do not start before this time, at most 30 days ahead; until then the job can be cancelled
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    pub(super) start_at: Option<Time>,
    #[command(flatten)]
    pub(super) control: Control,
}

/// The options of `efface jobs approve`.
#[derive(Args)]
pub struct Approve {
    /// Do not start before this time, at most 30 days ahead; until then the job can be cancelled
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    pub(super) start_at: Option<Time>,
    /// Approve without showing the job and asking for confirmation
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) control: Control,
}

/// The options of `efface jobs redrive`.
#[derive(Args)]
pub struct Redrive {
    /// Delete what the failed rows name without asking for confirmation
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) control: Control,
}

/// The options of the commands that control a job.
#[derive(Args)]
pub struct Control {
    /// The job's id
    pub(super) job: String,
    /// The options for the API.
    #[command(flatten)]
    pub(super) api: ApiOptions,
}

/// A parser for an outcome that can be a failure: any but `deleted`.
pub(crate) fn failures() -> impl TypedValueParser<Value = Outcome> {
    one_of(Outcome::ALL.into_iter().filter(|outcome| *outcome != Outcome::Deleted).map(Outcome::as_str))
}

/// A parser for one of a fixed set of values.
fn one_of<T>(values: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = BadId> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(values).try_map(|value| value.parse())
}

impl JobsCommand {
    /// Whether the command handles Ctrl-C and SIGTERM itself.
    pub(crate) fn handles_interrupts(&self) -> bool {
        matches!(
            self,
            Self::Status(Status { watch: true, .. })
                | Self::Execute(Execute { watch: true, .. })
                | Self::Wait(_)
                | Self::Report(_)
        )
    }
}
