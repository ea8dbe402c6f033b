//! `efface segments delete-users`: shows a plan, asks, makes the job that deletes all members, and follows it.

mod plan;

use std::cell::RefCell;

use efface_core::{
    job::{JobState, Outcome},
    time::Time,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Segments, args::DeleteUsers};
use crate::{
    CliError, Interrupts, Output,
    api::{ApiRequest, idempotency_key},
    confirm::{self, Question, how_much},
    exit, hints,
    jobs::{self, Job, JobResponse, Jobs, Plan, Until, nothing_sent},
    output::{note, printable},
    progress_bar::Bar,
};
use plan::DeletionPlan;

/// How far a run has come. It decides what Ctrl-C and SIGTERM do.
#[derive(Debug, Clone)]
enum Stage {
    /// Nothing is deleted.
    Planning,
    /// The job with this id is a dry run. It can be cancelled at any time.
    DryRun(String),
    /// The confirmed request was sent, so there may be a job.
    Requested,
    /// There is a job with this id.
    Started(String),
}

/// The body of the request. Without `confirm`, the API does nothing and responds with a plan.
#[derive(Debug, Default, Serialize)]
struct Request {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    confirm: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_members: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_deletions: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    auto_enable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_at: Option<Time>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

/// The response to a dry run: it has the plan if it was made at once.
#[derive(Deserialize)]
struct DryRun {
    job: Job,
    #[serde(default)]
    plan: Option<Plan>,
}

/// The state of one run.
struct Run<'a> {
    options: &'a DeleteUsers,
    segments: &'a Segments,
    key: String,
    stage: RefCell<Stage>,
}

/// Runs to the end, or until the user interrupts it.
pub(super) async fn run(
    options: &DeleteUsers,
    segments: &Segments,
    interrupts: &Interrupts,
) -> Result<Output, CliError> {
    let key = idempotency_key(options.idempotency_key.as_deref())?;
    if !options.yes && !options.plan_only {
        confirm::require_terminal(false)?;
    }
    let run = Run { options, segments, key, stage: RefCell::new(Stage::Planning) };
    let steps = async { if options.plan_only { run.plan_only().await } else { run.delete().await } };
    tokio::select! {
        result = steps => result,
        () = interrupts.reached(1) => Ok(run.interrupted(interrupts).await),
    }
}

impl Run<'_> {
    async fn delete(&self) -> Result<Output, CliError> {
        let plan = self.plan().await?;
        if let Some(plan) = plan.as_ref().filter(|_| !self.options.yes || !self.segments.as_json) {
            note(format!("{}\n", plan.text()));
        }
        if !self.options.yes {
            self.confirm(plan.as_ref()).await?;
        }
        let expected = self.options.expected_members.or_else(|| plan.as_ref()?.members);
        let repeat_with = expected.map(|members| format!(" --expected-members {members}")).unwrap_or_default();
        self.set_stage(Stage::Requested);
        let job = self.request(expected).await.map_err(|error| error.with_options(repeat_with.clone()))?;
        self.set_stage(Stage::Started(job.id.clone()));
        if !self.segments.as_json {
            note(format!("the job {} deletes the users", printable(&job.id)));
        }
        let job = if self.options.no_wait {
            job
        } else {
            let followed = self.follow(&job.id, "users").await;
            followed.map_err(|error| error.with_job(&job.id, &self.key).with_options(repeat_with))?
        };
        Ok(self.output(&job, plan.as_ref()))
    }

    /// Asks the API what would be deleted. `None` if a job is in progress that may be the one of an earlier run with the
    /// same key: the confirmed request tells whether it is.
    async fn plan(&self) -> Result<Option<DeletionPlan>, CliError> {
        let request = self.post(&Request { confirm: false, ..self.body() })?;
        match self.segments.api().send(&request).await {
            Ok(_) => Err(CliError::Unexpected("a deletion was accepted without a confirmation")),
            Err(CliError::Api(error)) if error.code == "job_in_progress" && self.options.idempotency_key.is_some() => {
                Ok(None)
            }
            Err(CliError::Api(error)) => DeletionPlan::of_error(&error).map(Some).ok_or(CliError::Api(error)),
            Err(error) => Err(error),
        }
    }

    async fn confirm(&self, plan: Option<&DeletionPlan>) -> Result<(), CliError> {
        let segment = self.segments.segment(&self.options.one.segment, false).await?;
        let what = format!("all users of the segment {}, with what was merged with them", segment.id);
        let members = self.options.expected_members.or_else(|| plan?.members);
        let how_much = members.map_or_else(|| "not known".to_owned(), |members| how_much(&[(members, "profile")]));
        confirm::ask_for_name(Question::delete(self.segments.api(), &what, &how_much), segment.name).await
    }

    /// Sends the confirmed request.
    async fn request(&self, expected_members: Option<u64>) -> Result<Job, CliError> {
        let request = self.post(&Request { confirm: true, expected_members, ..self.body() })?;
        let request = request.with_key(self.key.clone());
        Ok(self.segments.api().request::<JobResponse>(&request).await?.job)
    }

    /// Makes the dry run, and shows its plan.
    async fn plan_only(&self) -> Result<Output, CliError> {
        let expected_members = self.options.expected_members;
        let body = Request { confirm: true, dry_run: true, expected_members, ..Request::default() };
        let request = self.post(&body)?.with_key(idempotency_key(None)?);
        let DryRun { job, plan } = self.segments.api().request(&request).await.map_err(CliError::without_key)?;
        self.set_stage(Stage::DryRun(job.id.clone()));
        let job = if plan.is_some() { job } else { self.follow_dry_run(&job.id).await? };
        let Some(plan) = plan.or_else(|| job.plan.clone()) else {
            // Somebody else has paused or cancelled it.
            let json = json!({"dry_run": true, "job_id": job.id, "plan": null});
            return Ok(Output { text: job.text(), json, exit: exit::HELD });
        };
        let execute = if plan.profiles > 0 { jobs::execute_text(&job.id) } else { String::new() };
        let (fail_on, json) = (&self.options.fail_on, json!({"dry_run": true, "job_id": job.id, "plan": plan}));
        let exit = jobs::plan_exit_code(&plan, fail_on);
        Ok(jobs::explained(Output { text: plan.text() + &execute, json, exit }, fail_on))
    }

    async fn follow_dry_run(&self, id: &str) -> Result<Job, CliError> {
        let followed = self.follow(id, "users looked up").await;
        followed.map_err(|error| error.with_job(id, &self.key).without_key())
    }

    async fn follow(&self, id: &str, unit: &str) -> Result<Job, CliError> {
        let bar = Bar::of_job(id, unit, self.segments.as_json);
        self.segments.jobs.follow(id, Until::FinalOrWaiting, &bar, &mut None).await
    }

    fn output(&self, job: &Job, plan: Option<&DeletionPlan>) -> Output {
        let approve = if job.state == JobState::AwaitingApproval {
            format!("\n\nTo let it go on, with another token: {}", jobs::command("approve", &job.id))
        } else {
            String::new()
        };
        let fail_on = &self.options.fail_on;
        let exit = if self.options.no_wait { jobs::request_exit_code(job) } else { exit_code(job, fail_on) };
        let mut json = job.json();
        json["plan"] = json!(plan);
        json["idempotency_key"] = self.key.as_str().into();
        let text = format!("{}{}{approve}", job.text(), job.failed_text());
        jobs::explained(Output { text, json, exit }, fail_on)
    }

    /// What Ctrl-C does at the stage that the run has reached.
    async fn interrupted(&self, interrupts: &Interrupts) -> Output {
        let (jobs, stage) = (&self.segments.jobs, self.stage.borrow().clone());
        match stage {
            Stage::Planning => nothing_sent(),
            Stage::DryRun(id) => jobs.stop_unstarted(&id, false, &self.key, interrupts).await,
            Stage::Started(id) => Jobs::continues(&id, &self.key),
            Stage::Requested => {
                let segment = printable(&self.options.one.segment);
                let show = hints::api_command(format_args!("segments show {}", hints::quoted(&segment)));
                let text = format!("stopped; there may be a job already, which continues. To see it:\n  {show}");
                let json = json!({"interrupted": true, "job_id": null, "idempotency_key": self.key});
                Output { text, json, exit: exit::INTERRUPTED }
            }
        }
    }

    /// What the request says beside the confirmation.
    fn body(&self) -> Request {
        let DeleteUsers { max_deletions, auto_enable, start_at, .. } = *self.options;
        Request { max_deletions, auto_enable, start_at, ..Request::default() }
    }

    fn post(&self, request: &Request) -> Result<ApiRequest, CliError> {
        let body = serde_json::to_string(request).map_err(|_| CliError::Unexpected("the request is not JSON"))?;
        Ok(ApiRequest::post(self.segments.path(&self.options.one.segment, "/delete_users"), body))
    }

    fn set_stage(&self, stage: Stage) {
        self.stage.replace(stage);
    }
}

/// 0 only if everybody is deleted, nobody was there, or the job waits for its time.
fn exit_code(job: &Job, fail_on: &[Outcome]) -> u8 {
    let is_incomplete = matches!(job.verdict.as_deref(), Some("partial" | "stopped"));
    match jobs::exit_code(job, fail_on) {
        0 if is_incomplete => exit::FAILED,
        code => code,
    }
}
