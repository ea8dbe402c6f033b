//! One run of `efface bulk`: its steps, and what happens to the job if a step fails.

use std::cell::RefCell;

use efface_core::job::JobState;
use serde_json::{json, value::RawValue};

use super::{
    Action, Bulk,
    not_found::NotFoundRows,
    send::{Accepted, NewJob},
};
use crate::{
    CliError, Interrupts, Output,
    api::idempotency_key,
    confirm::{self, Question},
    jobs::{self, Job, Jobs, Plan, Until, nothing_sent},
    output::{note, printable},
    progress_bar::Bar,
    rows::{Rejections, Source},
};

/// How far a run has come. It decides what Ctrl-C and SIGTERM do.
#[derive(Debug, Clone)]
enum Stage {
    /// There is no job yet.
    NoJob,
    /// The job with this id is a dry run. It can be cancelled at any time.
    DryRun(String),
    /// This run has not started the job with this id. Another run with the same idempotency key may have.
    Open(String),
    /// The job with this id was started, or the request to start it was sent.
    Started(String),
}

/// The state of one run.
pub(super) struct Run<'a> {
    bulk: &'a Bulk,
    jobs: &'a Jobs,
    source: &'a Source,
    key: String,
    as_json: bool,
    stage: RefCell<Stage>,
    /// The id of the last job that was made, dry runs included.
    last_job: RefCell<Option<String>>,
}

/// A dry run that is completed.
struct Planned {
    /// Its id, by which it can be executed.
    job: Option<String>,
    plan: Plan,
    rejections: Rejections,
    not_found: NotFoundRows,
}

impl<'a> Run<'a> {
    pub(super) fn new(bulk: &'a Bulk, jobs: &'a Jobs, source: &'a Source, key: String, as_json: bool) -> Self {
        let (stage, last_job) = (RefCell::new(Stage::NoJob), RefCell::new(None));
        Self { bulk, jobs, source, key, as_json, stage, last_job }
    }

    /// The id of the last job that was made, dry runs included.
    pub(super) fn last_job(&self) -> Option<String> {
        self.last_job.borrow().clone()
    }

    /// Runs to the end, or until the user interrupts it.
    pub(super) async fn run_until(&self, interrupts: &Interrupts) -> Result<Output, CliError> {
        let result = tokio::select! {
            result = self.run() => result,
            () = interrupts.reached(1) => return Ok(self.interrupted(interrupts).await),
        };
        match (result, self.stage()) {
            // A repetition would be rejected too, so the job is of no use, unless another run shares it by its key.
            (Err(error @ CliError::Api(_)), Stage::Open(id) | Stage::DryRun(id)) if self.is_exclusive() => {
                _ = self.jobs.control(&id, "cancel").await;
                Err(error)
            }
            (Err(error @ CliError::TooManyInvalid { .. }), Stage::Open(id) | Stage::DryRun(id)) => {
                match self.jobs.cancel_unstarted(&id, true).await {
                    // An earlier run with the same key has allowed more.
                    Some(false) => Err(CliError::WrongJob(format!("an earlier run has started the job {id} already"))),
                    _ => Err(error),
                }
            }
            (Err(error), Stage::Open(id) | Stage::Started(id)) => Err(error.with_job(&id, &self.key)),
            (result, _) => result,
        }
    }

    /// What Ctrl-C does at the stage that the run has reached.
    async fn interrupted(&self, interrupts: &Interrupts) -> Output {
        match self.stage() {
            Stage::NoJob => nothing_sent(),
            Stage::Started(id) => Jobs::continues(&id, &self.key),
            Stage::DryRun(id) => self.jobs.stop_unstarted(&id, false, &self.key, interrupts).await,
            Stage::Open(id) => self.jobs.stop_unstarted(&id, true, &self.key, interrupts).await,
        }
    }

    async fn run(&self) -> Result<Output, CliError> {
        if self.bulk.dry_run || !self.bulk.yes {
            let planned = self.plan().await.map_err(CliError::without_key)?;
            self.set_stage(Stage::NoJob);
            if self.bulk.dry_run {
                return Ok(planned.output(self.bulk));
            }
            let Planned { plan, rejections, not_found, .. } = planned;
            note(format!("{}{}{}\n", plan.text(), not_found.text(), rejections.text()));
            let what = confirm::named_by(self.source.rows, &self.bulk.file.display().to_string());
            let kind = if self.bulk.action == Action::DeleteIdentifier { "identifier" } else { "profile" };
            confirm::ask(Question::delete(&self.jobs.api, &what, &plan.extent(kind))).await?;
        }
        let no_rows = raw("[]".to_owned())?;
        let new = NewJob { open: true, ..self.new_job(&no_rows) };
        let (job, rejections) = self.send(&new, self.key.clone()).await?;
        let job = self.start(&job).await?;
        let job = if self.bulk.no_wait { job } else { self.follow(&job.id, "rows").await? };
        Ok(self.output(&job, &rejections))
    }

    /// Makes the dry run: with one request if all rows fit into one page, otherwise as a job.
    async fn plan(&self) -> Result<Planned, CliError> {
        let key = idempotency_key(None)?;
        if self.source.pages == 1 {
            let page = self.source.pages(1).recv().await.ok_or(CliError::Unexpected("the page could not be made"))?;
            let rows = raw(page.rows.clone())?;
            let new = self.dry_run(&rows);
            let mut accepted = self.jobs.create(&new, key).await?;
            let (job, plan) = (accepted.job.take(), accepted.plan.take());
            self.last_job.replace(job.as_ref().map(|job| job.id.clone()));
            let rejections = Rejections::of_one_page(self.source, &page, accepted.rejected);
            rejections.require(self.bulk.max_invalid, self.source, &self.bulk.file)?;
            return match (plan, job) {
                (Some(mut plan), job) => {
                    let job = job.map(|job| job.id);
                    let not_found = NotFoundRows::of(self.jobs, job.as_deref(), &mut plan, self.source).await;
                    Ok(Planned { job, plan, rejections, not_found })
                }
                (None, Some(job)) => self.planned(job, rejections).await,
                (None, None) => Err(CliError::Unexpected("a dry run has neither plan nor job")),
            };
        }
        let no_rows = raw("[]".to_owned())?;
        let new = NewJob { open: true, ..self.dry_run(&no_rows) };
        let (job, rejections) = self.send(&new, key).await?;
        let job = self.jobs.control(&job, "start").await?;
        self.planned(job, rejections).await
    }

    /// Follows a dry run that is a job to its end.
    async fn planned(&self, job: Job, rejections: Rejections) -> Result<Planned, CliError> {
        self.set_stage(Stage::DryRun(job.id.clone()));
        let mut job = self.follow(&job.id, "rows looked up").await?;
        let Some(mut plan) = job.plan.take() else {
            // Somebody else has paused or cancelled it.
            let (id, state) = (&job.id, job.state.as_str());
            return Err(CliError::Held(format!("the dry run {id} is {state}, and has no plan; nothing was deleted")));
        };
        let not_found = NotFoundRows::of(self.jobs, Some(&job.id), &mut plan, self.source).await;
        Ok(Planned { job: Some(job.id), plan, rejections, not_found })
    }

    /// Creates a job and sends all pages.
    async fn send(&self, new: &NewJob<'_>, key: String) -> Result<(String, Rejections), CliError> {
        let Accepted { job: Some(job), .. } = self.jobs.create(new, key).await? else {
            return Err(CliError::Unexpected("a response has no job"));
        };
        let id = job.id.clone();
        self.set_stage(if new.dry_run { Stage::DryRun(id) } else { Stage::Open(id) });
        let bar = Bar::of_job(&job.id, "rows sent", self.as_json);
        let what = if new.dry_run { "dry run: the job" } else { "the job" };
        bar.note(&format!("{what} {} takes the rows of the file", printable(&job.id)));
        let rejections = self.jobs.send_pages(&job.id, self.source, self.bulk.parallelism.into(), &bar).await?;
        rejections.require(self.bulk.max_invalid, self.source, &self.bulk.file)?;
        Ok((job.id, rejections))
    }

    /// Starts the job. An earlier run with the same idempotency key may have started it already.
    async fn start(&self, id: &str) -> Result<Job, CliError> {
        self.set_stage(Stage::Started(id.to_owned()));
        match self.jobs.control(id, "start").await {
            Err(CliError::Api(error)) if error.code == "invalid_state" => {
                let job = self.jobs.job(id).await?;
                if job.state == JobState::Open { Err(error.into()) } else { Ok(job) }
            }
            result => result,
        }
    }

    async fn follow(&self, id: &str, unit: &str) -> Result<Job, CliError> {
        self.jobs.follow(id, Until::FinalOrWaiting, &Bar::of_job(id, unit, self.as_json), &mut None).await
    }

    fn output(&self, job: &Job, rejections: &Rejections) -> Output {
        let fail_on = &self.bulk.fail_on;
        let exit = if self.bulk.no_wait { jobs::request_exit_code(job) } else { jobs::exit_code(job, fail_on) };
        let mut json = job.json();
        json["rejected"] = rejections.json();
        json["rejected_groups"] = rejections.groups_json();
        json["rejected_total"] = rejections.total().into();
        json["idempotency_key"] = self.key.as_str().into();
        let text = format!("{}{}{}", job.text(), rejections.text(), job.failed_text());
        jobs::explained(Output { text, json, exit }, fail_on)
    }

    fn new_job<'r>(&'r self, rows: &'r RawValue) -> NewJob<'r> {
        let (group, start_at) = (self.bulk.group.as_deref(), self.bulk.start_at);
        let (action, max_deletions) = (self.bulk.action, self.bulk.max_deletions);
        NewJob { action, rows, group, max_deletions, start_at, dry_run: false, open: false }
    }

    fn dry_run<'r>(&'r self, rows: &'r RawValue) -> NewJob<'r> {
        NewJob { dry_run: true, group: None, max_deletions: None, start_at: None, ..self.new_job(rows) }
    }

    /// Whether no other run can use the job: the key is new, or the job is a dry run.
    fn is_exclusive(&self) -> bool {
        self.bulk.idempotency_key.is_none() || matches!(self.stage(), Stage::DryRun(_))
    }

    fn stage(&self) -> Stage {
        self.stage.borrow().clone()
    }

    fn set_stage(&self, stage: Stage) {
        if let Stage::DryRun(id) | Stage::Open(id) | Stage::Started(id) = &stage {
            self.last_job.replace(Some(id.clone()));
        }
        self.stage.replace(stage);
    }
}

fn raw(rows: String) -> Result<Box<RawValue>, CliError> {
    RawValue::from_string(rows).map_err(|_| CliError::Unexpected("the rows are not JSON"))
}

impl Planned {
    fn output(&self, bulk: &Bulk) -> Output {
        let Self { job, plan, rejections, not_found } = self;
        let json = json!({"dry_run": true, "job_id": job, "plan": plan, "not_found": not_found.json(),
            "near_misses": not_found.near_misses_json(), "rejected": rejections.json(),
            "rejected_groups": rejections.groups_json(), "rejected_total": rejections.total()});
        let execute = job.as_ref().filter(|_| plan.profiles > 0 && bulk.action == Action::DeleteProfile);
        let execute = execute.map(|job| jobs::execute_text(job));
        let text = format!("{}{}{}", plan.text(), not_found.text(), rejections.text());
        let (text, exit) = (text + &execute.unwrap_or_default(), jobs::plan_exit_code(plan, &bulk.fail_on));
        jobs::explained(Output { text, json, exit }, &bulk.fail_on)
    }
}
