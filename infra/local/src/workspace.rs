//! The folders of the repository.

use std::{
    env, fs,
    path::{Path, PathBuf},
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
