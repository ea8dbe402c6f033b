//! Runs the functions that a queue, a stream or a schedule invokes. The emulator starts them as processes, as Lambda does: as
//! many as there are events. It ends a process after the function's timeout, and replaces a process that died at the
//! next event (`docs/adr/0006`).

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::{
    archive,
    console::say,
    emulator::Emulator,
    error::{Context, LocalError},
    function,
    logs::{LogEnd, Logs},
    sources::Sources,
    workspace::Workspace,
};

/// The functions by the last part of their names, each with an event for which it has nothing to do.
const FUNCTIONS: [(&str, &str); 4] =
    [("bulk-worker", NO_RECORDS), ("job-reconciler", "{}"), (CHANGE_CAPTURE, NO_RECORDS), (AUDIT_LOG, NO_RECORDS)];
const NO_RECORDS: &str = r#"{"Records":[]}"#;
/// Those that only a stack with a journal has.
pub(crate) const CHANGE_CAPTURE: &str = "change-capture";
const AUDIT_LOG: &str = "audit-log";

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
    /// Whether the stack has a journal.
    pub has_journal: bool,
    /// The files for the output.
    pub logs: &'a Logs,
}

impl Delivery<'_> {
    /// Replaces the deployed code by the built functions, and checks that each of them runs.
    pub async fn start(&self) -> Result<(), LocalError> {
        let log = &self.logs.functions;
        File::create(log).context(format!("writing {}", log.display()))?;
        self.deploy_code().await?;
        for (name, event) in self.functions() {
            let function = format!("{}-{name}", self.stack);
            let invoked = self.emulator.invoke(&function, event).await;
            invoked.map_err(|error| LocalError::FunctionFails {
                function,
                response: error.to_string(),
                log: LogEnd::of(log),
            })?;
        }
        Ok(())
    }

    /// The functions that the stack has.
    fn functions(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let built = function::of(self.workspace);
        let is_there = move |name: &str| built.iter().any(|found| *found == binary(name));
        FUNCTIONS.into_iter().filter(move |(name, _)| {
            (self.has_journal || ![CHANGE_CAPTURE, AUDIT_LOG].contains(name)) && is_there(name)
        })
    }

    /// Deploys the built functions. This ends running processes; their events are delivered again, as after any
    /// failure.
    async fn deploy_code(&self) -> Result<(), LocalError> {
        for (name, _) in self.functions() {
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
        format!("#!/bin/sh\nexec {} >>{} 2>&1\n", quoted(&program), quoted(&self.logs.functions))
    }

    /// Builds all functions again when their sources change, and deploys those that the emulator runs, if they changed.
    /// Returns only after an error.
    pub async fn rebuild_on_change(&self) -> LocalError {
        let built = |name| function::built(self.workspace, self.release, name);
        let programs: Vec<PathBuf> = function::of(self.workspace).into_iter().map(built).collect();
        let mut sources = Sources::of(self.workspace, &programs);
        loop {
            sources.changed().await;
            say("the sources have changed; building the functions");
            if let Err(error) = self.rebuild().await {
                return error;
            }
            sources.read();
        }
    }

    async fn rebuild(&self) -> Result<(), LocalError> {
        let before = self.built_at();
        match function::build(self.workspace, self.release, &self.logs.build).await {
            Ok(()) if self.built_at() != before => self.deploy_code().await,
            Ok(()) => Ok(()),
            Err(error @ (LocalError::Build | LocalError::Tool { .. })) => {
                say(format_args!("{error}; the previous ones stay in use"));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// When the functions that the emulator runs were built.
    fn built_at(&self) -> [Option<SystemTime>; 4] {
        let program = |name: &str| function::built(self.workspace, self.release, &binary(name));
        FUNCTIONS.map(|(name, _)| fs::metadata(program(name)).ok()?.modified().ok())
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
