//! Installs the Python tools at fixed versions, in virtual environments below the target folder.

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
    error::{Context, LocalError},
    workspace::Workspace,
};

const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// The installed tools.
#[derive(Debug, Clone)]
pub struct Tools {
    general: PathBuf,
    sam: PathBuf,
}

impl Tools {
    /// Installs the tools that are not installed yet.
    pub async fn install(workspace: &Workspace) -> Result<Self, LocalError> {
        let folder = workspace.target.join("python");
        fs::create_dir_all(&folder).context(format!("making {}", folder.display()))?;
        // If two processes install at the same time, the second one waits for the first one.
        let lock = File::create(folder.join("lock")).context("the lock of the tools")?;
        lock.lock().context("the lock of the tools")?;
        let python = python_version().await?;
        let pins = workspace.root.join("infra/local");
        let install = async |name: &str, suffix: &str| {
            Environment { folder: folder.join(name), pins: pins.clone(), suffix: suffix.to_owned() }
                .install(&python)
                .await
        };
        Ok(Self { general: install("tools", "").await?, sam: install("sam", "-sam").await? })
    }

    /// The folders of the tools' programs, for a PATH.
    pub fn folders(&self) -> [PathBuf; 2] {
        [self.general.join("bin"), self.sam.join("bin")]
    }

    /// The AWS emulator.
    pub fn ministack(&self) -> PathBuf {
        self.general.join("bin/ministack")
    }

    /// cargo-lambda. Its first argument must be `lambda`.
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
        // The stamp file contains what was installed.
        let stamp = self.folder.join("installed");
        let wanted = self.contents(python)?;
        // The interpreter is a link to the user's Python, which may have been removed.
        if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) && self.folder.join("bin/python").exists() {
            return Ok(self.folder.clone());
        }
        say(format_args!("installing tools into {} (once, about a minute)", self.folder.display()));
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).context(format!("emptying {}", self.folder.display()))?;
        }
        self.create().await?;
        self.pip().await?;
        // The stamp is written last, so that an interrupted installation is repeated.
        fs::write(&stamp, wanted).context("writing a stamp")?;
        Ok(self.folder.clone())
    }

    /// The contents of the stamp file: everything that decides which packages are installed.
    fn contents(&self, python: &str) -> Result<String, LocalError> {
        let read = |name: &str| {
            let path = self.pins.join(format!("{name}{}.txt", self.suffix));
            fs::read_to_string(&path).context(format!("reading {}", path.display()))
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

/// The user's PATH with the given folders at the beginning.
pub(crate) fn path_with(folders: &[PathBuf]) -> std::ffi::OsString {
    let own = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(folders.iter().cloned().chain(std::env::split_paths(&own))).unwrap_or(own)
}
