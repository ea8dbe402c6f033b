//! Starts and stops programs. A program is stopped when its value is dropped.

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
    error::{Context, LocalError},
    supervisor,
};

/// A program with a [`supervisor`], in its own process group. So Ctrl-C reaches only this process, which then stops the
/// programs in order.
#[derive(Debug)]
pub struct Supervised(Child);

/// A command that runs a program with a supervisor. The program's output goes to stderr.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Result<Command, LocalError> {
    let mut command = Command::new(env::current_exe().context("this program's own path")?);
    command.args(supervisor::arguments()).arg(program);
    command.stdin(Stdio::null()).stdout(io::stderr()).process_group(0);
    Ok(command)
}

impl Supervised {
    /// Starts the program.
    pub fn start(mut command: Command) -> Result<Self, LocalError> {
        command.spawn().map(Self).context("starting a program")
    }

    /// Waits until the program ends by itself.
    pub async fn ended(&mut self) -> Result<ExitStatus, LocalError> {
        self.0.wait().await.context("waiting for a program")
    }

    /// Whether the program has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            supervisor::signal_group(group, signal);
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        // The supervisor kills the program after its own timeout. It gets one second more for that.
        let deadline = Instant::now() + supervisor::STOP_TIMEOUT + Duration::from_secs(1);
        self.signal(Signal::TERM);
        while !self.has_ended() && Instant::now() < deadline {
            sleep(Duration::from_millis(10));
        }
        self.signal(Signal::KILL);
    }
}

/// Sends a command's output to the end of a file.
pub(crate) fn log_to(command: &mut Command, log: &Path) -> Result<(), LocalError> {
    let file = fs::OpenOptions::new().create(true).append(true).open(log);
    let file = file.context(format!("writing {}", log.display()))?;
    command.stdout(file.try_clone().context("a log file")?).stderr(file);
    Ok(())
}

/// The end of a command whose output was written to a file.
#[derive(Debug)]
pub struct Finished {
    /// Whether the exit code was 0.
    pub success: bool,
    /// The file with the output.
    pub log: PathBuf,
}

impl Finished {
    /// The last line of the output that is not blank.
    pub fn last_line(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("no output").to_owned()
    }

    /// An error that names the tool, unless it succeeded.
    pub fn into_result(self, what: &'static str) -> Result<(), LocalError> {
        if self.success {
            return Ok(());
        }
        let line = self.last_line();
        Err(LocalError::Tool { what, log: self.log, line })
    }
}

/// Runs a command to its end, and writes its output to a file.
pub async fn run(mut command: Command, log: &Path) -> Result<Finished, LocalError> {
    let file = fs::File::create(log).context(format!("writing {}", log.display()))?;
    let copy = file.try_clone().context("a log file")?;
    command.stdout(file).stderr(copy);
    let success = Supervised::start(command)?.ended().await?.success();
    Ok(Finished { success, log: log.to_owned() })
}
