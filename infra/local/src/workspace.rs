//! The folders of the repository.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::error::{Context, LocalError};

/// The repository from which this program was built.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The folder with the root `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder, which git and the hot reload ignore.
    pub target: PathBuf,
}

impl Workspace {
    /// Finds the repository. Fails if it was moved since the build.
    pub fn find() -> Result<Self, LocalError> {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let root = Path::new(here).canonicalize().context(format!("the repository at {here}"))?;
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let target = std::path::absolute(&target).context("the target folder")?;
        Ok(Self { root, target })
    }

    /// The commit that is checked out, as an optimised build names it (`functions/aws/build.rs`). None outside a repository.
    pub fn commit(&self) -> Option<String> {
        if let Some(given) = env::var_os("EFFACE_COMMIT") {
            return given.into_string().ok();
        }
        let output =
            Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).current_dir(&self.root).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Makes an empty folder for one run, below the target folder.
    pub fn fresh(&self, name: &str) -> Result<PathBuf, LocalError> {
        let folder = self.target.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).context(format!("emptying {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).context(format!("making {}", folder.display()))?;
        Ok(folder)
    }
}
