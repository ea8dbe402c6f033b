//! One run of `cargo local`, from nothing to ready, and until it stops.

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

use crate::{
    console::say,
    delivery::Delivery,
    emulator::{Emulator, free_port},
    env_file::EnvFile,
    environment::aws,
    error::{LocalError, Tried},
    function::{self, Watch},
    gateway::Gateway,
    loading::Loader,
    ready::Ready,
    seeding::{DEMO_SPACE, Seeds},
    stack::Deployer,
    tools::Tools,
    workspace::Workspace,
};

const STACK: &str = "efface-local";
const TEMPLATE: &str = "infra/template.yaml";

/// What was asked for on the command line.
#[derive(Debug)]
pub struct Options {
    /// Where the API answers.
    pub port: u16,
    /// Tell a program, not a person.
    pub json: bool,
    /// With optimisations.
    pub release: bool,
    /// Seed files; the demo where there are none.
    pub seeds: Vec<PathBuf>,
}

/// Runs until told to stop. Whatever was started is stopped when this future is dropped.
pub async fn run(options: &Options) -> Result<(), LocalError> {
    tokio::select! {
        error = start(options) => error,
        stopped = told_to_stop() => stopped,
    }
}

/// Returns only when something went wrong.
async fn start(options: &Options) -> Result<(), LocalError> {
    let seeds = Seeds::read(&options.seeds)?;
    // Where it is taken, before anything is started.
    drop(Gateway::open(options.port).await?);
    let workspace = Workspace::find()?;
    let tools = Tools::install(&workspace).await?;
    say("building the functions");
    function::build(&workspace, options.release).await?;
    let folder = workspace.fresh(&format!("local/{}", options.port))?;
    say("starting the AWS emulator and deploying infra/template.yaml to it");
    let emulator = Emulator::start(&tools, &folder).await?;
    emulator.prepare().await?;
    let deployer = Deployer { workspace: &workspace, tools: &tools, folder: &folder };
    deployer.deploy(&emulator, &workspace.root.join(TEMPLATE), STACK).await?;
    // From the deployed function, so that a variable which the template gives it is there at once.
    let api = format!("{STACK}-api");
    let mut variables = emulator.function_variables(&api).await?;
    let timeout_seconds = emulator.function_timeout(&api).await?;
    let tokens = Loader::new(&variables, &emulator.endpoint)?.load(&seeds).await?;
    let url = format!("http://127.0.0.1:{}", options.port);
    let settings = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let owner = tokens.get(DEMO_SPACE).and_then(|tokens| tokens.get("workspace_owner"));
    let own = [("EFFACE_API_URL", url.as_str()), ("EFFACE_TOKEN", owner.map_or("", String::as_str))];
    let _env_file = EnvFile::write(&workspace, settings.chain(aws(&emulator.endpoint)).chain(own))?;
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
        error = watch.keep(|| ready.tell(options.json)) => error,
        error = delivery.tell() => error,
        error = delivery.renew() => error,
    })
}

async fn told_to_stop() -> Result<(), LocalError> {
    let mut terminate = signal(SignalKind::terminate()).tried("listening for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).tried("listening for signals")?;
    let mut hangup = signal(SignalKind::hangup()).tried("listening for signals")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
    say("stopping");
    Ok(())
}
