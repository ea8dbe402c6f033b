//! A supervisor is a small process between a binary of this crate and a program that it starts. It ends the program
//! when the process that started it is gone, even after a `kill -9`. With `--restart`, it starts the program again when
//! the program ends by itself. With `--log FILE`, it adds the program's output to a file.
//!
//! To start a supervisor, a binary runs itself as `supervise [--restart] [--log FILE] PROGRAM ARGUMENTS`; see
//! [`run_if_requested`].

use std::{env, ffi::OsString, fs::File, io, path::Path, process::ExitCode, time::Duration};

use rustix::process::{Pid, Signal, getpgrp, getppid, kill_process_group};
use tokio::{
    process::Child,
    process::Command,
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::console::say;

/// How long a program may take to end after a signal, before it is killed.
pub(crate) const STOP_TIMEOUT: Duration = Duration::from_secs(5);
const POLL_INTERVAL: Duration = Duration::from_millis(200);
const SUPERVISE: &str = "supervise";
const RESTART: &str = "--restart";
const LOG: &str = "--log";

/// The arguments that make this binary the supervisor of a program. The program and its arguments follow them.
pub(crate) fn arguments() -> [&'static str; 1] {
    [SUPERVISE]
}

/// The same for a program that is started again when it ends, and whose output is added to a file.
pub(crate) fn restart_arguments(log: &Path) -> [OsString; 4] {
    [SUPERVISE.into(), RESTART.into(), LOG.into(), log.into()]
}

/// How to run a program.
struct Orders {
    restart: bool,
    log: Option<OsString>,
    command: Vec<OsString>,
}

/// Runs as a supervisor if the first argument says so, and returns the exit code. Each binary calls this first.
pub fn run_if_requested() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1).peekable();
    arguments.next_if(|argument| argument == SUPERVISE)?;
    let restart = arguments.next_if(|argument| argument == RESTART).is_some();
    let log = arguments.next_if(|argument| argument == LOG).and_then(|_| arguments.next());
    let orders = Orders { restart, log, command: arguments.collect() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Some(match runtime.and_then(|runtime| runtime.block_on(supervise(&orders))) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let program = orders.command.first().map_or(SUPERVISE.into(), |name| name.to_string_lossy());
            say(format_args!("{program}: {error}"));
            ExitCode::FAILURE
        }
    })
}

async fn supervise(Orders { restart, log, command }: &Orders) -> io::Result<u8> {
    let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let parent = getppid();
    let mut stop = signal(SignalKind::terminate())?;
    loop {
        let mut command = Command::new(program);
        if let Some(log) = log {
            let log = File::options().create(true).append(true).open(log)?;
            command.stdout(log.try_clone()?).stderr(log);
        }
        let mut child = command.args(arguments).spawn()?;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                _ = stop.recv() => return end(&mut child).await,
                () = sleep(POLL_INTERVAL) => if getppid() != parent { return end(&mut child).await },
            }
        };
        if !*restart {
            return Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1));
        }
        tokio::select! {
            _ = stop.recv() => return Ok(0),
            () = sleep(POLL_INTERVAL) => {}
        }
    }
}

/// Ends the process group, which contains this process, the program, and most programs that it started.
async fn end(child: &mut Child) -> io::Result<u8> {
    signal_group(getpgrp(), Signal::TERM);
    if tokio::time::timeout(STOP_TIMEOUT, child.wait()).await.is_err() {
        signal_group(getpgrp(), Signal::KILL);
    }
    Ok(0)
}

/// Sends a signal to a process group. An error means that the group is already gone, and is ignored.
pub(crate) fn signal_group(group: Pid, signal: Signal) {
    _ = kill_process_group(group, signal);
}
