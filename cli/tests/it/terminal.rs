//! Runs the program on a terminal, which it is asked and answers on.

use std::{
    fs::File,
    io::{Read, Write},
    process::{Command, Stdio},
};

use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};

/// How a run on a terminal ended.
#[derive(Debug)]
pub(crate) struct Run {
    /// The exit code.
    pub(crate) exit: Option<i32>,
    /// What the terminal showed, the typed answer included where it was shown.
    pub(crate) screen: String,
    /// What was written to standard output.
    pub(crate) output: String,
}

/// Runs the program with a terminal as standard input and standard error, and types the answer to its question.
pub(crate) async fn on_terminal(
    line: &[&str],
    settings: impl IntoIterator<Item = (&'static str, String)>,
    answer: &'static str,
) -> Run {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = File::from(open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_efface"));
    command.args(line).envs(settings).stdout(Stdio::piped());
    command.stdin(terminal.try_clone().unwrap()).stderr(terminal);
    let run = move || {
        let child = command.spawn().unwrap();
        // The terminal is closed when the child ends: this process must not hold it open.
        drop(command);
        let mut master = File::from(master);
        let mut screen = Vec::new();
        let mut answered = false;
        loop {
            let mut buffer = [0; 4_096];
            match master.read(&mut buffer) {
                Ok(read) if read > 0 => screen.extend_from_slice(&buffer[..read]),
                // EIO, or the end: no process has the terminal open.
                _ => break,
            }
            let shown = String::from_utf8_lossy(&screen);
            if !answered && (shown.contains("to continue: ") || shown.contains("press Enter.")) {
                // Where the echo is switched off, that follows the text.
                std::thread::sleep(std::time::Duration::from_millis(100));
                master.write_all(answer.as_bytes()).unwrap();
                answered = true;
            }
        }
        let output = child.wait_with_output().unwrap();
        let screen = String::from_utf8_lossy(&screen).replace("\r\n", "\n");
        Run { exit: output.status.code(), screen, output: String::from_utf8_lossy(&output.stdout).into_owned() }
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}
