//! Finds the running `cargo local`s. Each has a settings file, `local/PORT/env` in cargo's target folder, which it keeps
//! locked; a file that is not locked was left by one that was killed.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use efface_aws::config::Lookup;
use thiserror::Error;

/// It is not clear which `cargo local` is meant. Nothing was done.
#[derive(Debug, Error)]
pub enum LocalSiteError {
    /// None runs.
    #[error(
        "`cargo local` does not run: start it first (no folder target/local, in this folder or above, has a running one)"
    )]
    NotRunning,
    /// None runs on the port that was given.
    #[error("no `cargo local` runs on port {port}{}", others(.running))]
    NotOnPort {
        /// The port that was given.
        port: u16,
        /// The ports of those that run.
        running: Vec<u16>,
    },
    /// Several run.
    #[error("several `cargo local` run, on ports {}: choose one with --local=PORT", list(.0))]
    Several(Vec<u16>),
}

fn others(ports: &[u16]) -> String {
    if ports.is_empty() { String::new() } else { format!("; those that run are on: {}", list(ports)) }
}

fn list(ports: &[u16]) -> String {
    ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The settings file of the running `cargo local` on a port, or of the only one.
pub(crate) fn settings_file(port: Option<u16>, env: Lookup<'_>) -> Result<PathBuf, LocalSiteError> {
    let mut running =
        targets(env).iter().map(|target| running(target)).find(|found| !found.is_empty()).unwrap_or_default();
    let ports: Vec<u16> = running.keys().copied().collect();
    match (port, ports.as_slice()) {
        (Some(port), _) => running.remove(&port).ok_or(LocalSiteError::NotOnPort { port, running: ports }),
        (None, []) => Err(LocalSiteError::NotRunning),
        (None, [port]) => running.remove(port).ok_or(LocalSiteError::NotRunning),
        (None, _) => Err(LocalSiteError::Several(ports)),
    }
}

/// Cargo's target folders: the one that is set, else those in this folder and above.
fn targets(env: Lookup<'_>) -> Vec<PathBuf> {
    let here = env::current_dir().unwrap_or_default();
    match env("CARGO_TARGET_DIR") {
        Some(target) => vec![target.into()],
        None => here.ancestors().map(|folder| folder.join("target")).collect(),
    }
}

/// The settings files of those that run, by port.
fn running(target: &Path) -> BTreeMap<u16, PathBuf> {
    let folders = fs::read_dir(target.join("local")).into_iter().flatten().flatten();
    let files = folders.filter_map(|folder| {
        let port = folder.file_name().to_str()?.parse().ok()?;
        Some((port, folder.path().join("env")))
    });
    files.filter(|(_, file)| is_locked(file)).collect()
}

fn is_locked(file: &Path) -> bool {
    File::open(file).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_one_that_runs_is_found_and_several_need_a_port() {
        let target = env::temp_dir().join(format!("efface-local-{}", std::process::id()));
        let env = |name: &str| (name == "CARGO_TARGET_DIR").then(|| target.display().to_string());
        let file = |port: &str| {
            fs::create_dir_all(target.join("local").join(port)).unwrap();
            File::create(target.join("local").join(port).join("env")).unwrap()
        };
        let find = |port| settings_file(port, &env).map_err(|error| error.to_string());
        let found = |port: &str| Ok(target.join("local").join(port).join("env"));
        let nothing = "`cargo local` does not run: start it first (no folder target/local, in this folder or above, has a \
                       running one)";
        assert_eq!(find(None), Err(nothing.to_owned()));
        // The first one was killed.
        let (_killed, first, second) = (file("9000"), file("9001"), file("9002"));
        first.lock().unwrap();
        assert_eq!(find(None), found("9001"));
        assert_eq!(find(Some(9001)), found("9001"));
        let other = "no `cargo local` runs on port 9000; those that run are on: 9001";
        assert_eq!(find(Some(9000)), Err(other.to_owned()));
        second.lock().unwrap();
        let several = "several `cargo local` run, on ports 9001, 9002: choose one with --local=PORT";
        assert_eq!(find(None), Err(several.to_owned()));
        assert_eq!(find(Some(9002)), found("9002"));
        drop((first, second));
        assert_eq!(find(Some(9002)), Err("no `cargo local` runs on port 9002".to_owned()));
        fs::remove_dir_all(&target).unwrap();
    }
}
