//! The functions, built; and the API under `cargo lambda watch`: started, reloaded when the code changes, brought back.

use std::{env, path::PathBuf, time::Duration};

use tokio::{
    process::Command,
    time::{Instant, sleep},
};

use crate::{
    child::{Leashed, command},
    console::say,
    environment::{clean, local_aws},
    error::{LocalError, Tried},
    http, supervisor,
    tools::Tools,
    workspace::Workspace,
};

/// The binaries to build before we say that we are ready.
const FUNCTIONS: [&str; 3] = ["efface-api", "efface-bulk-worker", "efface-job-reconciler"];
/// An instance answers one request at a time, and a page of a job takes seconds.
const INSTANCES: &str = "4";
/// How long the function may take to get well.
pub(crate) const HEALTH_SECONDS: u64 = 60;
const SHORT_LIFE: Duration = Duration::from_secs(5);
const SHORT_LIVES: u32 = 3;

/// All that a start, and each start after it, needs.
#[derive(Debug)]
pub struct Watch {
    /// The repository.
    pub workspace: Workspace,
    /// The tools.
    pub tools: Tools,
    /// Where functions are invoked.
    pub port: u16,
    /// Whether functions are built with optimisations.
    pub release: bool,
    /// Where AWS answers.
    pub endpoint: String,
    /// The function's variables.
    pub variables: Vec<(String, String)>,
    /// A request waits as long as the template lets the function run.
    pub timeout_seconds: u64,
}

/// Compiles the functions just as `cargo lambda watch` will, so that it finds them done.
pub async fn build(workspace: &Workspace, release: bool) -> Result<(), LocalError> {
    let mut cargo = command(cargo())?;
    clean(&mut cargo).current_dir(&workspace.root).arg("build").args(release.then_some("--release"));
    cargo.args(FUNCTIONS.iter().flat_map(|name| ["--bin", name]));
    if Leashed::start(cargo)?.ended().await?.success() { Ok(()) } else { Err(LocalError::Build) }
}

/// Where cargo puts what it builds.
pub(crate) fn built(workspace: &Workspace, release: bool, name: &str) -> PathBuf {
    workspace.target.join(if release { "release" } else { "debug" }).join(name)
}

impl Watch {
    /// Keeps the functions running until something is wrong that can't be mended. Calls `ready` when they first answer.
    pub async fn keep(&self, ready: impl FnOnce()) -> LocalError {
        let mut ready = Some(ready);
        let mut short_lives = 0;
        while short_lives < SHORT_LIVES {
            let started = Instant::now();
            if let Err(error) = self.live(&mut ready).await {
                return error;
            }
            short_lives = if started.elapsed() < SHORT_LIFE { short_lives + 1 } else { 0 };
            say("`cargo lambda watch` ended; starting it again");
        }
        LocalError::WatchStops
    }

    /// One life of `cargo lambda watch`.
    async fn live(&self, ready: &mut Option<impl FnOnce()>) -> Result<(), LocalError> {
        let mut process = Leashed::start(self.command()?)?;
        tokio::select! {
            ended = process.ended() => return ended.map(drop),
            healthy = self.healthy() => healthy?,
        }
        if let Some(ready) = ready.take() {
            ready();
        }
        process.ended().await.map(drop)
    }

    fn command(&self) -> Result<Command, LocalError> {
        let mut watch = command(self.tools.cargo_lambda())?;
        local_aws(&mut watch, &self.endpoint).envs(self.variables.iter().map(|(name, value)| (name, value)));
        watch.current_dir(&self.workspace.root).args(["lambda", "watch", "--invoke-address", "127.0.0.1"]);
        watch.args(["--invoke-port", &self.port.to_string(), "--concurrency", INSTANCES]);
        watch.args(["--timeout", &self.timeout_seconds.to_string()]);
        // The function itself answers OPTIONS, as it does behind API Gateway.
        watch.arg("--disable-cors").args(self.release.then_some("--release"));
        watch.arg("--config").arg(runner()?);
        Ok(watch)
    }

    /// Where the gateway invokes the HTTP function.
    pub fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}/2015-03-31/functions/{}/invocations", self.port, FUNCTIONS[0])
    }

    /// The first request starts the function.
    async fn healthy(&self) -> Result<(), LocalError> {
        let url = format!("http://127.0.0.1:{}/health", self.port);
        let deadline = Instant::now() + Duration::from_secs(HEALTH_SECONDS);
        loop {
            let answer = http::get(&url).await;
            if answer.status == 200 {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(LocalError::Ill(format!("{} {}", answer.status, answer.text)));
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// `cargo lambda watch` does not notice that a function died. So cargo runs it through a leash that starts it again.
fn runner() -> Result<String, LocalError> {
    let own = env::current_exe().tried("this program's own path")?;
    let words = [own.to_string_lossy().into_owned()]
        .into_iter()
        .chain(supervisor::arguments(true).into_iter().map(String::from));
    let list: serde_json::Value = words.collect();
    Ok(format!("target.\"cfg(all())\".runner={list}"))
}

fn cargo() -> String {
    env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}
