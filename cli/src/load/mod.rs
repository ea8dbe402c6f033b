//! `efface load`: profiles and spaces from a seed file, many lines at a time, in an order that ends the same.

mod lines;
mod loader;
mod order;
mod patience;
mod progress;
mod tally;

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{Answer, CliError, Interrupts, connect, settings::Settings};
use loader::Loader;
use progress::Progress;

const AFTER_HELP: &str = "\
Each line is a profile or a space in JSON; docs/seed-format.md is the reference. Loading a file again changes nothing,
and nothing that was deleted comes back unless the line's timestamp is later than the deletion.

Example:
  efface load profiles.jsonl
  zcat profiles.jsonl.gz | efface load -

Exit codes:
  0    every line is loaded
  1    a line was refused; those before it are loaded
  2    the command line or a setting is wrong; nothing was loaded
  3    the table did not answer for long: go on with --from-line, as the message says
  130  stopped by Ctrl-C: go on with --from-line, as the message says";

/// What to load, and how.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct Load {
    /// A seed file; `-` is standard input
    file: PathBuf,
    /// Load every good line, and list the bad ones at the end, instead of stopping at the first bad one
    #[arg(long)]
    keep_going: bool,
    /// Go on at this line; the ones before it are not looked at
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    from_line: u64,
    /// How many lines are written at a time
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
}

pub(crate) async fn run(load: &Load, settings: &Settings<'_>, interrupts: &Interrupts) -> Result<Answer, CliError> {
    let (source, bytes) = open(&load.file).map_err(|source| CliError::File { path: load.file.clone(), source })?;
    let site = connect::open(settings).await?;
    let progress = Progress::start(bytes, settings.global.json);
    let loader = Loader::new(site, load, progress, interrupts.clone());
    let outcome = loader.run(lines::read(source, load.from_line)).await;
    Ok(outcome.answer(&load.file))
}

/// A source of lines, and its size where it has one.
type Source = (Box<dyn BufRead + Send>, Option<u64>);

fn open(path: &Path) -> io::Result<Source> {
    if path == Path::new("-") {
        return Ok((Box::new(BufReader::new(io::stdin())), None));
    }
    let file = File::open(path)?;
    let about = file.metadata()?;
    if about.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let bytes = about.is_file().then_some(about.len());
    Ok((Box::new(BufReader::with_capacity(64 * 1_024, file)), bytes))
}
