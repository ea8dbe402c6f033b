//! Runs the command against an in-process table, and against a fake API.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod admin;
mod audit;
mod bulk;
mod delete;
mod dry_runs;
mod endings;
mod fake_api;
mod fake_log;
mod fake_outcomes;
mod fake_segments;
mod help;
mod jobs;
mod journal;
mod load;
mod local;
mod log_rebuild;
mod logs;
mod mirror;
mod profile;
mod progress;
mod questions;
mod reapply;
mod receipts;
mod receipts_get;
mod report;
mod segment_deletion;
mod segments;
mod show;
mod site;
mod terminal;
mod tokens;
mod unreachable;
mod values;

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

/// Runs the program itself with a text on standard input. The other tests call its code.
async fn efface(line: &[&str], settings: [(&'static str, String); 3], stdin: &'static str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_efface"));
    command.arg("--json").args(line).envs(settings).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let running = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        // The program may end without reading.
        _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child.wait_with_output().unwrap()
    });
    running.await.unwrap()
}
