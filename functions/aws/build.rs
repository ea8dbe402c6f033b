//! Passes on the commit that is built: that of `EFFACE_COMMIT`, else in a release build that of the Git repository, else
//! `unknown`. A build for development does not ask, so that a commit does not make everything compile again.

use std::{env, path::Path, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=EFFACE_COMMIT");
    let given = env::var("EFFACE_COMMIT").ok().filter(|commit| is_hash(commit));
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = given.or_else(|| if is_release { of_repository() } else { None });
    println!("cargo::rustc-env=EFFACE_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
}

/// The commit of the repository that the sources are in. None without Git, or outside a repository.
fn of_repository() -> Option<String> {
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    // It grows with each commit and each checkout. Cargo would always build again for a file that is not there.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(&log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    Some(commit).filter(|commit| is_hash(commit))
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

fn is_hash(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
