//! `cargo local`: runs Efface on this machine.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, ValueEnum};
use efface_local::{
    console::{print, say},
    error::LocalError,
    session::{self, Options},
    supervisor,
    tools::Tools,
    workspace::Workspace,
};

/// Runs Efface on this machine, in the foreground, until Ctrl-C. It needs Rust, a C compiler and Python 3, and installs
/// all other tools below target/.
#[derive(Debug, Parser)]
#[command(name = "cargo local", bin_name = "cargo local", version)]
struct Arguments {
    /// What to do instead of running Efface.
    #[command(subcommand)]
    action: Option<Action>,
    /// The port of the API.
    #[arg(long, default_value_t = 9000, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Build the functions with optimisations.
    #[arg(long)]
    release: bool,
    /// Print one line of JSON to stdout when the service is ready.
    #[arg(long)]
    json: bool,
    /// Print what the functions log, less lines of metrics, and the output of the emulator and of `cargo lambda watch`.
    #[arg(long)]
    verbose: bool,
    /// Whether each change is recorded in the journal. Without it, jobs of many rows take less time and memory.
    #[arg(long, value_enum, default_value_t = Switch::On)]
    journal: Switch,
    /// A file of profiles and spaces to load instead of the demo data, as newline-delimited JSON; may be repeated.
    #[arg(long = "seed", value_name = "FILE")]
    seeds: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Install the tools (cargo-lambda, cfn-lint, ministack, sam) at fixed versions, and print their folders as a PATH.
    Tools,
}

fn main() -> ExitCode {
    if let Some(code) = supervisor::run_if_requested() {
        return code;
    }
    let arguments = Arguments::parse();
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| LocalError::Io { what: "starting".to_owned(), source })
        .and_then(|runtime| {
            let result = runtime.block_on(run(arguments));
            // Do not wait for requests that are still in progress.
            runtime.shutdown_background();
            result
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("cargo local: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), LocalError> {
    let Arguments { action, port, release, json, verbose, journal, seeds } = arguments;
    let journal = journal == Switch::On;
    match action {
        None => session::run(&Options { port, json, release, verbose, journal, seeds }).await,
        Some(Action::Tools) => tools().await,
    }
}

async fn tools() -> Result<(), LocalError> {
    let folders = Tools::install(&Workspace::find()?).await?.folders();
    print(folders.map(|folder| folder.display().to_string()).join(":"));
    Ok(())
}
