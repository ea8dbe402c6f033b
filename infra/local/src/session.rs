//! One run of `cargo local`: the steps until the service is ready, and what runs until it is stopped.

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

use crate::{
    console::say,
    delivery::Delivery,
    emulator::{Emulator, free_port},
    env_file::EnvFile,
    environment::aws,
    error::{Context, LocalError},
    function::{self, Watch},
    gateway::Gateway,
    loader::Loader,
    ready::Ready,
    seeds::{DEMO_SPACE, Seeds},
    stack::Deployer,
    tools::Tools,
    workspace::Workspace,
};

const STACK: &str = "efface-local";
const TEMPLATE: &str = "infra/template.yaml";

/// The options of the command line.
#[derive(Debug)]
pub struct Options {
    /// The port of the API.
    pub port: u16,
    /// Whether to print JSON when the service is ready.
    pub json: bool,
    /// Whether to build the functions with optimisations.
    pub release: bool,
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
    say("building the functions");
    function::build(&workspace, options.release).await?;
    let folder = workspace.fresh(&format!("local/{}", options.port))?;
    say("starting the AWS emulator and deploying infra/template.yaml to it");
    let emulator = Emulator::start(&tools, &folder).await?;
    emulator.create_bucket().await?;
    let deployer = Deployer { workspace: &workspace, tools: &tools, folder: &folder };
    deployer.deploy(&emulator, &workspace.root.join(TEMPLATE), STACK, "").await?;
    // The variables come from the deployed function, so that new variables of the template take effect here too.
    let api = format!("{STACK}-api");
    let mut variables = emulator.function_variables(&api).await?;
    let timeout_seconds = emulator.function_timeout(&api).await?;
    let tokens = Loader::new(&variables, &emulator.endpoint)?.load(&seeds).await?;
    let url = format!("http://127.0.0.1:{}", options.port);
    let settings = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let owner = tokens.get(DEMO_SPACE).and_then(|tokens| tokens.get("workspace_owner"));
    let api_settings = [("EFFACE_API_URL", url.as_str()), ("EFFACE_TOKEN", owner.map_or("", String::as_str))];
    let _env_file = EnvFile::write(&workspace, settings.chain(aws(&emulator.endpoint)).chain(api_settings))?;
    // The template's value is for the emulator's gateway. Here, the function gets events from `cargo lambda watch`.
    for (_, value) in variables.iter_mut().filter(|(name, _)| name == "EFFACE_EVENT_SOURCE") {
        "watch".clone_into(value);
    }
    let endpoint = emulator.endpoint.clone();
    let ready = Ready { url, endpoint: endpoint.clone(), tokens };
    let gateway = Gateway::open(options.port).await?;
    let (port, release) = (free_port()?, options.release);
    let log = folder.join("functions.log");
    let delivery = Delivery { workspace: &workspace, emulator: &emulator, stack: STACK, release, log: &log };
    delivery.start().await?;
    let watch = Watch { workspace: workspace.clone(), tools, port, release, endpoint, variables, timeout_seconds };
    Err(tokio::select! {
        error = emulator.ended() => error,
        error = gateway.serve(watch.api_url()) => error,
        error = watch.run(|| ready.announce(options.json)) => error,
        error = delivery.follow_log() => error,
        error = delivery.rebuild_on_change() => error,
    })
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
