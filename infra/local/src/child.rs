//! Starting and stopping programs. What was started is stopped when its value is dropped, on every way out.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};
use tokio::process::{Child, Command};

use crate::{
    error::{LocalError, Tried},
    supervisor,
};

/// A program on a leash, in a process group of its own: a Ctrl-C reaches only us, and we stop it in order.
#[derive(Debug)]
pub struct Leashed(Child);

/// A command whose program will be on a leash. Its output goes to our stderr; stdout is for answers.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Result<Command, LocalError> {
    let mut command = Command::new(env::current_exe().tried("this program's own path")?);
    command.args(supervisor::arguments(false)).arg(program);
    command.stdin(Stdio::null()).stdout(io::stderr()).process_group(0);
    Ok(command)
}

impl Leashed {
    /// Starts it.
    pub fn start(mut command: Command) -> Result<Self, LocalError> {
        command.spawn().map(Self).tried("starting a program")
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> Result<ExitStatus, LocalError> {
        self.0.wait().await.tried("waiting for a program")
    }

    /// Whether it has ended.
    pub(crate) fn is_gone(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            supervisor::signal_group(group, signal);
        }
    }
}

impl Drop for Leashed {
    fn drop(&mut self) {
        // The leash has as much patience with the program; a second more lets it be the one that ends it.
        let deadline = Instant::now() + supervisor::PATIENCE + Duration::from_secs(1);
        self.signal(Signal::TERM);
        while !self.is_gone() && Instant::now() < deadline {
            sleep(Duration::from_millis(10));
        }
        self.signal(Signal::KILL);
    }
}

/// How a command whose output went to a file ended.
#[derive(Debug)]
pub struct Finished {
    /// Whether it said that all is well.
    pub success: bool,
    /// Its whole output.
    pub log: PathBuf,
}

impl Finished {
    /// The last line of its output that says anything.
    pub fn last_line(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("no output").to_owned()
    }

    /// An error that names the tool, where it failed.
    pub fn or_say(self, what: &'static str) -> Result<(), LocalError> {
        if self.success {
            return Ok(());
        }
        let line = self.last_line();
        Err(LocalError::Tool { what, log: self.log, line })
    }
}

/// Runs a command to its end, its output in a file.
pub async fn run(mut command: Command, log: &Path) -> Result<Finished, LocalError> {
    let file = fs::File::create(log).tried(format!("writing {}", log.display()))?;
    let copy = file.try_clone().tried("a log file")?;
    command.stdout(file).stderr(copy);
    let success = Leashed::start(command)?.ended().await?.success();
    Ok(Finished { success, log: log.to_owned() })
}
