//! Where things are.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::error::{LocalError, Tried};

/// The repository that this program was built from.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The folder with the root `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder, which git and hot reload both ignore.
    pub target: PathBuf,
}

impl Workspace {
    /// Finds it.
    pub fn find() -> Result<Self, LocalError> {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let root = Path::new(here).canonicalize().tried(format!("the repository at {here}"))?;
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let target = std::path::absolute(&target).tried("the target folder")?;
        Ok(Self { root, target })
    }

    /// An empty folder for one run, below the target folder.
    pub fn fresh(&self, name: &str) -> Result<PathBuf, LocalError> {
        let folder = self.target.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).tried(format!("emptying {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).tried(format!("making {}", folder.display()))?;
        Ok(folder)
    }
}
