//! `efface jobs`: lists, shows and controls deletion jobs.

mod args;
mod ending;
mod extent;
mod follow;
mod halt;
mod job;
mod lag;
mod list;
mod mine;
mod phase;
mod stop;
mod wait;

use efface_core::job::{JobState, Outcome};
use serde_json::{Value, json};

use crate::{
    CliError, Interrupts, Output,
    api::{Api, ApiOptions, ApiRequest, encoded, idempotency_key},
    confirm::{self, Question},
    exit,
    output::{note, printable},
    progress_bar::Bar,
    settings::Settings,
};
use args::{Approve, Execute, Redrive, Start};
pub(crate) use args::{JobsCommand, failures};
pub(crate) use ending::{exit_code, explained, plan_exit_code, request_exit_code};
pub(crate) use follow::Until;
pub(crate) use halt::Halt;
pub(crate) use job::{Counts, Job, JobResponse, Plan, count_row};
pub(crate) use list::RowOutcome;
pub(crate) use stop::{command, nothing_sent};

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
            let watch = Watch { until: Until::Final, fail_on: &status.fail_on, as_json: settings.global.json };
            return open(&status.api)?.watch(&status.job, &watch, interrupts).await;
        }
        JobsCommand::Status(status) => {
            let jobs = open(&status.api)?;
            return Ok(job_output(&jobs.with_halt(jobs.job(&status.job).await?).await, 0));
        }
        JobsCommand::Report(report) => return report.run(settings, interrupts).await,
        JobsCommand::Wait(wait) => return open(&wait.api)?.wait(wait, interrupts).await,
        JobsCommand::Events(control) => return open(&control.api)?.events(control).await,
        JobsCommand::Approve(approve) => {
            let jobs = open(&approve.control.api)?;
            let mut members = None;
            if !approve.yes {
                let job = jobs.ask_for_approval(&approve.control.job).await?;
                note(format!("{}\n", job.text()));
                confirm::ask(job.approval(&jobs.api)).await?;
                members = job.expected_members();
            }
            return Ok(job_output(&jobs.approve(approve, members).await?, 0));
        }
        JobsCommand::Execute(execute) => {
            return open(&execute.control.api)?.execute(execute, interrupts, settings.global.json).await;
        }
        JobsCommand::Start(Start { start_at, control }) => {
            let body = given([("start_at", json!(start_at))]);
            let job = open(&control.api)?.control_with(&control.job, "start", &body).await?;
            return Ok(job_output(&job, request_exit_code(&job)));
        }
        JobsCommand::Reject(control) => (control, "reject"),
        JobsCommand::Pause(control) => (control, "pause"),
        JobsCommand::Resume(control) => (control, "resume"),
        JobsCommand::Cancel(control) => (control, "cancel"),
        JobsCommand::Redrive(redrive) => return open(&redrive.control.api)?.redrive(redrive).await,
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
    async fn execute(&self, execute: &Execute, interrupts: &Interrupts, as_json: bool) -> Result<Output, CliError> {
        // Once the request was sent there may be a job, so only waiting for its end is stopped.
        let job = tokio::select! {
            job = self.execute_plan(execute) => job?,
            () = interrupts.reached(1) => return Ok(self.maybe_executed()),
        };
        if !execute.watch {
            return Ok(job_output(&job, request_exit_code(&job)));
        }
        let watch = Watch { until: Until::FinalOrWaiting, fail_on: &execute.fail_on, as_json };
        self.watch(&job.id, &watch, interrupts).await
    }

    async fn execute_plan(&self, execute: &Execute) -> Result<Job, CliError> {
        let id = &execute.control.job;
        if !execute.yes {
            confirm::require_terminal(false)?;
            let job = self.job(id).await?;
            let Some(plan) = job.plan.clone().filter(|_| job.is_executable()) else {
                let text = "the job is no completed dry run that deletes profiles".to_owned();
                return Err(CliError::WrongJob(text));
            };
            note(format!("{}\n", plan.text()));
            let what = format!("the profiles that the dry run {} found", printable(id));
            confirm::ask(Question::delete(&self.api, &what, &plan.extent("profile"))).await?;
        }
        let path = self.api.path(&format!("deletion_jobs/{}/execute", encoded(id)));
        let body = json!({"start_at": execute.start_at, "max_deletions": execute.max_deletions});
        let request = ApiRequest::post(path, body.to_string()).with_key(idempotency_key(None)?);
        Ok(self.api.request::<JobResponse>(&request).await.map_err(CliError::without_key)?.job)
    }

    /// The output of a run that was stopped when its request may have been sent.
    fn maybe_executed(&self) -> Output {
        let text = format!(
            "stopped; if the plan was confirmed there may be a job already, which continues. To see it:\n  \
             efface jobs list --space {}",
            self.api.space()
        );
        Output { text, json: json!({"interrupted": true, "job_id": null}), exit: exit::INTERRUPTED }
    }

    /// Follows a job, and says its id at once. Ctrl-C stops waiting, not the job.
    async fn watch(&self, id: &str, watch: &Watch<'_>, interrupts: &Interrupts) -> Result<Output, CliError> {
        let (bar, mut last) = (Bar::of_job(id, "rows", watch.as_json), None);
        bar.note(&format!("following the job {}", printable(id)));
        tokio::select! {
            job = self.follow(id, watch.until, &bar, &mut last) => {
                let job = job?;
                return Ok(explained(job_output(&job, exit_code(&job, watch.fail_on)), watch.fail_on));
            }
            () = interrupts.reached(1) => {}
        }
        let unknown = || {
            let text = format!("the job {} continues", printable(id));
            Output { text, json: json!({"job": null}), exit: exit::INTERRUPTED }
        };
        Ok(last.map_or_else(unknown, |job| job_output(&job, exit::INTERRUPTED)))
    }

    /// Runs the failed rows of a job again, after that was confirmed where it deletes.
    async fn redrive(&self, redrive: &Redrive) -> Result<Output, CliError> {
        let id = &redrive.control.job;
        let question = if redrive.yes { None } else { self.job(id).await?.redrive(&self.api) };
        if let Some(question) = question {
            confirm::require_terminal(false)?;
            confirm::ask(question).await?;
        }
        Ok(job_output(&self.control(id, "redrive").await?, 0))
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
    async fn approve(
        &self,
        Approve { start_at, control, .. }: &Approve,
        members: Option<u64>,
    ) -> Result<Job, CliError> {
        let body = given([("expected_members", json!(members)), ("start_at", json!(start_at))]);
        self.control_with(&control.job, "approve", &body).await
    }

    async fn control_with(&self, id: &str, verb: &str, body: &Value) -> Result<Job, CliError> {
        let path = self.api.path(&format!("deletion_jobs/{}/{verb}", encoded(id)));
        let request = ApiRequest::post(path, body.to_string()).with_key(idempotency_key(None)?);
        Ok(self.api.request::<JobResponse>(&request).await.map_err(CliError::without_key)?.job)
    }
}

/// An object of the fields that have a value.
fn given<const N: usize>(fields: [(&str, Value); N]) -> Value {
    fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// How the plan of a dry run is executed, to be appended to it.
pub(crate) fn execute_text(job: &str) -> String {
    format!("\n\nTo delete just that, within 7 days: {}", command("execute", job))
}

/// How a job is followed.
struct Watch<'a> {
    until: Until,
    fail_on: &'a [Outcome],
    as_json: bool,
}

fn job_output(job: &Job, exit: u8) -> Output {
    Output { text: job.text(), json: job.json(), exit }
}
