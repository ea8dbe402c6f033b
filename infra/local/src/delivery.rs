//! Runs the functions that a queue or a schedule invokes. The emulator starts them as processes, as Lambda does: as
//! many as there are events. It ends a process after the function's timeout, and replaces a process that died at the
//! next event (`docs/adr/0006`).

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::sleep;

use crate::{
    archive,
    console::say,
    emulator::Emulator,
    error::{Context, LocalError},
    function,
    sources::Sources,
    workspace::Workspace,
};

/// The functions by the last part of their names, each with an event for which it has nothing to do.
const FUNCTIONS: [(&str, &str); 2] = [("bulk-worker", r#"{"Records":[]}"#), ("job-reconciler", "{}")];
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// The binary of a function. Its name is also that of the process, of which Linux shows 15 characters.
fn binary(name: &str) -> String {
    format!("efface-{name}")
}

/// Deploys the functions to the emulator, and again when their sources change.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// The repository.
    pub workspace: &'a Workspace,
    /// The emulator that runs the functions.
    pub emulator: &'a Emulator,
    /// The stack's name.
    pub stack: &'a str,
    /// Whether functions are built with optimisations.
    pub release: bool,
    /// The file for the functions' output.
    pub log: &'a Path,
}

impl Delivery<'_> {
    /// Replaces the deployed code by the built functions, and checks that each of them runs.
    pub async fn start(&self) -> Result<(), LocalError> {
        File::create(self.log).context(format!("writing {}", self.log.display()))?;
        self.deploy_code().await?;
        for (name, event) in FUNCTIONS {
            let response = self.emulator.invoke(&format!("{}-{name}", self.stack), event).await;
            // The log is not yet followed, so it is printed here.
            response.inspect_err(|_| say(fs::read_to_string(self.log).unwrap_or_default()))?;
        }
        Ok(())
    }

    /// Deploys the built functions. This ends running processes; their events are delivered again, as after any
    /// failure.
    async fn deploy_code(&self) -> Result<(), LocalError> {
        for (name, _) in FUNCTIONS {
            let archive =
                archive::bootstrap(&self.script(name)).map_err(io::Error::from).context("making an archive")?;
            self.emulator.put_code(&format!("{}-{name}", self.stack), &archive).await?;
        }
        Ok(())
    }

    /// The script that is deployed. With `exec`, the shell's process becomes the function's, so that the emulator can
    /// kill it.
    fn script(&self, name: &str) -> String {
        let program = function::built(self.workspace, self.release, &binary(name));
        format!("#!/bin/sh\nexec {} >>{} 2>&1\n", quoted(&program), quoted(self.log))
    }

    /// Copies the functions' output to stderr. Returns only after an error.
    pub async fn follow_log(&self) -> LocalError {
        let mut log = match File::open(self.log).context(format!("reading {}", self.log.display())) {
            Ok(log) => log,
            Err(error) => return error,
        };
        loop {
            // A closed terminal must not stop the program.
            _ = io::copy(&mut log, &mut io::stderr());
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Builds and deploys the functions again when their sources change. Returns only after an error.
    pub async fn rebuild_on_change(&self) -> LocalError {
        let programs: Vec<PathBuf> =
            FUNCTIONS.iter().map(|(name, _)| function::built(self.workspace, self.release, &binary(name))).collect();
        let mut sources = Sources::of(self.workspace, &programs);
        loop {
            sources.changed().await;
            say("the sources have changed; building the functions");
            let rebuilt = match function::build(self.workspace, self.release).await {
                Ok(()) => self.deploy_code().await,
                Err(LocalError::Build) => {
                    say("the functions do not compile; the previous ones stay in use");
                    Ok(())
                }
                Err(error) => Err(error),
            };
            if let Err(error) = rebuilt {
                return error;
            }
            sources.read();
        }
    }
}

/// A path as a quoted word of a shell script.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_the_shell() {
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
