//! The command `efface`: spaces and tokens, loading, and deletions, from a terminal or a script.
//!
//! Administration and loading go to the table with AWS credentials; all that deletes goes to the HTTP API with a token,
//! as any client does. A command is a function from its arguments to an [`Answer`] or a [`CliError`]; only [`main`] prints.

mod admin;
mod api;
mod args;
mod bar;
mod bulk;
mod confirm;
mod connect;
mod delete;
mod error;
mod interrupt;
mod jobs;
mod load;
mod output;
mod profile;
mod settings;

use std::process::ExitCode;

use clap::Parser;
use efface_aws::config::{Lookup, from_env};

pub use args::{Cli, Command, Global};
pub use error::CliError;
pub use interrupt::Interrupts;
pub use output::Answer;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed terminal is no reason to fail differently.
            _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::note(format!("efface: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run_and_print(&cli));
    // Whatever still looks a name up must not hold the process.
    runtime.shutdown_background();
    ExitCode::from(code)
}

async fn run_and_print(cli: &Cli) -> u8 {
    // Only some have something to finish or to say; every other command ends at Ctrl-C as programs do.
    let interrupts = if cli.command.sees_to_ctrl_c() { Interrupts::on_ctrl_c() } else { Interrupts::never() };
    let result = run(cli, &from_env, &interrupts).await;
    output::print(&result, cli.global.json)
}

/// Runs one command. Settings that the command line does not give come from `env`.
pub async fn run(cli: &Cli, env: Lookup<'_>, interrupts: &Interrupts) -> Result<Answer, CliError> {
    let settings = settings::Settings::read(&cli.global, env)?;
    match &cli.command {
        Command::Admin(admin) => admin::run(admin, &settings).await,
        Command::Load(load) => load::run(load, &settings, interrupts).await,
        Command::Delete(delete) => delete::run(delete, &settings).await,
        Command::Bulk(bulk) => bulk::run(bulk, &settings, interrupts).await,
        Command::Jobs(command) => jobs::run(command, &settings, interrupts).await,
        Command::Profile(command) => profile::run(command, &settings).await,
    }
}
