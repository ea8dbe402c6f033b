//! `efface jobs`: what runs, how far it is, what became of each row, and control over it.

mod args;
mod follow;
mod job;
mod list;

use efface_core::job::JobState;
use serde_json::json;

use crate::{
    Answer, CliError, Interrupts,
    api::{Api, ApiOptions, Call, encoded, idempotency_key},
    bar::Bar,
    settings::Settings,
};
pub(crate) use args::JobsCommand;
pub(crate) use follow::Until;
use job::JobAnswer;
pub(crate) use job::{Job, Plan};

/// The jobs of a space.
pub(crate) struct Jobs {
    pub(crate) api: Api,
}

pub(crate) async fn run(
    command: &JobsCommand,
    settings: &Settings<'_>,
    interrupts: &Interrupts,
) -> Result<Answer, CliError> {
    let open = |api: &ApiOptions| Ok::<_, CliError>(Jobs { api: Api::open(api, settings)? });
    let (control, verb) = match command {
        JobsCommand::List(list) => return open(&list.api)?.list(list).await,
        JobsCommand::Outcomes(outcomes) => return open(&outcomes.api)?.outcomes(outcomes).await,
        JobsCommand::Status(status) if status.watch => {
            let bar = Bar::start("rows", settings.global.json);
            return watch(&open(&status.api)?, &status.job, &bar, interrupts).await;
        }
        JobsCommand::Status(status) => return Ok(answer(&open(&status.api)?.job(&status.job).await?, 0)),
        JobsCommand::Start(control) => (control, "start"),
        JobsCommand::Pause(control) => (control, "pause"),
        JobsCommand::Resume(control) => (control, "resume"),
        JobsCommand::Cancel(control) => (control, "cancel"),
        JobsCommand::Redrive(control) => (control, "redrive"),
    };
    Ok(answer(&open(&control.api)?.control(&control.job, verb).await?, 0))
}

impl Jobs {
    /// A job as it is now.
    pub(crate) async fn job(&self, id: &str) -> Result<Job, CliError> {
        let call = Call::get(self.api.path(&format!("deletion_jobs/{}", encoded(id))));
        Ok(self.api.ask::<JobAnswer>(&call).await?.job)
    }

    /// Changes where a job is; where it is so already, nothing changes.
    pub(crate) async fn control(&self, id: &str, verb: &str) -> Result<Job, CliError> {
        let path = self.api.path(&format!("deletion_jobs/{}/{verb}", encoded(id)));
        let call = Call::post(path, "{}".to_owned()).with_key(idempotency_key(None)?);
        Ok(self.api.ask::<JobAnswer>(&call).await.map_err(CliError::without_key)?.job)
    }
}

async fn watch(jobs: &Jobs, id: &str, bar: &Bar, interrupts: &Interrupts) -> Result<Answer, CliError> {
    let mut last = None;
    tokio::select! {
        job = jobs.follow(id, Until::Final, bar, &mut last) => {
            let job = job?;
            return Ok(answer(&job, exit_code(&job)));
        }
        () = interrupts.reached(1) => {}
    }
    match last {
        Some(job) => Ok(answer(&job, 130)),
        None => Ok(Answer { text: format!("the job {id} goes on"), json: json!({"job": null}), exit: 130 }),
    }
}

/// What the end of a job means to a shell.
pub(crate) fn exit_code(job: &Job) -> u8 {
    u8::from(job.counts.failed > 0 || job.state != JobState::Completed)
}

fn answer(job: &Job, exit: u8) -> Answer {
    Answer { text: job.text(), json: json!({"job": job}), exit }
}
