//! Builds the functions, and runs the API function with `cargo lambda watch`, which reloads it when the code changes.

use std::{
    env, fs,
    io::{IsTerminal, stderr},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    process::Command,
    time::{Instant, sleep},
};

use crate::{
    child::{Supervised, command, log_to, run},
    console::say,
    environment::{clean, local_aws},
    error::{Context, LocalError},
    http,
    logs::{LogEnd, Logs},
    supervisor,
    tools::Tools,
    workspace::Workspace,
};

/// The binaries that are built at start.
pub(crate) const FUNCTIONS: [&str; 6] =
    [API, CONSOLE, "efface-bulk-worker", "efface-job-reconciler", "efface-change-capture", "efface-audit-log"];
/// Those behind the gateway.
pub(crate) const API: &str = "efface-api";
pub(crate) const CONSOLE: &str = "efface-console";
/// The number of instances of the function. Each processes one request at a time, and a page of a job takes seconds.
const INSTANCES: &str = "4";
/// How long the API function may take until it is healthy.
const HEALTH_TIMEOUT_SECONDS: u64 = 60;
/// `cargo lambda watch` is given up after so many consecutive runs that are shorter than this.
const SHORT_RUN: Duration = Duration::from_secs(5);
const MAX_SHORT_RUNS: u32 = 3;

/// The settings of `cargo lambda watch`.
#[derive(Debug)]
pub struct Watch {
    /// The repository.
    pub workspace: Workspace,
    /// The tools.
    pub tools: Tools,
    /// The files for its output, and for that of the function.
    pub logs: Logs,
    /// The port on which functions are invoked.
    pub port: u16,
    /// Whether functions are built with optimisations.
    pub release: bool,
    /// The endpoint URL of the emulated AWS.
    pub endpoint: String,
    /// The function's environment variables.
    pub variables: Vec<(String, String)>,
    /// The function's timeout in the template. A request waits as long.
    pub timeout_seconds: u64,
}

/// Builds the functions in the same way as `cargo lambda watch` does, so that it does not build them again. A terminal
/// shows cargo's output; otherwise it is written to a file.
pub(crate) async fn build(workspace: &Workspace, release: bool, log: &Path) -> Result<(), LocalError> {
    let mut cargo = command(cargo())?;
    clean(&mut cargo).current_dir(&workspace.root).env("CARGO_TARGET_DIR", &workspace.target);
    cargo.arg("build").args(release.then_some("--release"));
    cargo.args(of(workspace).into_iter().flat_map(|name| ["--bin", name]));
    if !stderr().is_terminal() {
        return run(cargo, log).await?.into_result("cargo build");
    }
    if Supervised::start(cargo)?.ended().await?.success() { Ok(()) } else { Err(LocalError::Build) }
}

/// The functions of a checkout. One of an earlier version has fewer.
pub(crate) fn of(workspace: &Workspace) -> Vec<&'static str> {
    let is_there = |name: &&str| workspace.root.join("functions").join(name.trim_start_matches("efface-")).is_dir();
    FUNCTIONS.into_iter().filter(is_there).collect()
}

/// The path of a built binary.
pub(crate) fn built(workspace: &Workspace, release: bool, name: &str) -> PathBuf {
    workspace.target.join(if release { "release" } else { "debug" }).join(name)
}

impl Watch {
    /// Runs `cargo lambda watch`, and starts it again when it ends. Calls `ready` when the API function is healthy for
    /// the first time. Returns only after an error.
    pub async fn run(&self, ready: impl FnOnce()) -> LocalError {
        let mut ready = Some(ready);
        let mut short_runs = 0;
        while short_runs < MAX_SHORT_RUNS {
            let started = Instant::now();
            if let Err(error) = self.run_once(&mut ready).await {
                return error;
            }
            short_runs = if started.elapsed() < SHORT_RUN { short_runs + 1 } else { 0 };
            say("`cargo lambda watch` ended; starting it again");
        }
        LocalError::WatchStops(LogEnd::of(&self.logs.watch))
    }

    /// Runs `cargo lambda watch` until it ends.
    async fn run_once(&self, ready: &mut Option<impl FnOnce()>) -> Result<(), LocalError> {
        let mut process = Supervised::start(self.command()?)?;
        tokio::select! {
            ended = process.ended() => return ended.map(drop),
            healthy = self.wait_until_healthy() => healthy?,
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
        // The function itself responds to OPTIONS, as it does behind API Gateway.
        watch.arg("--disable-cors").args(self.release.then_some("--release"));
        watch.arg("--config").arg(runner(&self.logs.functions)?);
        log_to(&mut watch, &self.logs.watch)?;
        Ok(watch)
    }

    /// The URL at which the gateway invokes a function.
    pub(crate) fn url_of(&self, function: &str) -> String {
        format!("http://127.0.0.1:{}/2015-03-31/functions/{function}/invocations", self.port)
    }

    /// Waits until `GET /health` succeeds. The first request starts the function.
    async fn wait_until_healthy(&self) -> Result<(), LocalError> {
        let url = format!("http://127.0.0.1:{}/health", self.port);
        let deadline = Instant::now() + Duration::from_secs(HEALTH_TIMEOUT_SECONDS);
        loop {
            let response = http::get(&url).await;
            if response.status == 200 {
                return Ok(());
            }
            if Instant::now() > deadline {
                let response = format!("{} {}", response.status, response.text);
                let is_silent = fs::metadata(&self.logs.functions).is_ok_and(|file| file.len() == 0);
                let log = LogEnd::of(if is_silent { &self.logs.watch } else { &self.logs.functions });
                return Err(LocalError::ApiUnhealthy { response, seconds: HEALTH_TIMEOUT_SECONDS, log });
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// The cargo configuration that runs functions with a supervisor. The supervisor starts a function again after it died,
/// because `cargo lambda watch` does not, and keeps its output apart from that of `cargo lambda watch`.
fn runner(log: &Path) -> Result<String, LocalError> {
    let own = env::current_exe().context("this program's own path")?;
    let command = [own.into_os_string()].into_iter().chain(supervisor::restart_arguments(log));
    let list: serde_json::Value = command.map(|word| word.to_string_lossy().into_owned()).collect();
    Ok(format!("target.\"cfg(all())\".runner={list}"))
}

fn cargo() -> String {
    env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}
