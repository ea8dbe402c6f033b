//! The source files of built programs, from the dependency files that cargo writes beside the binaries.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tokio::time::sleep;

use crate::workspace::Workspace;

const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The source files that are watched.
#[derive(Debug)]
pub(crate) struct Sources {
    lists: Vec<PathBuf>,
    always: [PathBuf; 2],
    files: Vec<PathBuf>,
    newest: Option<SystemTime>,
}

impl Sources {
    /// The source files of the given programs.
    pub(crate) fn of(workspace: &Workspace, programs: &[PathBuf]) -> Self {
        let lists = programs.iter().map(|program| program.with_extension("d")).collect();
        let always = ["Cargo.toml", "Cargo.lock"].map(|name| workspace.root.join(name));
        let mut sources = Self { lists, always, files: Vec::new(), newest: None };
        sources.read();
        sources.newest = sources.newest();
        sources
    }

    /// Reads the lists again, because a build may have added files.
    pub(crate) fn read(&mut self) {
        let lists = self.lists.iter().filter_map(|list| fs::read_to_string(list).ok());
        self.files = lists.flat_map(|list| listed(&list)).chain(self.always.clone()).collect();
        self.files.sort();
        self.files.dedup();
    }

    /// Waits until a file has changed since the previous call. So a change during a build is noticed by the next call.
    pub(crate) async fn changed(&mut self) {
        loop {
            sleep(POLL_INTERVAL).await;
            let newest = self.newest();
            if newest > self.newest {
                self.newest = newest;
                return;
            }
        }
    }

    fn newest(&self) -> Option<SystemTime> {
        self.files.iter().filter_map(|file| fs::metadata(file).ok()?.modified().ok()).max()
    }
}

/// Parses a dependency file: `program: file file`, with a backslash before a space in a name.
fn listed(list: &str) -> Vec<PathBuf> {
    let files = list.lines().filter_map(|line| line.split_once(": ")).map(|(_, files)| files);
    let names = files.flat_map(|files| {
        let files = files.replace("\\ ", "\0");
        files.split(' ').map(|name| name.replace('\0', " ")).collect::<Vec<_>>()
    });
    names.filter(|name| !name.is_empty()).map(|name| Path::new(&name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_file_is_read() {
        let list = "/t/debug/efface-api: /w/a.rs /w/my\\ files/b.rs\n";
        assert_eq!(listed(list), [Path::new("/w/a.rs"), Path::new("/w/my files/b.rs")]);
        assert!(listed("").is_empty());
    }
}
