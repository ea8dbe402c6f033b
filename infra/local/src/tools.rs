//! The Python tools, at pinned versions, in virtual environments below the target folder.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::Stdio,
};

use tokio::process::Command;

use crate::{
    child::{command, run},
    console::say,
    environment::clean,
    error::{LocalError, Tried},
    workspace::Workspace,
};

const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// Installed tools.
#[derive(Debug, Clone)]
pub struct Tools {
    general: PathBuf,
    sam: PathBuf,
}

impl Tools {
    /// Installs what is not there yet. A second start finds the stamps and does nothing.
    pub async fn install(workspace: &Workspace) -> Result<Self, LocalError> {
        let folder = workspace.target.join("python");
        fs::create_dir_all(&folder).tried(format!("making {}", folder.display()))?;
        // Of two starts at once, the second waits for the first one's installation.
        let lock = File::create(folder.join("lock")).tried("the lock of the tools")?;
        lock.lock().tried("the lock of the tools")?;
        let python = python_version().await?;
        let pins = workspace.root.join("infra/local");
        let install = async |name: &str, suffix: &str| {
            Environment { folder: folder.join(name), pins: pins.clone(), suffix: suffix.to_owned() }
                .install(&python)
                .await
        };
        Ok(Self { general: install("tools", "").await?, sam: install("sam", "-sam").await? })
    }

    /// The folders to put on a PATH.
    pub fn folders(&self) -> [PathBuf; 2] {
        [self.general.join("bin"), self.sam.join("bin")]
    }

    /// The AWS emulator.
    pub fn ministack(&self) -> PathBuf {
        self.general.join("bin/ministack")
    }

    /// cargo-lambda, to be started with `lambda` as its first argument.
    pub fn cargo_lambda(&self) -> PathBuf {
        self.general.join("bin/cargo-lambda")
    }

    /// The SAM CLI.
    pub fn sam(&self) -> PathBuf {
        self.sam.join("bin/sam")
    }
}

/// One virtual environment.
struct Environment {
    folder: PathBuf,
    pins: PathBuf,
    suffix: String,
}

impl Environment {
    async fn install(&self, python: &str) -> Result<PathBuf, LocalError> {
        let stamp = self.folder.join("installed");
        let wanted = self.contents(python)?;
        // The interpreter is a link to the user's, and may have gone since.
        if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) && self.folder.join("bin/python").exists() {
            return Ok(self.folder.clone());
        }
        say(format_args!("installing tools into {} (once, about a minute)", self.folder.display()));
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).tried(format!("emptying {}", self.folder.display()))?;
        }
        self.create().await?;
        self.pip().await?;
        // Last of all, so that an installation that was interrupted is done again.
        fs::write(&stamp, wanted).tried("writing a stamp")?;
        Ok(self.folder.clone())
    }

    /// All that the installed packages follow from.
    fn contents(&self, python: &str) -> Result<String, LocalError> {
        let read = |name: &str| {
            let path = self.pins.join(format!("{name}{}.txt", self.suffix));
            fs::read_to_string(&path).tried(format!("reading {}", path.display()))
        };
        Ok(format!("{python}\n{}\n{}", read("requirements")?, read("constraints")?))
    }

    async fn create(&self) -> Result<(), LocalError> {
        let mut venv = command("python3")?;
        clean(&mut venv).args(["-m", "venv"]).arg(&self.folder);
        let finished = run(venv, &self.log()).await?;
        if finished.success { Ok(()) } else { Err(LocalError::NoVenv(finished.last_line())) }
    }

    async fn pip(&self) -> Result<(), LocalError> {
        let mut pip = command(self.folder.join("bin/python"))?;
        clean(&mut pip)
            .args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "-r"])
            .arg(self.pins.join(format!("requirements{}.txt", self.suffix)));
        let finished = run(pip, &self.log()).await?;
        if finished.success {
            return Ok(());
        }
        let line = finished.last_line();
        Err(LocalError::Install { log: finished.log, line })
    }

    fn log(&self) -> PathBuf {
        self.folder.with_extension("log")
    }
}

async fn python_version() -> Result<String, LocalError> {
    let mut python = Command::new("python3");
    let output = clean(&mut python).arg("--version").stdin(Stdio::null()).output().await;
    let text = output.map_err(|_| LocalError::PythonMissing)?.stdout;
    let text = String::from_utf8_lossy(&text);
    let version = text.trim().trim_start_matches("Python ").to_owned();
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < OLDEST_PYTHON { Err(LocalError::PythonOld(version)) } else { Ok(version) }
}

/// A PATH with folders before the user's own.
pub(crate) fn path_with(folders: &[PathBuf]) -> std::ffi::OsString {
    let own = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(folders.iter().cloned().chain(std::env::split_paths(&own))).unwrap_or(own)
}
