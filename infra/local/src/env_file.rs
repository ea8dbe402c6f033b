//! The settings file for `efface --local`. It contains secrets, so only this user may read it. `cargo local` keeps it
//! locked: so the command tells a running one from one that was killed, whose file is left (`cli/src/local.rs`).

use std::{
    fs::{self, File, OpenOptions},
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
pub struct EnvFile {
    path: PathBuf,
    _locked: File,
}

impl EnvFile {
    /// Writes KEY=VALUE lines to `local/PORT/env` below the target folder, and locks the file.
    pub fn write<'a>(
        workspace: &Workspace,
        port: u16,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, LocalError> {
        let path = workspace.target.join(format!("local/{port}/env"));
        let what = format!("writing {}", path.display());
        let options = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        let mut file = options.context(&what)?;
        let mut lines = settings.into_iter();
        lines.try_for_each(|(name, value)| writeln!(file, "{name}={value}")).context(&what)?;
        file.lock().context(what)?;
        Ok(Self { path, _locked: file })
    }
}

impl Drop for EnvFile {
    fn drop(&mut self) {
        // The file may have been deleted already.
        _ = fs::remove_file(&self.path);
    }
}
