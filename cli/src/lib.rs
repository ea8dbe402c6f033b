//! The command `efface`: manages spaces, tokens and restored tables, loads profiles, and deletes.
//!
//! `admin` and `load` access the table directly with AWS credentials. All commands that delete use the HTTP API with a
//! token. A command is a function from its arguments to an [`Output`] or a [`CliError`]; only [`main`] prints.

mod admin;
mod api;
mod args;
mod audit;
mod bulk;
mod completions;
mod confirm;
mod connect;
mod deletion;
mod error;
mod exit;
mod fields;
mod global;
mod help;
mod hidden_input;
mod hints;
mod identifier;
mod interrupt;
mod jobs;
pub mod load;
mod local;
mod log;
mod output;
mod pace;
mod print;
mod profile;
mod progress_bar;
mod receipt;
mod report;
mod rows;
mod segments;
mod selector;
mod settings;
mod stdin;
mod whoami;
mod whole_file;

use std::process::ExitCode;

use efface_aws::config::{Lookup, from_env};

pub use args::{Cli, Command};
pub use error::CliError;
pub use global::{Color, Global};
pub use help::{command, parse};
pub use interrupt::Interrupts;
pub use output::Output;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let line: Vec<_> = std::env::args_os().collect();
    let as_json = help::asks_for_json(&help::texts(&line));
    let cli = match parse(line) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(print::print_usage(&error, as_json)),
    };
    output::set_style(&cli.global);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::error(error);
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run_and_print(&cli));
    // A DNS lookup that still runs in a thread must not keep the process from ending.
    runtime.shutdown_background();
    ExitCode::from(code)
}

async fn run_and_print(cli: &Cli) -> u8 {
    let interrupts = Interrupts::on_signals();
    hints::scope(&cli.global, async {
        let result = if cli.command.handles_interrupts() {
            run(cli, &from_env, &interrupts).await
        } else {
            // Such a command has no work in progress to be finished, or its work can be done again.
            let never = Interrupts::never();
            tokio::select! {
                result = run(cli, &from_env, &never) => result,
                () = interrupts.reached(1) => {
                    output::error("stopped; what was sent before may take effect");
                    return interrupts.exit_code();
                }
            }
        };
        match print::print(&result, cli.global.json) {
            exit::INTERRUPTED => interrupts.exit_code(),
            code => code,
        }
    })
    .await
}

/// Runs one command. `env` supplies the environment variables.
pub async fn run(cli: &Cli, env: Lookup<'_>, interrupts: &Interrupts) -> Result<Output, CliError> {
    hints::scope(&cli.global, Box::pin(dispatch(cli, env, interrupts))).await
}

async fn dispatch(cli: &Cli, env: Lookup<'_>, interrupts: &Interrupts) -> Result<Output, CliError> {
    let settings = || settings::Settings::read(&cli.global, env);
    match &cli.command {
        Command::Admin(admin) => admin::run(admin, &settings()?, interrupts).await,
        Command::Load(load) => load::run(load, &settings()?, interrupts).await,
        Command::Identifier(command) => identifier::run(command, &settings()?).await,
        Command::Delete(delete) => identifier::delete(delete, &settings()?).await,
        Command::Deletion(command) => deletion::run(command, &settings()?).await,
        Command::Whoami(whoami) => whoami::run(whoami, &settings()?).await,
        Command::Bulk(bulk) => bulk::run(bulk, &settings()?, interrupts).await,
        Command::Jobs(command) => jobs::run(command, &settings()?, interrupts).await,
        Command::Profile(command) => profile::run(command, &settings()?).await,
        Command::Segments(command) => segments::run(command, &settings()?, interrupts).await,
        Command::Receipt(command) => receipt::run(command, &settings()?, interrupts).await,
        Command::Log(command) => log::run(command, &settings()?, interrupts).await,
        Command::Audit(command) => audit::run(command, &settings()?).await,
        Command::Completions(options) => Ok(completions::completions(options)),
        Command::Man(options) => completions::man(options),
    }
}
