//! What can go wrong, each in one line that says how to mend it.

use std::{io, path::PathBuf};

use efface_aws::{StoreError, config::ConfigError, store::key_check::KeyCheckError};
use thiserror::Error;

use crate::function::HEALTH_SECONDS;

/// Why the stack on one's own machine could not be started, or stopped by itself.
#[derive(Debug, Error)]
pub enum LocalError {
    /// No `python3` on the PATH.
    #[error("python3 was not found: install Python 3.10 or newer, with its venv module, and put it on the PATH")]
    PythonMissing,
    /// A Python that the tools do not run on.
    #[error("python3 is {0}: install Python 3.10 or newer and put it first on the PATH")]
    PythonOld(String),
    /// A Python without `venv` or `ensurepip`.
    #[error("python3 cannot make virtual environments (on Debian and Ubuntu: apt install python3-venv): {0}")]
    NoVenv(String),
    /// pip failed: most often there is no network.
    #[error("the tools could not be installed; check the network and start again, details are in {log}: {line}")]
    Install {
        /// pip's whole output.
        log: PathBuf,
        /// Its last line.
        line: String,
    },
    /// Someone listens on the port that the API should answer on.
    #[error("port {0} is taken: stop what listens on it, or choose another with --port")]
    PortTaken(u16),
    /// The emulator went away while it started.
    #[error("the AWS emulator did not start; its own words are above: {0}")]
    EmulatorStart(String),
    /// The emulator went away later; all state is lost with it.
    #[error("the AWS emulator stopped, and what it stored is lost: start again")]
    EmulatorStopped,
    /// The emulator answered something unexpected.
    #[error("the AWS emulator refused {what}: {text}")]
    Emulator {
        /// What was asked for.
        what: &'static str,
        /// Its answer.
        text: String,
    },
    /// A tool failed whose output went to a file.
    #[error("{what} failed, details are in {log}: {line}")]
    Tool {
        /// The tool and what it did.
        what: &'static str,
        /// Its whole output.
        log: PathBuf,
        /// Its last line.
        line: String,
    },
    /// The functions do not compile.
    #[error("the functions do not compile: mend what the compiler says above")]
    Build,
    /// `cargo lambda watch` ends again and again.
    #[error("`cargo lambda watch` keeps stopping; its own words are above")]
    WatchStops,
    /// The API runs but does not get well.
    #[error("GET /health is not 200 after {HEALTH_SECONDS} seconds but {0}; the function's own words are above")]
    Ill(String),
    /// A function that the emulator runs fails at an event that asks nothing of it.
    #[error("{function} does not run; its own words are above: {answer}")]
    Unhealthy {
        /// Its name.
        function: String,
        /// What it or the emulator said.
        answer: String,
    },
    /// A line of a seed file.
    #[error("{file}:{line}: {text}")]
    Seed {
        /// As given on the command line.
        file: String,
        /// From 1.
        line: usize,
        /// What is wrong.
        text: String,
    },
    /// The seeds were read but could not be stored.
    #[error("the seeds could not be loaded: {0}")]
    Load(#[from] StoreError),
    /// The deployed function's variables are not what the store needs.
    #[error("infra/template.yaml and the functions disagree: {0}")]
    Template(#[from] ConfigError),
    /// The table was written under another key, or can't be read.
    #[error(transparent)]
    Key(#[from] KeyCheckError),
    /// A command of ours that did not do what it was told.
    #[error("`{what}` failed, its own words are above: {text}")]
    Refused {
        /// The command.
        what: String,
        /// Its answer.
        text: String,
    },
    /// A file or a process.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// Names what was tried when a file or a process makes trouble.
pub trait Tried<T> {
    /// Turns the error into one that says what was tried.
    fn tried(self, what: impl Into<String>) -> Result<T, LocalError>;
}

impl<T> Tried<T> for io::Result<T> {
    fn tried(self, what: impl Into<String>) -> Result<T, LocalError> {
        self.map_err(|source| LocalError::Io { what: what.into(), source })
    }
}
