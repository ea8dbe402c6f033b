//! One run of `cargo local`: the steps until the service is ready, and what runs until it is stopped.

use std::{
    future::pending,
    io::{IsTerminal, Stdin, stderr, stdin},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::getpgrp,
    termios::tcgetpgrp,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    time::sleep,
};

use crate::{
    console::say,
    delivery::{CHANGE_CAPTURE, Delivery},
    emulator::{Emulator, free_port},
    env_file::EnvFile,
    environment::aws,
    error::{Context, LocalError},
    function::{self, API, CONSOLE, Watch},
    gateway::{Gateway, Routes},
    loader::Loader,
    logs::Logs,
    ready::Ready,
    seeds::{DEMO_SPACE, Seeds},
    sign_in::SignIn,
    stack::Deployer,
    steps::Steps,
    tools::Tools,
    workspace::Workspace,
};

const STACK: &str = "efface-local";
const TEMPLATE: &str = "infra/template.yaml";
/// How often the terminal is looked at for a line.
const LOOK_INTERVAL: Duration = Duration::from_millis(300);

/// The options of the command line.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Options {
    /// The port of the API.
    pub port: u16,
    /// Whether to print JSON when the service is ready.
    pub json: bool,
    /// Whether to build the functions with optimisations.
    pub release: bool,
    /// Whether to print the output of everything that runs.
    pub verbose: bool,
    /// Whether each change is recorded in the journal.
    pub journal: bool,
    /// The seed files. If there are none, the demo data is loaded.
    pub seeds: Vec<PathBuf>,
}

/// Runs the service until a signal or an error. All started programs are stopped when this future is dropped.
pub async fn run(options: &Options) -> Result<(), LocalError> {
    tokio::select! {
        error = start(options) => error,
        stopped = stop_signal() => stopped,
    }
}

/// Returns only when something went wrong.
async fn start(options: &Options) -> Result<(), LocalError> {
    let seeds = Seeds::read(&options.seeds)?;
    // Fails early if the port is in use.
    drop(Gateway::open(options.port).await?);
    let workspace = Workspace::find()?;
    let tools = Tools::install(&workspace).await?;
    let folder = workspace.fresh(&format!("local/{}", options.port))?;
    let logs = Logs::new(&folder);
    let site = Site { options, workspace, tools, folder, logs, steps: Steps { is_verbose: options.verbose } };
    tokio::select! {
        ended = site.start(&seeds) => ended,
        () = site.logs.follow(), if options.verbose => Ok(()),
    }
}

/// One run, before anything is started.
struct Site<'a> {
    options: &'a Options,
    workspace: Workspace,
    tools: Tools,
    folder: PathBuf,
    logs: Logs,
    steps: Steps,
}

impl Site<'_> {
    /// Returns only when something went wrong.
    async fn start(&self, seeds: &Seeds) -> Result<(), LocalError> {
        let Self { options, workspace, logs, steps, .. } = self;
        let build = function::build(workspace, options.release, &logs.build);
        if stderr().is_terminal() {
            steps.run_loud("building the functions", build).await?;
        } else {
            steps.run("building the functions", build).await?;
        }
        let emulator = steps.run("starting the AWS emulator", Emulator::start(&self.tools, &self.folder)).await?;
        steps.run("deploying infra/template.yaml", self.deploy(&emulator)).await?;
        let api = format!("{STACK}-api");
        // The variables come from the deployed function, so that new variables of the template take effect here too.
        let mut variables = emulator.function_variables(&api).await?;
        let timeout_seconds = emulator.function_timeout(&api).await?;
        let endpoint = emulator.endpoint.clone();
        let loader = Loader::new(&variables, &endpoint)?;
        let tokens = steps.run("loading profiles", Box::pin(loader.load(seeds))).await?;
        let url = format!("http://127.0.0.1:{}", options.port);
        let owner = tokens.get(DEMO_SPACE).and_then(|tokens| tokens.get("workspace_owner"));
        let sign_in = Arc::new(SignIn::new(&url, DEMO_SPACE, owner.map_or("", String::as_str)));
        let links = Arc::clone(&sign_in);
        let ready = Ready { url, endpoint: endpoint.clone(), tokens, log: logs.functions.clone(), sign_in: links };
        let _env_file = self.write_env_file(&variables, &self.journal(&emulator).await?, &ready)?;
        // The template's value is for the emulator's gateway. Here, the function gets events from `cargo lambda watch`.
        for (_, value) in variables.iter_mut().filter(|(name, _)| name == "EFFACE_EVENT_SOURCE") {
            "watch".clone_into(value);
        }
        let gateway = Gateway::open(options.port).await?;
        let (port, release) = (free_port()?, options.release);
        let has_journal = options.journal;
        let delivery = Delivery { workspace, emulator: &emulator, stack: STACK, release, has_journal, logs };
        steps.run("starting the functions of queues and schedules", delivery.start()).await?;
        // Only now: what was deployed before cannot run. The stream has kept what was loaded.
        emulator.follow_streams();
        let (workspace, tools, logs) = (workspace.clone(), self.tools.clone(), logs.clone());
        let watch = Watch { workspace, tools, logs, port, release, endpoint, variables, timeout_seconds };
        let (is_healthy, healthy) = oneshot::channel();
        let announced = async {
            let healthy = async { healthy.await.map_err(|_| LocalError::GatewayStops) };
            if let Err(error) = steps.run("starting the API", healthy).await {
                return error;
            }
            match ready.announce(options.json) {
                Ok(()) => print_links(&sign_in).await,
                Err(error) => error,
            }
        };
        let (api, console) = (watch.url_of(API), watch.url_of(CONSOLE));
        let routes = Routes { api, console, sign_in: Arc::clone(&sign_in) };
        Err(tokio::select! {
            error = emulator.ended() => error,
            error = gateway.serve(routes) => error,
            error = watch.run(|| _ = is_healthy.send(())) => error,
            error = announced => error,
            error = delivery.rebuild_on_change() => error,
        })
    }

    async fn deploy(&self, emulator: &Emulator) -> Result<(), LocalError> {
        emulator.create_bucket().await?;
        let deployer = Deployer { workspace: &self.workspace, tools: &self.tools, folder: &self.folder };
        let journal = if self.options.journal { "Journal=on" } else { "Journal=off" };
        deployer.deploy(emulator, &self.workspace.root.join(TEMPLATE), STACK, journal).await
    }

    /// The variable that names the journal's table, if there is one.
    async fn journal(&self, emulator: &Emulator) -> Result<Vec<(String, String)>, LocalError> {
        if !self.options.journal {
            return Ok(Vec::new());
        }
        let variables = emulator.function_variables(&format!("{STACK}-{CHANGE_CAPTURE}")).await?;
        Ok(variables.into_iter().filter(|(name, _)| name == "EFFACE_JOURNAL").collect())
    }

    fn write_env_file(
        &self,
        variables: &[(String, String)],
        journal: &[(String, String)],
        ready: &Ready,
    ) -> Result<EnvFile, LocalError> {
        let deployed = variables.iter().chain(journal).map(|(name, value)| (name.as_str(), value.as_str()));
        let owner = ready.tokens.get(DEMO_SPACE).and_then(|tokens| tokens.get("workspace_owner"));
        let api = [("EFFACE_API_URL", ready.url.as_str()), ("EFFACE_TOKEN", owner.map_or("", String::as_str))];
        EnvFile::write(&self.workspace, self.options.port, deployed.chain(aws(&ready.endpoint)).chain(api))
    }
}

/// Prints another link to the console whenever somebody presses Enter in the terminal. Returns only after an error.
async fn print_links(sign_in: &SignIn) -> LocalError {
    let terminal = stdin();
    if !terminal.is_terminal() {
        return pending().await;
    }
    loop {
        sleep(LOOK_INTERVAL).await;
        if !has_line(&terminal) {
            continue;
        }
        let mut entered = String::new();
        if !matches!(terminal.read_line(&mut entered), Ok(read) if read > 0) {
            return pending().await;
        }
        match sign_in.link() {
            Ok(link) => say(format_args!("  {link}")),
            Err(error) => return error,
        }
    }
}

/// Whether a line was entered for this process. One in the background must not read: the terminal would stop it.
fn has_line(terminal: &Stdin) -> bool {
    let is_in_front = tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp());
    let mut asked = [PollFd::new(terminal, PollFlags::IN)];
    is_in_front && poll(&mut asked, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

async fn stop_signal() -> Result<(), LocalError> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for signals")?;
    let mut hangup = signal(SignalKind::hangup()).context("listening for signals")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
    say("stopping");
    Ok(())
}
