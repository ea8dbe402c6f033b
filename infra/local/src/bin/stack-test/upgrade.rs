//! Replaces a stack's version in the middle of a job, and back, and checks that nothing is lost: neither a row nor a
//! deletion that was acknowledged meanwhile.

use std::{cell::Cell, fmt, path::Path, time::Duration};

use efface_local::{
    console::say,
    emulator::Emulator,
    error::{Context, LocalError},
    http::HttpResponse,
    package::package,
    seeds::DEMO_SPACE,
    stack::Deployer,
    tools::Tools,
    workspace::Workspace,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    STACKS,
    efface::Efface,
    gateway::{Gateway, basic},
    queues::Queues,
    report::Report,
};

const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// How long a job may take. Workers are ended with the old version; the messages that they had come back after 180 s, or
/// the reconciler sends them again.
const JOB_TIMEOUT: Duration = Duration::from_mins(8);
/// The people whose identifier is deleted with a single request each while the version is replaced, and the pause between
/// two of these requests.
const SINGLES: usize = 200;
const PAUSE: Duration = Duration::from_millis(100);
/// How often such a request is sent until it is acknowledged.
const ATTEMPTS: usize = 100;

/// A deployed stack.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) deployer: &'a Deployer<'a>,
    pub(crate) emulator: &'a Emulator,
    pub(crate) stack: &'a str,
    pub(crate) efface: &'a Efface<'a>,
    pub(crate) token: &'a str,
}

/// What the stack is deployed with.
#[derive(Clone, Copy)]
pub(crate) struct Version<'a> {
    pub(crate) template: &'a Path,
    /// Parameters of the template, as `Name=value`.
    pub(crate) options: &'a str,
}

/// The single deletions that were made while the version was replaced.
#[derive(Default)]
struct Singles {
    acknowledged: usize,
    /// Requests that got another response and were sent again.
    repeated: usize,
}

/// Deploys the version of another checkout, and replaces it in the middle of a job by this one; then back, in the middle
/// of another job of as many rows.
pub(crate) async fn from(checkout: &Path, people: usize) -> Result<Report, LocalError> {
    let workspace = Workspace::find()?;
    let root = checkout.canonicalize().context(format!("the checkout at {}", checkout.display()))?;
    // A target folder of its own: cargo takes equal crates of two checkouts for the same.
    let other = Workspace { target: root.join("target"), root };
    let tools = Tools::install(&workspace).await?;
    let folder = workspace.fresh("stack-test")?;
    let deployer = Deployer { workspace: &workspace, tools: &tools, folder: &folder };
    say("building both versions");
    let (before, now) =
        (package(&other, &folder.join("before")).await?, package(&workspace, &folder.join("now")).await?);
    let emulator = Emulator::start(&tools, &folder).await?;
    emulator.create_bucket().await?;
    emulator.follow_streams();
    let (stack, mut report) = (STACKS[0], Report::default());
    crate::deploy(&deployer, &emulator, &before, stack, "").await?;
    let efface = Efface::of_stack(&workspace, &emulator, stack).await?;
    let tokens = efface.set_up().await?;
    let token = tokens["workspace_owner"].0.as_str();
    let site = Site { deployer: &deployer, emulator: &emulator, stack, efface: &efface, token };
    for (name, template) in [("upgrade", &now), ("rollback", &before)] {
        Box::pin(site.replace(name, Version { template, options: "" }, people, &mut report)).await?;
    }
    Ok(report)
}

impl Site<'_> {
    /// Loads people, starts a job that deletes them, and deploys a version in the middle of it.
    pub(crate) async fn replace(
        &self,
        name: &str,
        version: Version<'_>,
        people: usize,
        report: &mut Report,
    ) -> Result<(), LocalError> {
        self.efface.load_people(name, people).await?;
        self.efface.load_people(&format!("{name}_single"), SINGLES).await?;
        let uploaded = self.deployer.upload(self.emulator, version.template).await?;
        let version = Version { template: &uploaded, ..version };
        let gateway = Gateway::find(self.emulator, self.stack).await?;
        let body = json!({ "action": "delete_profile", "rows": rows(name, people) }).to_string();
        let posted = gateway.send("POST", &jobs(), Some(self.token), &body).await?;
        report.check(&format!("{name}: a job is accepted"), posted.status == 202, describe(&posted));
        let path = path(&posted.json()["job"]);
        let started = Instant::now();
        let before = self.wait(&gateway, &path, |job| job["counts"]["deleted"] != 0).await?;
        let is_amid = before["state"] == "running" && before["remaining"] != 0;
        report.check(&format!("{name}: the job is in the middle"), is_amid, &before);
        let (gateway, singles) = Box::pin(self.deploy_amid(name, version, &gateway)).await?;
        let after = gateway.get(&path, Some(self.token)).await?.json()["job"].take();
        say(format_args!(
            "        rows left: {} when the deployment began, {} when it was over; meanwhile {singles}",
            before["remaining"], after["remaining"]
        ));
        self.check_singles(name, &gateway, singles, report).await?;
        let done = self.wait(&gateway, &path, |job| job["state"] == "completed").await?;
        say(format_args!("        the job ended {:.0} s after its first row", started.elapsed().as_secs_f64()));
        let counts = json!({ "deleted": people, "duplicate": people / 100, "not_found": people / 100, "invalid": 0,
            "protected": 0, "failed": 0, "changed": 0 });
        let adds_up = done["counts"] == counts && done["remaining"] == 0 && done["state"] == "completed";
        report.check(&format!("{name}: the job completes, and each row has its outcome"), adds_up, &done);
        self.check_end(name, &gateway, &path, people, report).await
    }

    /// Deploys the version, and deletes single identifiers through the API until that is over.
    async fn deploy_amid(
        &self,
        name: &str,
        version: Version<'_>,
        gateway: &Gateway,
    ) -> Result<(Gateway, Singles), LocalError> {
        let is_over = Cell::new(false);
        let deploy = async {
            let deployed =
                crate::deploy(self.deployer, self.emulator, version.template, self.stack, version.options).await;
            is_over.set(true);
            deployed
        };
        let (deployed, singles) = tokio::join!(deploy, self.delete_singly(name, gateway, &is_over));
        Ok((deployed?, singles?))
    }

    /// Deletes the email of one person after another. Each request is repeated with its key until it is acknowledged.
    async fn delete_singly(&self, name: &str, gateway: &Gateway, is_over: &Cell<bool>) -> Result<Singles, LocalError> {
        let (authorization, mut singles) = (basic(self.token), Singles::default());
        let mut replaced: Option<Gateway> = None;
        while !is_over.get() && singles.acknowledged < SINGLES {
            let person = format!("{name}_single_{}", singles.acknowledged + 1);
            let path = crate::requests::profile(&person, "external_ids/delete");
            let body = json!({ "delete_external_ids": [{ "type": "email", "id": format!("{person}@example.com") }] });
            let headers = [("authorization", authorization.as_str()), ("idempotency-key", person.as_str())];
            for attempt in 1.. {
                let gateway = replaced.as_ref().unwrap_or(gateway);
                let response = gateway.send_with("POST", &path, &headers, &body.to_string()).await?;
                if response.status == 200 {
                    break;
                }
                if attempt == ATTEMPTS {
                    return Err(LocalError::Emulator { what: "a single deletion", text: describe(&response) });
                }
                singles.repeated += 1;
                sleep(POLL_INTERVAL).await;
                // The emulator makes a new API, with another id, where the new version's has other paths. AWS keeps it.
                replaced = Gateway::find(self.emulator, self.stack).await.ok().or(replaced);
            }
            singles.acknowledged += 1;
            sleep(PAUSE).await;
        }
        Ok(singles)
    }

    /// Each deletion that was acknowledged has its record.
    async fn check_singles(
        &self,
        name: &str,
        gateway: &Gateway,
        singles: Singles,
        report: &mut Report,
    ) -> Result<(), LocalError> {
        let mut recorded = 0;
        for number in 1..=singles.acknowledged {
            let path = format!("/v1/spaces/{DEMO_SPACE}/deletions/email:{name}_single_{number}@example.com");
            recorded += usize::from(gateway.get(&path, Some(self.token)).await?.status == 200);
        }
        let all = recorded == singles.acknowledged && recorded > 0;
        report.check(&format!("{name}: each acknowledged deletion has its record"), all, recorded);
        Ok(())
    }

    /// The reconciler finds that the outcomes add up, and a dry run of the same rows finds nobody.
    async fn check_end(
        &self,
        name: &str,
        gateway: &Gateway,
        path: &str,
        people: usize,
        report: &mut Report,
    ) -> Result<(), LocalError> {
        Queues::of_stack(self.emulator, self.stack).await?.reconcile().await?;
        let verified = self.wait(gateway, path, |job| job["verified_at"].is_string()).await?;
        report.check(&format!("{name}: the job is verified"), verified["verified_at"].is_string(), &verified);
        let body = json!({ "action": "delete_profile", "dry_run": true, "rows": rows(name, people) }).to_string();
        let planned = gateway.send("POST", &jobs(), Some(self.token), &body).await?;
        let plan = self.wait(gateway, &self::path(&planned.json()["job"]), |job| job["state"] == "completed").await?;
        let is_empty = plan["counts"]["not_found"] == plan["rows"] && plan["state"] == "completed";
        report.check(&format!("{name}: nobody of the file is left"), is_empty, &plan);
        Ok(())
    }

    /// Waits until something is true of a job. Returns its latest state, also after a timeout. A response that is none of
    /// the API, as while a version is replaced, is no state.
    async fn wait(&self, gateway: &Gateway, path: &str, holds: impl Fn(&Value) -> bool) -> Result<Value, LocalError> {
        let deadline = Instant::now() + JOB_TIMEOUT;
        loop {
            let job = gateway.get(path, Some(self.token)).await?.json()["job"].take();
            if (job.is_object() && holds(&job)) || Instant::now() > deadline {
                return Ok(job);
            }
            sleep(POLL_INTERVAL).await;
        }
    }
}

/// Rows for all people; for one in a hundred a second one, and as many for nobody.
fn rows(name: &str, people: usize) -> Vec<String> {
    let users = (1..=people).map(|number| format!("user_id:{name}_{number}"));
    let again = (1..=people / 100).map(|number| format!("email:{name}_{number}@example.com"));
    let unknown = (1..=people / 100).map(|number| format!("email:nobody_{number}@example.com"));
    users.chain(again).chain(unknown).collect()
}

fn jobs() -> String {
    format!("/v1/spaces/{DEMO_SPACE}/deletion_jobs")
}

fn path(job: &Value) -> String {
    format!("{}/{}", jobs(), job["id"].as_str().unwrap_or_default())
}

fn describe(response: &HttpResponse) -> String {
    format!("{} {}", response.status, response.text)
}

impl fmt::Display for Singles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, repeated } = self;
        write!(f, "{acknowledged} single deletions were acknowledged, after {repeated} repetitions")
    }
}
