//! The command lines of `efface jobs`.

use std::str::FromStr;

use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use efface_core::{
    job::{JobState, Outcome},
    profile::BadId,
};

use crate::api::ApiOptions;

/// What to do with jobs.
#[derive(Subcommand)]
pub enum JobsCommand {
    /// List jobs, and the counts of all that match
    List(ListJobs),
    /// Show how far a job is
    Status(Status),
    /// List what became of each row
    Outcomes(Outcomes),
    /// Start a job whose pages are all sent
    #[command(after_help = "Example:\n  efface jobs start job_123 --space spa_demo")]
    Start(Control),
    /// Let a job stand still; what is in flight is finished
    #[command(after_help = "Example:\n  efface jobs pause job_123 --space spa_demo")]
    Pause(Control),
    /// Let a paused job go on
    #[command(after_help = "Example:\n  efface jobs resume job_123 --space spa_demo")]
    Resume(Control),
    /// End a job; what is deleted stays deleted
    #[command(after_help = "Example:\n  efface jobs cancel job_123 --space spa_demo")]
    Cancel(Control),
    /// Try the failed rows of a job again
    #[command(after_help = "Example:\n  efface jobs redrive job_123 --space spa_demo")]
    Redrive(Control),
}

/// The jobs that are listed.
#[derive(Args)]
#[command(after_help = "Example:\n  efface jobs list --space spa_demo --state running")]
pub struct ListJobs {
    /// Only those of this group, such as the pages of one workflow's run
    #[arg(long, value_name = "LABEL")]
    pub(super) group: Option<String>,
    /// Only those in this state
    #[arg(long, value_name = "STATE", value_parser = word::<JobState>(JobState::ALL.map(JobState::as_str)))]
    pub(super) state: Option<JobState>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: u64,
    /// The way to the API.
    #[command(flatten)]
    pub(super) api: ApiOptions,
}

const STATUS_HELP: &str = "\
Example:
  efface jobs status job_123 --space spa_demo --watch

Exit codes of --watch beside the usual ones:
  1    the job ended with failed rows, or was cancelled
  130  stopped by Ctrl-C; the job goes on";

/// The job that is shown.
#[derive(Args)]
#[command(after_help = STATUS_HELP)]
pub struct Status {
    /// The job's id
    pub(super) job: String,
    /// Wait until it ends; Ctrl-C stops the waiting, not the job
    #[arg(long)]
    pub(super) watch: bool,
    /// The way to the API.
    #[command(flatten)]
    pub(super) api: ApiOptions,
}

/// The rows that are listed.
#[derive(Args)]
#[command(after_help = "Example:\n  efface jobs outcomes job_123 --space spa_demo --outcome failed --csv")]
pub struct Outcomes {
    /// The job's id
    pub(super) job: String,
    /// Only rows with this outcome
    #[arg(long, value_name = "OUTCOME", value_parser = word::<Outcome>(Outcome::ALL.map(Outcome::as_str)))]
    pub(super) outcome: Option<Outcome>,
    /// As comma-separated values with a header
    #[arg(long)]
    pub(super) csv: bool,
    /// The way to the API.
    #[command(flatten)]
    pub(super) api: ApiOptions,
}

/// The job that is controlled.
#[derive(Args)]
pub struct Control {
    /// The job's id
    pub(super) job: String,
    /// The way to the API.
    #[command(flatten)]
    pub(super) api: ApiOptions,
}

/// One of the words of the contract.
fn word<T>(words: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = BadId> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| word.parse())
}

impl JobsCommand {
    /// Whether it sees to Ctrl-C itself.
    pub(crate) fn waits(&self) -> bool {
        matches!(self, Self::Status(Status { watch: true, .. }))
    }
}
