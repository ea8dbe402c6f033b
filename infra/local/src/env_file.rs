//! The file that lets `efface --local` find what runs: settings and the key, for this user's eyes, while it runs.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use crate::{
    error::{LocalError, Tried},
    workspace::Workspace,
};

/// The file; it goes when this goes.
#[derive(Debug)]
pub struct EnvFile(PathBuf);

impl EnvFile {
    /// Writes KEY=VALUE lines to `local/env` below the target folder.
    pub fn write<'a>(
        workspace: &Workspace,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, LocalError> {
        let path = workspace.target.join("local/env");
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        let mut lines = settings.into_iter();
        let written = file.and_then(|mut file| lines.try_for_each(|(name, value)| writeln!(file, "{name}={value}")));
        written.tried(format!("writing {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for EnvFile {
    fn drop(&mut self) {
        // Where it is gone already, somebody cleaned up.
        let _ = fs::remove_file(&self.0);
    }
}
