//! One run, step by step, and what is left to do where it is stopped.

use std::cell::RefCell;

use efface_core::job::JobState;
use serde_json::{json, value::RawValue};

use super::{
    Bulk,
    send::{Accepted, NewJob, Rejections},
    source::Source,
};
use crate::{
    Answer, CliError, Interrupts,
    api::idempotency_key,
    bar::Bar,
    confirm,
    jobs::{self, Job, Jobs, Plan, Until},
    output::note,
};

/// How far a run is, for whoever stops it.
#[derive(Debug, Clone)]
pub(super) enum Stage {
    /// There is no job.
    Nothing,
    /// A dry run: whatever it does, it can be cancelled.
    Trial(String),
    /// A job that this run has not started. Under a key that was given, another run may have.
    Open(String),
    /// A job that deletes, or may.
    Started(String),
}

/// What a run needs to know while it runs.
pub(super) struct Run<'a> {
    bulk: &'a Bulk,
    pub(super) jobs: &'a Jobs,
    source: &'a Source,
    pub(super) key: String,
    is_for_programs: bool,
    stage: RefCell<Stage>,
}

impl<'a> Run<'a> {
    pub(super) fn new(bulk: &'a Bulk, jobs: &'a Jobs, source: &'a Source, key: String, is_for_programs: bool) -> Self {
        Self { bulk, jobs, source, key, is_for_programs, stage: RefCell::new(Stage::Nothing) }
    }

    /// Runs to the end, or until the user has enough of it.
    pub(super) async fn until(&self, interrupts: &Interrupts) -> Result<Answer, CliError> {
        let result = tokio::select! {
            result = self.run() => result,
            () = interrupts.reached(1) => return Ok(self.stop(interrupts).await),
        };
        match (result, self.stage()) {
            // A refused page will be refused again. Only a job of a key that was given may be of use to another run.
            (Err(error @ CliError::Refused(_)), Stage::Open(id) | Stage::Trial(id)) if self.is_ours() => {
                _ = self.jobs.control(&id, "cancel").await;
                Err(error)
            }
            (Err(error), Stage::Open(id) | Stage::Started(id)) => Err(error.about(&id, &self.key)),
            (result, _) => result,
        }
    }

    async fn run(&self) -> Result<Answer, CliError> {
        if self.bulk.dry_run || !self.bulk.yes {
            let (plan, rejections) = self.plan().await.map_err(CliError::without_key)?;
            self.at(Stage::Nothing);
            if self.bulk.dry_run {
                return Ok(plan_answer(&plan, &rejections));
            }
            note(format!("{}{}\n", plan.text(), rejections.text()));
            confirm::ask(format!("Delete what these {} rows name, for good?", self.source.rows)).await?;
        }
        let no_rows = raw("[]".to_owned())?;
        let new = NewJob { open: true, ..self.new_job(&no_rows) };
        let (job, rejections) = self.send(&new, self.key.clone()).await?;
        let job = self.start(&job).await?;
        let job = if self.bulk.no_wait { job } else { self.follow(&job.id, "rows").await? };
        Ok(self.answer(&job, &rejections))
    }

    /// What would be deleted: from one answer where all rows fit one page, from a job otherwise.
    async fn plan(&self) -> Result<(Plan, Rejections), CliError> {
        let key = idempotency_key(None)?;
        if self.source.pages == 1 {
            let page = self.source.pages(1).recv().await.ok_or(CliError::Unexpected("a page that is gone"))?;
            let rows = raw(page.rows.clone())?;
            let new = NewJob { dry_run: true, group: None, max_deletions: None, ..self.new_job(&rows) };
            let mut accepted = self.jobs.create(&new, key).await?;
            let (job, plan) = (accepted.job.take(), accepted.plan.take());
            let rejections = Rejections::of_one_page(self.source, &page, accepted);
            return Ok((self.plan_of(job, plan).await?, rejections));
        }
        let no_rows = raw("[]".to_owned())?;
        let new = NewJob { dry_run: true, open: true, group: None, max_deletions: None, ..self.new_job(&no_rows) };
        let (job, rejections) = self.send(&new, key).await?;
        let job = self.jobs.control(&job, "start").await?;
        Ok((self.plan_of(Some(job), None).await?, rejections))
    }

    async fn plan_of(&self, job: Option<Job>, plan: Option<Plan>) -> Result<Plan, CliError> {
        let plan = match (plan, job) {
            (None, Some(job)) => {
                self.at(Stage::Trial(job.id.clone()));
                self.follow(&job.id, "rows looked up").await?.plan
            }
            (plan, _) => plan,
        };
        plan.ok_or(CliError::Unexpected("a dry run without a plan"))
    }

    /// Makes a job and sends all pages.
    async fn send(&self, new: &NewJob<'_>, key: String) -> Result<(String, Rejections), CliError> {
        let Accepted { job: Some(job), .. } = self.jobs.create(new, key).await? else {
            return Err(CliError::Unexpected("an answer without a job"));
        };
        let id = job.id.clone();
        self.at(if new.dry_run { Stage::Trial(id) } else { Stage::Open(id) });
        let bar = Bar::start("rows sent", self.is_for_programs);
        let rejections = self.jobs.send_pages(&job.id, self.source, self.bulk.parallelism.into(), &bar).await?;
        Ok((job.id, rejections))
    }

    /// Starts the job. Under a key that was used before it may have been started long ago.
    async fn start(&self, id: &str) -> Result<Job, CliError> {
        self.at(Stage::Started(id.to_owned()));
        match self.jobs.control(id, "start").await {
            Err(CliError::Refused(refused)) if refused.code == "invalid_state" => {
                let job = self.jobs.job(id).await?;
                if job.state == JobState::Open { Err(refused.into()) } else { Ok(job) }
            }
            result => result,
        }
    }

    async fn follow(&self, id: &str, unit: &str) -> Result<Job, CliError> {
        self.jobs.follow(id, Until::Still, &Bar::start(unit, self.is_for_programs), &mut None).await
    }

    fn answer(&self, job: &Job, rejections: &Rejections) -> Answer {
        let exit = if self.bulk.no_wait { 0 } else { jobs::exit_code(job) };
        let failed = if job.counts.failed > 0 {
            format!("\n\nWhich rows failed: efface jobs outcomes {} --outcome failed", job.id)
        } else {
            String::new()
        };
        let json = json!({
            "job": job, "rejected": rejections.json(), "rejected_total": rejections.total(),
            "idempotency_key": self.key,
        });
        Answer { text: format!("{}{}{failed}", job.text(), rejections.text()), json, exit }
    }

    fn new_job<'r>(&'r self, rows: &'r RawValue) -> NewJob<'r> {
        let (group, max_deletions) = (self.bulk.group.as_deref(), self.bulk.max_deletions);
        NewJob { action: self.bulk.action, rows, group, max_deletions, dry_run: false, open: false }
    }

    /// Whether no other run can know the job.
    fn is_ours(&self) -> bool {
        self.bulk.idempotency_key.is_none() || matches!(self.stage(), Stage::Trial(_))
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage.borrow().clone()
    }

    fn at(&self, stage: Stage) {
        self.stage.replace(stage);
    }
}

fn raw(rows: String) -> Result<Box<RawValue>, CliError> {
    RawValue::from_string(rows).map_err(|_| CliError::Unexpected("rows that are not JSON"))
}

fn plan_answer(plan: &Plan, rejections: &Rejections) -> Answer {
    let json = json!({"plan": plan, "rejected": rejections.json(), "rejected_total": rejections.total()});
    Answer::done(format!("{}{}", plan.text(), rejections.text()), json)
}
