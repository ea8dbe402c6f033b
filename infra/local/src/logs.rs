//! The files with the output of what runs. The terminal shows them only with `--verbose`.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::sleep;

const POLL_INTERVAL: Duration = Duration::from_millis(300);
/// How many lines an error message shows.
const LAST_LINES: usize = 10;

/// The files of one run.
#[derive(Debug, Clone)]
pub struct Logs {
    /// The lines that the functions log.
    pub functions: PathBuf,
    /// The output of the AWS emulator.
    pub emulator: PathBuf,
    /// The output of `cargo lambda watch`.
    pub watch: PathBuf,
    /// The output of cargo, where stderr is no terminal.
    pub build: PathBuf,
}

impl Logs {
    /// The files in a folder. They are made when they are first written.
    pub fn new(folder: &Path) -> Self {
        let [functions, emulator, watch, build] =
            ["functions.log", "emulator.log", "watch.log", "build.log"].map(|name| folder.join(name));
        Self { functions, emulator, watch, build }
    }

    /// Copies what is written to the files to stderr, for ever.
    pub async fn follow(&self) {
        let mut files = [&self.functions, &self.emulator, &self.watch].map(|path| (path, None));
        loop {
            for (path, file) in &mut files {
                if file.is_none() {
                    *file = File::open(path).ok();
                }
                if let Some(file) = file {
                    copy_lines(file);
                }
            }
            sleep(POLL_INTERVAL).await;
        }
    }
}

/// Whether a line of the functions is one of metrics. These are for CloudWatch: the file has them, a person is not shown
/// one for each invocation.
fn is_of_metrics(line: &[u8]) -> bool {
    line.starts_with(b"{\"_aws\":")
}

/// Copies what was added to a file, less metrics. A closed terminal must not stop the program.
fn copy_lines(file: &mut File) {
    let mut text = Vec::new();
    if file.read_to_end(&mut text).is_ok() && !text.is_empty() {
        let shown = text.split_inclusive(|byte| *byte == b'\n').filter(|line| !is_of_metrics(line));
        _ = io::stderr().write_all(&shown.collect::<Vec<_>>().concat());
    }
}

/// A log file in an error message, with its last lines.
#[derive(Debug)]
pub struct LogEnd {
    path: PathBuf,
    lines: Vec<String>,
}

impl LogEnd {
    /// Reads the end of a file, less metrics. A file that cannot be read has no lines.
    pub fn of(path: &Path) -> Self {
        let text = fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let is_shown = |line: &&str| !line.trim().is_empty() && !is_of_metrics(line.as_bytes());
        let lines: Vec<&str> = text.lines().filter(is_shown).collect();
        let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
        Self { path: path.to_owned(), lines: last.iter().map(ToString::to_string).collect() }
    }
}

impl fmt::Display for LogEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lines.is_empty() {
            return write!(f, "{} is empty", self.path.display());
        }
        write!(f, "the end of {}:\n  {}", self.path.display(), self.lines.join("\n  "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_the_last_lines() {
        let path = std::env::temp_dir().join(format!("efface-log-{}", std::process::id()));
        let lines: Vec<String> = (0..12).map(|number| format!("line {number}\n")).collect();
        let metrics = "{\"_aws\":{\"CloudWatchMetrics\":[]}}\n";
        fs::write(&path, lines.join("\n") + metrics).unwrap();
        let shown = LogEnd::of(&path).to_string();
        fs::remove_file(&path).unwrap();
        assert!(shown.contains("line 2\n") && shown.ends_with("line 11") && !shown.contains("line 1\n"), "{shown}");
        assert!(!shown.contains("_aws"), "{shown}");
        assert!(LogEnd::of(&path).to_string().ends_with(" is empty"));
    }
}
