//! The errors. Each message says how to solve the problem where it can.

use std::{io, path::PathBuf};

use efface_aws::{StoreError, config::ConfigError, store::key_check::KeyCheckError};
use thiserror::Error;

use crate::{logs::LogEnd, mapping::MappingError};

/// Why the local stack could not be started, or ended by itself.
#[derive(Debug, Error)]
pub enum LocalError {
    /// There is no `python3` on the PATH.
    #[error("python3 was not found: install Python 3.10 or newer, with its venv module, and put it on the PATH")]
    PythonMissing,
    /// Python is too old for the tools.
    #[error("python3 is {0}: install Python 3.10 or newer and put it first on the PATH")]
    PythonOld(String),
    /// Python has no `venv` or `ensurepip`.
    #[error("python3 cannot make virtual environments (on Debian and Ubuntu: apt install python3-venv): {0}")]
    NoVenv(String),
    /// pip failed, usually because there is no network.
    #[error("the tools could not be installed; check the network and start again, details are in {log}: {line}")]
    Install {
        /// The file with pip's output.
        log: PathBuf,
        /// The last line of the output.
        line: String,
    },
    /// Another program listens on the API's port.
    #[error("port {0} is in use: stop the program that listens on it, or choose another port with --port")]
    PortTaken(u16),
    /// The emulator ended or did not respond while it was starting.
    #[error("the AWS emulator did not start: {reason}; {log}")]
    EmulatorStart {
        /// What happened instead.
        reason: String,
        /// Its output.
        log: LogEnd,
    },
    /// The emulator ended while it was in use. Its data is lost.
    #[error("the AWS emulator stopped and its data is lost: start again; {0}")]
    EmulatorStopped(LogEnd),
    /// The emulator's response was an error or not as expected.
    #[error("a request to the AWS emulator failed ({what}): {text}")]
    Emulator {
        /// What was requested.
        what: &'static str,
        /// Its response.
        text: String,
    },
    /// A tool failed.
    #[error("{what} failed, details are in {log}: {line}")]
    Tool {
        /// The tool and its subcommand.
        what: &'static str,
        /// The file with the tool's output.
        log: PathBuf,
        /// The last line of the output.
        line: String,
    },
    /// The functions do not compile.
    #[error("the functions do not compile, see the compiler's output above")]
    Build,
    /// `cargo lambda watch` ended several times shortly after its start.
    #[error("`cargo lambda watch` keeps stopping; {0}")]
    WatchStops(LogEnd),
    /// The API can no longer be served.
    #[error("the API's port cannot be served any longer")]
    GatewayStops,
    /// The API function does not become healthy.
    #[error("GET /health still returns {response} after {seconds} seconds; {log}")]
    ApiUnhealthy {
        /// The last response.
        response: String,
        /// How long it was waited for.
        seconds: u64,
        /// The output of the functions, or of `cargo lambda watch` if there is none.
        log: LogEnd,
    },
    /// A function that the emulator runs failed at an event for which it has nothing to do.
    #[error("{function} does not run: {response}; {log}")]
    FunctionFails {
        /// The function's name.
        function: String,
        /// The response of the function or the emulator.
        response: String,
        /// The output of the functions.
        log: LogEnd,
    },
    /// Lines of the seed files are not valid.
    #[error("{}", bad_lines(.0))]
    Seeds(Vec<BadLine>),
    /// The seed files are valid, but a line could not be stored.
    #[error("the seed files could not be loaded: {0}")]
    Load(BadLine),
    /// The tokens of the spaces could not be created.
    #[error("the tokens could not be created: {0}")]
    Tokens(#[from] StoreError),
    /// The variables of the deployed function are not those that the code needs.
    #[error("infra/template.yaml does not fit the functions: {0}")]
    Template(#[from] ConfigError),
    /// The table was written with another identifier key, or can't be read.
    #[error(transparent)]
    Key(#[from] KeyCheckError),
    /// A mapping from a stream uses something that is not done on this machine.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// A run of `efface` failed.
    #[error("`{what}` failed, see its output above: {text}")]
    Command {
        /// The command.
        what: String,
        /// Its output.
        text: String,
    },
    /// An operation on a file or a process failed.
    #[error("{what}: {source}")]
    Io {
        /// The operation.
        what: String,
        /// The cause.
        source: io::Error,
    },
}

/// A line of a seed file, and what is wrong with it.
#[derive(Debug, Error)]
#[error("{file}:{line}: {text}")]
pub struct BadLine {
    /// The file, as given on the command line.
    pub file: String,
    /// The line's number, from 1.
    pub line: u64,
    /// What is wrong.
    pub text: String,
}

fn bad_lines(lines: &[BadLine]) -> String {
    let are = if lines.len() == 1 { "line of the seed files is" } else { "lines of the seed files are" };
    let list = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    format!("{} {are} bad, so nothing was started:\n{list}", lines.len())
}

/// Adds the operation to an I/O error.
pub trait Context<T> {
    /// Turns the error into one that names the operation.
    fn context(self, what: impl Into<String>) -> Result<T, LocalError>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: impl Into<String>) -> Result<T, LocalError> {
        self.map_err(|source| LocalError::Io { what: what.into(), source })
    }
}
