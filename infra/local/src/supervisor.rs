//! A small process between us and each program that we start: the program ends when whoever started it is gone, however
//! it went (a `kill -9` included), and it is started again when it ends by itself, where that is asked for.
//!
//! Our binaries run themselves as `leash [--again] PROGRAM ARGUMENTS`; see [`run_if_asked`].

use std::{env, ffi::OsString, io, process::ExitCode, time::Duration};

use rustix::process::{Pid, Signal, getpgrp, getppid, kill_process_group};
use tokio::{
    process::Child,
    process::Command,
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::console::say;

/// How long a program may take to end when asked to.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
const GLANCE: Duration = Duration::from_millis(200);
const ARGUMENT: &str = "leash";
const AGAIN: &str = "--again";

/// What to put before a program and its arguments.
pub(crate) fn arguments(again: bool) -> Vec<&'static str> {
    if again { vec![ARGUMENT, AGAIN] } else { vec![ARGUMENT] }
}

/// The first thing that a binary does: where it was started as a leash, it is one, and nothing else.
pub fn run_if_asked() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1).peekable();
    arguments.next_if(|argument| argument == ARGUMENT)?;
    let again = arguments.next_if(|argument| argument == AGAIN).is_some();
    let command: Vec<OsString> = arguments.collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Some(match runtime.and_then(|runtime| runtime.block_on(hold(again, &command))) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(format_args!("{}: {error}", command.first().map_or("leash".into(), |name| name.to_string_lossy())));
            ExitCode::FAILURE
        }
    })
}

async fn hold(again: bool, command: &[OsString]) -> io::Result<u8> {
    let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let owner = getppid();
    let mut stop = signal(SignalKind::terminate())?;
    loop {
        let mut child = Command::new(program).args(arguments).spawn()?;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                _ = stop.recv() => return end(&mut child).await,
                () = sleep(GLANCE) => if getppid() != owner { return end(&mut child).await },
            }
        };
        if !again {
            return Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1));
        }
        tokio::select! {
            _ = stop.recv() => return Ok(0),
            () = sleep(GLANCE) => {}
        }
    }
}

/// The program is in our process group, and so are most of those that it started.
async fn end(child: &mut Child) -> io::Result<u8> {
    signal_group(getpgrp(), Signal::TERM);
    if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
        signal_group(getpgrp(), Signal::KILL);
    }
    Ok(0)
}

/// A group that is gone already is what was wanted.
pub(crate) fn signal_group(group: Pid, signal: Signal) {
    _ = kill_process_group(group, signal);
}
