//! The functions that a queue and a schedule start. The emulator runs them as processes, as Lambda would: as many as
//! there are events, each ended when its time is up, and a dead one replaced at the next event (`docs/adr/0006`).

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
    error::{LocalError, Tried},
    function,
    sources::Sources,
    workspace::Workspace,
};

/// By the last part of their names, each with an event that asks nothing of it.
const DELIVERED: [(&str, &str); 2] = [("bulk-worker", r#"{"Records":[]}"#), ("job-reconciler", "{}")];
const GLANCE: Duration = Duration::from_millis(300);

/// The binary of a function. It is also the name of its process, of which Linux shows 15 characters.
fn binary(name: &str) -> String {
    format!("efface-{name}")
}

/// What runs them, and keeps them as the sources are.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// The repository.
    pub workspace: &'a Workspace,
    /// Where the functions are deployed.
    pub emulator: &'a Emulator,
    /// The stack.
    pub stack: &'a str,
    /// Whether functions are built with optimisations.
    pub release: bool,
    /// What the functions say.
    pub log: &'a Path,
}

impl Delivery<'_> {
    /// Puts the built functions in place of what was deployed, and sees that each of them answers.
    pub async fn start(&self) -> Result<(), LocalError> {
        File::create(self.log).tried(format!("writing {}", self.log.display()))?;
        self.put().await?;
        for (name, event) in DELIVERED {
            let answer = self.emulator.invoke(&format!("{}-{name}", self.stack), event).await;
            // Nobody repeats the log yet.
            answer.inspect_err(|_| say(fs::read_to_string(self.log).unwrap_or_default()))?;
        }
        Ok(())
    }

    /// Ends the processes that run. An event that one of them was busy with comes back, as after any other failure.
    async fn put(&self) -> Result<(), LocalError> {
        for (name, _) in DELIVERED {
            let archive = archive::bootstrap(&self.script(name));
            self.emulator.put_code(&format!("{}-{name}", self.stack), &archive).await?;
        }
        Ok(())
    }

    /// The shell becomes the function, which so has its own name, and is killed when the emulator kills it.
    fn script(&self, name: &str) -> String {
        let program = function::built(self.workspace, self.release, &binary(name));
        format!("#!/bin/sh\nexec {} >>{} 2>&1\n", quoted(&program), quoted(self.log))
    }

    /// Repeats on stderr what they say.
    pub async fn tell(&self) -> LocalError {
        let mut log = match File::open(self.log).tried(format!("reading {}", self.log.display())) {
            Ok(log) => log,
            Err(error) => return error,
        };
        loop {
            // A closed terminal is no reason to stop.
            _ = io::copy(&mut log, &mut io::stderr());
            sleep(GLANCE).await;
        }
    }

    /// Builds them anew when their sources change. Returns only when something is wrong that can't be mended.
    pub async fn renew(&self) -> LocalError {
        let programs: Vec<PathBuf> =
            DELIVERED.iter().map(|(name, _)| function::built(self.workspace, self.release, &binary(name))).collect();
        let mut sources = Sources::of(self.workspace, &programs);
        loop {
            sources.changed().await;
            say("the sources have changed; building the functions");
            let renewed = match function::build(self.workspace, self.release).await {
                Ok(()) => self.put().await,
                Err(LocalError::Build) => {
                    say("they do not compile; those that run go on");
                    Ok(())
                }
                Err(error) => Err(error),
            };
            if let Err(error) = renewed {
                return error;
            }
            sources.read();
        }
    }
}

/// As the shell reads it.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_path_reaches_the_shell_as_it_is() {
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
