//! `efface jobs`: lists, shows and controls deletion jobs.

mod args;
mod follow;
mod job;
mod lag;
mod list;
mod phase;
mod stop;
mod wait;

use efface_core::job::JobState;
use serde_json::{Value, json};

use crate::{
    CliError, Interrupts, Output,
    api::{Api, ApiOptions, ApiRequest, encoded, idempotency_key},
    confirm,
    output::{note, printable},
    progress_bar::Bar,
    settings::Settings,
};
use args::Execute;
pub(crate) use args::JobsCommand;
pub(crate) use follow::Until;
pub(crate) use job::{Job, JobResponse, Plan, count_row};
pub(crate) use stop::nothing_sent;

/// The deletion jobs of a space.
pub(crate) struct Jobs {
    pub(crate) api: Api,
}

pub(crate) async fn run(
    command: &JobsCommand,
    settings: &Settings<'_>,
    interrupts: &Interrupts,
) -> Result<Output, CliError> {
    let open = |api: &ApiOptions| Ok::<_, CliError>(Jobs { api: Api::open(api, settings)? });
    let (control, verb) = match command {
        JobsCommand::List(list) => return open(&list.api)?.list(list).await,
        JobsCommand::Outcomes(outcomes) => return open(&outcomes.api)?.outcomes(outcomes).await,
        JobsCommand::Status(status) if status.watch => {
            let bar = Bar::start("rows", settings.global.json);
            return watch(&open(&status.api)?, &status.job, &bar, interrupts).await;
        }
        JobsCommand::Status(status) => return Ok(job_output(&open(&status.api)?.job(&status.job).await?, 0)),
        JobsCommand::Wait(wait) => return open(&wait.api)?.wait(wait, interrupts).await,
        JobsCommand::Events(control) => return open(&control.api)?.events(control).await,
        JobsCommand::Approve(approve) => {
            let jobs = open(&approve.control.api)?;
            let mut members = None;
            if !approve.yes {
                let job = jobs.ask_for_approval(&approve.control.job).await?;
                note(format!("{}\n", job.text()));
                confirm::ask(approval_question(&job)).await?;
                members = job.expected_members();
            }
            return Ok(job_output(&jobs.approve(&approve.control.job, members).await?, 0));
        }
        JobsCommand::Execute(execute) => return open(&execute.control.api)?.execute(execute).await,
        JobsCommand::Reject(control) => (control, "reject"),
        JobsCommand::Start(control) => (control, "start"),
        JobsCommand::Pause(control) => (control, "pause"),
        JobsCommand::Resume(control) => (control, "resume"),
        JobsCommand::Cancel(control) => (control, "cancel"),
        JobsCommand::Redrive(control) => (control, "redrive"),
    };
    Ok(job_output(&open(&control.api)?.control(&control.job, verb).await?, 0))
}

impl Jobs {
    /// The current state of a job.
    pub(crate) async fn job(&self, id: &str) -> Result<Job, CliError> {
        let request = ApiRequest::get(self.api.path(&format!("deletion_jobs/{}", encoded(id))));
        Ok(self.api.request::<JobResponse>(&request).await?.job)
    }

    /// Executes the plan of a dry run, after it was shown and confirmed.
    async fn execute(&self, execute: &Execute) -> Result<Output, CliError> {
        let id = &execute.control.job;
        if !execute.yes {
            confirm::require_terminal(false)?;
            let job = self.job(id).await?;
            let Some(plan) = job.plan.clone().filter(|_| job.is_executable()) else {
                let text = "the job is no completed dry run that deletes profiles".to_owned();
                return Err(CliError::WrongJob(text));
            };
            note(format!("{}\n", plan.text()));
            confirm::ask(format!("Permanently delete these {} profiles?", plan.profiles)).await?;
        }
        let path = self.api.path(&format!("deletion_jobs/{}/execute", encoded(id)));
        let body = json!({"start_at": execute.start_at, "max_deletions": execute.max_deletions});
        let request = ApiRequest::post(path, body.to_string()).with_key(idempotency_key(None)?);
        let job = self.api.request::<JobResponse>(&request).await.map_err(CliError::without_key)?.job;
        Ok(job_output(&job, 0))
    }

    /// The job that somebody is asked to approve. There must be a terminal to ask on.
    async fn ask_for_approval(&self, id: &str) -> Result<Job, CliError> {
        confirm::require_terminal(false)?;
        let job = self.job(id).await?;
        if job.state != JobState::AwaitingApproval {
            let text = format!("the job is {}, and awaits no approval", job.state.as_str());
            return Err(CliError::WrongJob(text));
        }
        Ok(job)
    }

    /// Starts, rejects, pauses, resumes, cancels or redrives a job. Without effect if the job is in that state already.
    pub(crate) async fn control(&self, id: &str, verb: &str) -> Result<Job, CliError> {
        self.control_with(id, verb, &json!({})).await
    }

    /// Approves a job, for so many members of its segment where somebody has seen that number.
    async fn approve(&self, id: &str, members: Option<u64>) -> Result<Job, CliError> {
        let body = members.map_or_else(|| json!({}), |members| json!({ "expected_members": members }));
        self.control_with(id, "approve", &body).await
    }

    async fn control_with(&self, id: &str, verb: &str, body: &Value) -> Result<Job, CliError> {
        let path = self.api.path(&format!("deletion_jobs/{}/{verb}", encoded(id)));
        let request = ApiRequest::post(path, body.to_string()).with_key(idempotency_key(None)?);
        Ok(self.api.request::<JobResponse>(&request).await.map_err(CliError::without_key)?.job)
    }
}

/// What somebody is asked who is to approve a job.
fn approval_question(job: &Job) -> String {
    match (job.segment_id(), job.expected_rows()) {
        (Some(segment), Some(members)) => {
            format!("Approve that this job permanently deletes the {members} users of the segment {segment}?")
        }
        (Some(segment), None) => {
            format!("Approve that this job permanently deletes all users of the segment {segment}?")
        }
        (None, _) => format!("Approve that this job permanently deletes what its {} rows name?", job.rows),
    }
}

/// How the plan of a dry run is executed, to be appended to it.
pub(crate) fn execute_text(job: &str) -> String {
    format!("\n\nTo delete just that, within 7 days: efface jobs execute {}", printable(job))
}

async fn watch(jobs: &Jobs, id: &str, bar: &Bar, interrupts: &Interrupts) -> Result<Output, CliError> {
    let mut last = None;
    tokio::select! {
        job = jobs.follow(id, Until::Final, bar, &mut last) => {
            let job = job?;
            return Ok(job_output(&job, exit_code(&job)));
        }
        () = interrupts.reached(1) => {}
    }
    match last {
        Some(job) => Ok(job_output(&job, 130)),
        None => Ok(Output { text: format!("the job {id} continues"), json: json!({"job": null}), exit: 130 }),
    }
}

/// The exit code of a job: 0 if it is completed and no row failed, or if it waits for its time, otherwise 1.
pub(crate) fn exit_code(job: &Job) -> u8 {
    u8::from(job.counts.failed > 0 || !matches!(job.state, JobState::Completed | JobState::Scheduled))
}

fn job_output(job: &Job, exit: u8) -> Output {
    Output { text: job.text(), json: json!({"job": job}), exit }
}
