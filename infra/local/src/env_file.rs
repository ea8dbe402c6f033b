//! The settings file for `efface --local`, which exists while `cargo local` runs. It contains secrets, so only this user
//! may read it.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use crate::{
    error::{Context, LocalError},
    workspace::Workspace,
};

/// The settings file. It is deleted when this value is dropped.
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
        written.context(format!("writing {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for EnvFile {
    fn drop(&mut self) {
        // The file may have been deleted already.
        _ = fs::remove_file(&self.0);
    }
}
