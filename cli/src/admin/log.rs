//! `efface admin log`: refills a journal that is shorter than its published log.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use efface_aws::{Journal, Store, clock::Clock, log_store::LogStore};
use efface_core::space::SpaceId;
use efface_engine::{
    journal::JournalWriter,
    log::rebuild::{Asked, Progress, Rebuild, Rebuilt, Watch},
};
use serde_json::{Value, json};

use crate::{
    CliError, Interrupts, Output, connect, exit,
    output::columns,
    progress_bar::Bar,
    settings::{SettingError, Settings},
};

/// Spaces that are listed in one request.
const PAGE: i32 = 1_000;

/// Spaces that the text names. The JSON output has all.
const NAMED: usize = 50;

const AFTER_HELP: &str = "\
Run it after the journal's table was restored from a backup: the journal of a space is then shorter than the log that was
published of it, and the publisher has stopped. The command reads what is missing from the log's files, and writes nothing
before that has led to the root that the log has signed. What only the journal had of these entries it looks for in the
table; of what it does not find there, the public part is written alone. docs/operations/journal.md tells what to do
before and after it, with which role, and what it costs. It may be stopped anywhere, also killed, and run again.

Example:
  efface admin log rebuild --all --dry-run
  efface admin log rebuild --space spa_demo
  efface admin log rebuild --all

Exit codes:
  0    the journals have what their logs have; with --dry-run, they could be refilled
  1    the journal or the log of a space cannot be used: the output says why. Nothing was written there, and the other
       spaces were refilled. Also: a table or a bucket rejected a request
  2    the command line or a setting is wrong; nothing was done
  3    a table or a bucket was unavailable: run the command again
  130  stopped by Ctrl-C; 143: by SIGTERM. Run the command again, it goes on";

/// What is done with the log.
#[derive(Subcommand)]
pub enum LogCommand {
    /// Refill a journal that is shorter than its log, because its table was restored from a backup
    #[command(after_help = AFTER_HELP)]
    Rebuild(RebuildArgs),
}

/// Which journals.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Scope {
    /// All spaces of the stack that `efface admin space list` lists
    #[arg(long)]
    all: bool,
    /// This space
    #[arg(long, value_name = "SPACE", value_parser = SpaceId::parse)]
    space: Option<SpaceId>,
}

/// The options of `efface admin log rebuild`.
#[derive(Args)]
pub struct RebuildArgs {
    #[command(flatten)]
    scope: Scope,
    /// Only say which journals are shorter than their logs, and whether they could be refilled; write nothing
    #[arg(long)]
    dry_run: bool,
    /// The journal's table [env: EFFACE_JOURNAL]
    #[arg(long, value_name = "NAME")]
    journal: Option<String>,
    /// The locked bucket of the log [env: EFFACE_LOG_BUCKET]
    #[arg(long, value_name = "NAME")]
    log_bucket: Option<String>,
    /// The bucket of the log's partial tiles [env: EFFACE_LOG_PARTIAL_BUCKET]
    #[arg(long, value_name = "NAME")]
    partial_bucket: Option<String>,
    /// What comes before the space's id in the names of logs [env: EFFACE_LOG_ORIGIN]
    #[arg(long, value_name = "TEXT")]
    origin: Option<String>,
}

pub(super) async fn run(
    command: &LogCommand,
    settings: &Settings<'_>,
    interrupts: &Interrupts,
) -> Result<Output, CliError> {
    let LogCommand::Rebuild(args) = command;
    rebuild(args, settings, interrupts).await
}

async fn rebuild(args: &RebuildArgs, settings: &Settings<'_>, interrupts: &Interrupts) -> Result<Output, CliError> {
    let store = connect::keyless(settings).await?;
    let log_key = settings.optional_log_key()?;
    let setting = |option: &Option<String>, variable, what, how| {
        option.clone().or_else(|| settings.find(variable)).ok_or(SettingError::Missing { what, how })
    };
    let journal = setting(&args.journal, "EFFACE_JOURNAL", "journal", "give --journal, or set EFFACE_JOURNAL")?;
    let how = "give --log-bucket, or set EFFACE_LOG_BUCKET";
    let locked = setting(&args.log_bucket, "EFFACE_LOG_BUCKET", "bucket of the log", how)?;
    let how = "give --partial-bucket, or set EFFACE_LOG_PARTIAL_BUCKET";
    let partial = setting(&args.partial_bucket, "EFFACE_LOG_PARTIAL_BUCKET", "bucket of partial tiles", how)?;
    let how = "give --origin, or set EFFACE_LOG_ORIGIN";
    let origin = setting(&args.origin, "EFFACE_LOG_ORIGIN", "origin of the log", how)?;
    let writer = JournalWriter::new(Journal::new(connect::client(settings).await?, journal), None);
    let files = LogStore::new(&connect::s3(settings).await?, locked, partial);
    let spaces = match &args.scope.space {
        Some(space) => vec![space.clone()],
        None => all_spaces(&store).await?,
    };
    let asked = Asked { origin, log_key, is_dry_run: args.dry_run, now: Clock::system().now() };
    let mut run = Rebuild::new(store, writer, files, asked);
    let bar = Bar::start("entries", settings.global.json);
    let watch = Watch { is_stopped: &|| interrupts.requested(), progress: &|progress| show(&bar, progress) };
    let ended = tokio::select! {
        ended = Box::pin(run.run(spaces, &watch)) => ended?,
        () = interrupts.reached(2) => false,
    };
    drop(bar);
    let exit = match run.spaces().values().filter(|rebuilt| rebuilt.error.is_some()).count() {
        _ if !ended => interrupts.exit_code(),
        0 => 0,
        _ => exit::FAILED,
    };
    Ok(report(args, &run, ended, exit))
}

async fn all_spaces(store: &Store) -> Result<Vec<SpaceId>, CliError> {
    let (mut spaces, mut after) = (Vec::new(), None);
    loop {
        let (listed, more) = store.list_spaces(after.as_ref(), PAGE).await?;
        spaces.extend(listed.into_iter().map(|listed| listed.id));
        after = more;
        if after.is_none() {
            return Ok(spaces);
        }
    }
}

fn show(bar: &Bar, progress: Progress<'_>) {
    match progress {
        Progress::Verified(space, done, of) => bar.set(done, of, &format!("of {space} verified")),
        Progress::Scanned(items, entries) => {
            bar.set(0, entries, &format!("looking for private parts; {items} items of the table looked at"));
        }
        Progress::Written(space, done, of) => bar.set(done, of, &format!("of {space} written")),
    }
}

/// Whether a space is worth a line where all spaces are looked at.
fn is_told(rebuilt: &Rebuilt) -> bool {
    rebuilt.lacking() > 0 || rebuilt.refilled.entries > 0 || rebuilt.error.is_some()
}

fn report(args: &RebuildArgs, run: &Rebuild, ended: bool, exit: u8) -> Output {
    let told: Vec<_> =
        run.spaces().iter().filter(|(_, rebuilt)| args.scope.space.is_some() || is_told(rebuilt)).collect();
    let (scanned, unreadable) = run.looked_at();
    let json = json!({
        "dry_run": args.dry_run,
        "finished": ended,
        "spaces_total": run.spaces().len(),
        "spaces": told.iter().map(|(space, rebuilt)| document(space, rebuilt)).collect::<Vec<_>>(),
        "items_scanned": scanned,
        "unreadable": unreadable,
    });
    let state = match (ended, args.dry_run) {
        (true, true) => "dry run, nothing was written",
        (true, false) => "done",
        (false, true) => "stopped; a dry run begins anew",
        (false, false) => "stopped: run the same command again, and it goes on",
    };
    let rows = [
        ("spaces looked at", run.spaces().len() as u64),
        (
            "  whose journal was shorter than the log",
            run.spaces().values().filter(|it| it.lacking() > 0).count() as u64,
        ),
        ("items of the table looked at", scanned),
        ("  that cannot be read", unreadable),
    ];
    let mut text = format!("{state}.\n{}", columns(&rows.map(|(name, count)| [name.to_owned(), count.to_string()])));
    for (space, rebuilt) in told.iter().take(NAMED) {
        _ = write!(text, "\n{space}: {}", line(rebuilt));
    }
    if told.len() > NAMED {
        _ = write!(text, "\nand {} more: --json lists them", told.len() - NAMED);
    }
    Output { text, json, exit }
}

fn line(rebuilt: &Rebuilt) -> String {
    let Rebuilt { log, journal, refilled, is_whole, error } = rebuilt;
    let mut parts = Vec::new();
    if refilled.entries > 0 {
        parts.push(format!(
            "{} entries refilled: {} with their private part, {} without details, {} of which only the leaf is known",
            refilled.entries, refilled.recovered, refilled.without_details, refilled.without_noun
        ));
    }
    match error {
        Some(error) => parts.push(format!("left out: {error}")),
        None if *is_whole && refilled.entries == 0 => {
            parts.push(format!("nothing to do: the log has {log} entries, and the journal {journal}"));
        }
        None if !is_whole => parts.push(format!("the log has {log} entries, and the journal had {journal}")),
        None => {}
    }
    parts.join("; ")
}

fn document(space: &SpaceId, rebuilt: &Rebuilt) -> Value {
    let Rebuilt { log, journal, refilled, is_whole, error } = rebuilt;
    json!({
        "space_id": space,
        "log": log,
        "journal": journal,
        "missing": rebuilt.lacking(),
        "refilled": refilled,
        "whole": is_whole,
        "error": error.as_ref().map(ToString::to_string),
    })
}

#[cfg(test)]
mod tests {
    use efface_engine::log::rebuild::{RebuildError, Refilled};

    use super::*;

    #[test]
    fn a_line_says_what_became_of_a_space() {
        let refilled = Refilled { entries: 7, recovered: 4, without_details: 2, without_noun: 1 };
        let short = Rebuilt { log: 10, journal: 3, ..Rebuilt::default() };
        for (rebuilt, expected) in [
            (
                Rebuilt { log: 3, journal: 4, is_whole: true, ..Rebuilt::default() },
                "nothing to do: the log has 3 entries, and the journal 4",
            ),
            (Rebuilt { log: 10, journal: 3, ..Rebuilt::default() }, "the log has 10 entries, and the journal had 3"),
            (
                Rebuilt { refilled, is_whole: true, ..short },
                "7 entries refilled: 4 with their private part, 2 without details, 1 of which only the leaf is known",
            ),
            (
                Rebuilt { error: Some(RebuildError::OtherEntries), ..Rebuilt::default() },
                "left out: the journal has other entries than the log: restore its table to a time before",
            ),
        ] {
            assert!(line(&rebuilt).starts_with(expected), "{}", line(&rebuilt));
        }
    }
}
