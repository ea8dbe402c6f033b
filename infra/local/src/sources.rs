//! The files that programs were built from, by the lists that cargo leaves beside them.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tokio::time::sleep;

use crate::workspace::Workspace;

const GLANCE: Duration = Duration::from_millis(500);

/// Files to keep an eye on.
#[derive(Debug)]
pub(crate) struct Sources {
    lists: Vec<PathBuf>,
    always: [PathBuf; 2],
    files: Vec<PathBuf>,
    newest: Option<SystemTime>,
}

impl Sources {
    /// The files of built programs.
    pub(crate) fn of(workspace: &Workspace, programs: &[PathBuf]) -> Self {
        let lists = programs.iter().map(|program| program.with_extension("d")).collect();
        let always = ["Cargo.toml", "Cargo.lock"].map(|name| workspace.root.join(name));
        let mut sources = Self { lists, always, files: Vec::new(), newest: None };
        sources.read();
        sources.newest = sources.newest();
        sources
    }

    /// A build may have added files.
    pub(crate) fn read(&mut self) {
        let lists = self.lists.iter().filter_map(|list| fs::read_to_string(list).ok());
        self.files = lists.flat_map(|list| listed(&list)).chain(self.always.clone()).collect();
        self.files.sort();
        self.files.dedup();
    }

    /// Waits until one of them is newer than all were. What changes during a build is seen at the next call.
    pub(crate) async fn changed(&mut self) {
        loop {
            sleep(GLANCE).await;
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

/// The files of a list: `program: file file`, a space in a name behind a backslash.
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
    fn a_list_of_cargo_is_read() {
        let list = "/t/debug/efface-api: /w/a.rs /w/my\\ files/b.rs\n";
        assert_eq!(listed(list), [Path::new("/w/a.rs"), Path::new("/w/my files/b.rs")]);
        assert!(listed("").is_empty());
    }
}
