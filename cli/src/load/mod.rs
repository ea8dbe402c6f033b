//! `efface load`: loads profiles and spaces from a file. It writes several lines at a time, with the same result as one
//! line after the other.

mod counts;
mod lines;
mod loader;
mod order;
mod progress;
mod retry;

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use clap::Args;

use efface_aws::Store;
use efface_core::{key::MasterKey, log::LogKey};

use crate::{
    CliError, Interrupts, Output,
    connect::{self, Connection},
    settings::Settings,
};
pub use counts::Failure;
pub use lines::{Line, Lines};
use loader::Loader;
use progress::Progress;

const AFTER_HELP: &str = "\
Each line is a profile or a space in JSON; docs/load-format.md is the reference. Loading a file again changes nothing.
A deleted identifier or profile stays deleted unless the line's timestamp is later than the deletion.

Example:
  efface load profiles.jsonl
  zcat profiles.jsonl.gz | efface load -

Exit codes:
  0    every line was loaded
  1    a line was rejected; the lines before it were loaded
  2    the command line or a setting is wrong; nothing was loaded
  3    the table was unavailable: resume with --from-line, as the message says
  130  stopped by Ctrl-C; 143: by SIGTERM. Resume with --from-line, as the message says";

/// The options of `efface load`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct Load {
    /// The file to load; `-` is standard input
    file: PathBuf,
    /// Continue after a bad line, instead of stopping at the first one
    #[arg(long)]
    keep_going: bool,
    /// Start at this line, and ignore the lines before it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    from_line: u64,
    /// How many lines are written concurrently
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
}

pub(crate) async fn run(load: &Load, settings: &Settings<'_>, interrupts: &Interrupts) -> Result<Output, CliError> {
    let (source, bytes) = open(&load.file).map_err(|source| CliError::File { path: load.file.clone(), source })?;
    let (connection, log_key) = connect::open_for_load(settings).await?;
    let progress = Progress::start(bytes, settings.global.json);
    let loader = Loader::new(connection, log_key, load, progress, interrupts.clone());
    let outcome = loader.run(lines::read(Lines::new(source, load.from_line))).await;
    Ok(outcome.into_output(&load.file))
}

/// Loads all lines of a source into a table, as `efface load` does, up to `concurrency` at a time. For programs that
/// have checked the lines: it shows no progress.
///
/// # Errors
/// The first line that was not loaded, and why. The lines before it were loaded.
pub async fn load_lines(
    store: Store,
    key: MasterKey,
    log_key: LogKey,
    source: impl BufRead + Send + 'static,
    concurrency: u16,
) -> Result<(), Failure> {
    let load = Load { file: PathBuf::new(), keep_going: false, from_line: 1, concurrency };
    let loader =
        Loader::new(Connection { store, key }, log_key, &load, Progress::start(None, true), Interrupts::never());
    loader.run(lines::read(Lines::new(source, 1))).await.into_result()
}

/// A source of lines, and its size in bytes if it is known.
type Source = (Box<dyn BufRead + Send>, Option<u64>);

fn open(path: &Path) -> io::Result<Source> {
    if path == Path::new("-") {
        return Ok((Box::new(BufReader::new(io::stdin())), None));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let bytes = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(BufReader::with_capacity(64 * 1_024, file)), bytes))
}
