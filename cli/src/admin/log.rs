//! `efface admin log`: refills a journal that is shorter than its published log.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use efface_aws::{Journal, Store, clock::Clock, log_store::LogStore};
use efface_core::{log::LogKey, space::SpaceId};
use efface_engine::{
    journal::JournalWriter,
    log::rebuild::{Asked, Progress, Rebuild, Rebuilt, Watch},
};
use serde_json::{Value, json};

use crate::{
    CliError, Interrupts, Output, connect, exit,
    log::Keys,
    output::{columns, printable},
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

The bucket's own list of keys proves nothing: whoever can write to the bucket could have put it there, with a log of his own.
So give with --key the key that you have published elsewhere, or kept. The key of one space will do for all: one key signs
for all spaces. The dry run prints who has signed; compare it with what you have published.

Example:
  efface admin log rebuild --all --dry-run
  efface admin log rebuild --space spa_demo --key log.key --log-key-file log-key
  efface admin log rebuild --all --key log.key --log-key-file log-key

Exit codes:
  0    the journals have what their logs have; with --dry-run, they could be refilled
  1    the journal or the log of a space cannot be used, or is signed by another key, or items of the table cannot be read:
       the output says why. Nothing false was written there, and the other spaces were refilled. Also: a journal has
       entries and no log, or a table or a bucket rejected a request
  2    the command line, a setting or a key is wrong; nothing was done
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
    /// A verifier key of any space of the stack, from where you have published it, or a file with one a line. The last
    /// checkpoint of each log must be signed by such a public key. It may be given several times
    #[arg(long, value_name = "KEY", required_unless_present = "dry_run")]
    key: Vec<String>,
    /// Do without the log key, because it was destroyed. The earlier lives of identifiers are not found then, and a
    /// reconcile tells them a second time
    #[arg(long)]
    without_log_key: bool,
    /// Go on where items of the table cannot be read. What they tell of the missing entries is lost
    #[arg(long)]
    allow_unreadable: bool,
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
    let (mut run, spaces) = open(args, settings).await?;
    let bar = Bar::start("entries", settings.global.json);
    let watch = Watch { is_stopped: &|| interrupts.requested(), progress: &|progress| show(&bar, progress) };
    let ended = tokio::select! {
        ended = Box::pin(run.run(spaces, &watch)) => ended.map_err(CliError::from),
        () = interrupts.reached(2) => Ok(false),
    };
    drop(bar);
    let end = match ended {
        Ok(true) => End::Whole,
        Ok(false) => End::Stopped(interrupts.exit_code()),
        // What was refilled before is told all the same.
        Err(error) if !run.spaces().is_empty() => End::Failed(error),
        Err(error) => return Err(error),
    };
    Ok(report(args, &run, &end))
}

/// The run, and the spaces that it is to look at.
async fn open(args: &RebuildArgs, settings: &Settings<'_>) -> Result<(Rebuild, Vec<SpaceId>), CliError> {
    let signers = if args.key.is_empty() { None } else { Some(Keys::read(&args.key)?.public_keys()) };
    let store = connect::keyless(settings).await?;
    let log_key = log_key(args, settings)?;
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
    if let Some(key) = &log_key {
        connect::verify_log_key(&store, key, settings).await?;
    }
    let writer = JournalWriter::new(Journal::new(connect::client(settings).await?, journal), None);
    let files = LogStore::new(&connect::s3(settings).await?, locked, partial);
    let spaces = match &args.scope.space {
        Some(space) => vec![space.clone()],
        None => all_spaces(&store).await?,
    };
    let (is_dry_run, allow_unreadable) = (args.dry_run, args.allow_unreadable);
    let asked = Asked { origin, signers, log_key, is_dry_run, allow_unreadable, now: Clock::system().now() };
    Ok((Rebuild::new(store, writer, files, asked), spaces))
}

/// The log key. Without it, as with another one than the table's, earlier lives are not found.
fn log_key(args: &RebuildArgs, settings: &Settings<'_>) -> Result<Option<LogKey>, SettingError> {
    if args.without_log_key {
        return Ok(None);
    }
    let how = "set EFFACE_LOG_KEY, or give --log-key-file; if it was destroyed, give --without-log-key";
    match settings.optional_log_key()? {
        None if args.dry_run => Ok(None),
        None => Err(SettingError::Missing { what: "log key", how }),
        key => Ok(key),
    }
}

/// How a run has ended.
enum End {
    Whole,
    /// With this exit code.
    Stopped(u8),
    Failed(CliError),
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
    rebuilt.lacking() > 0 || rebuilt.refilled.entries > 0 || rebuilt.is_without_log || rebuilt.error.is_some()
}

fn report(args: &RebuildArgs, run: &Rebuild, end: &End) -> Output {
    let spaces = run.spaces();
    let told: Vec<_> = spaces.iter().filter(|(_, rebuilt)| args.scope.space.is_some() || is_told(rebuilt)).collect();
    let count = |which: fn(&Rebuilt) -> bool| spaces.values().filter(|rebuilt| which(rebuilt)).count() as u64;
    let without_log = count(|rebuilt| rebuilt.is_without_log);
    let exit = match end {
        End::Stopped(code) => *code,
        End::Failed(error) => error.exit_code(),
        End::Whole if without_log + count(|rebuilt| rebuilt.error.is_some()) == 0 => 0,
        End::Whole => exit::FAILED,
    };
    let (scanned, unreadable) = run.looked_at();
    let failed = match end {
        End::Failed(error) => Some(json!({"code": error.code(), "message": error.to_string()})),
        _ => None,
    };
    let json = json!({
        "dry_run": args.dry_run,
        "finished": matches!(end, End::Whole),
        "error": failed,
        "spaces_total": spaces.len(),
        "spaces_without_log": without_log,
        "spaces": told.iter().map(|(space, rebuilt)| document(space, rebuilt)).collect::<Vec<_>>(),
        "items_scanned": scanned,
        "unreadable": unreadable,
    });
    let rows = [
        ("spaces looked at", spaces.len() as u64),
        ("  whose journal was shorter than the log", count(|rebuilt| rebuilt.lacking() > 0)),
        ("  without a log, whose journal has entries", without_log),
        ("items of the table looked at", scanned),
        ("  that cannot be read", unreadable),
    ];
    let rows = columns(&rows.map(|(name, count)| [name.to_owned(), count.to_string()]));
    let mut text = format!("{}.\n{rows}", state(end, args.dry_run));
    for (space, rebuilt) in told.iter().take(NAMED) {
        _ = write!(text, "\n{space}: {}", line(rebuilt, args.dry_run));
    }
    if told.len() > NAMED {
        _ = write!(text, "\nand {} more: --json lists them", told.len() - NAMED);
    }
    Output { text, json, exit }
}

fn state(end: &End, is_dry_run: bool) -> String {
    match (end, is_dry_run) {
        (End::Whole, true) => "dry run, nothing was written".to_owned(),
        (End::Whole, false) => "done".to_owned(),
        (End::Stopped(_), true) => "stopped; a dry run begins anew".to_owned(),
        (End::Stopped(_), false) => "stopped: run the same command again, and it goes on".to_owned(),
        (End::Failed(error), true) => format!("broken off; a dry run begins anew. {error}"),
        (End::Failed(error), false) => format!("broken off: run the same command again, and it goes on. {error}"),
    }
}

fn line(rebuilt: &Rebuilt, is_dry_run: bool) -> String {
    let Rebuilt { log, journal, refilled, is_whole, is_without_log, signer, error } = rebuilt;
    let mut parts = Vec::new();
    if refilled.entries > 0 {
        parts.push(format!(
            "{} entries refilled: {} with their private part, {} without details, {} of which only the leaf is known",
            refilled.entries, refilled.recovered, refilled.without_details, refilled.without_noun
        ));
    }
    match error {
        Some(error) => parts.push(format!("left out: {}", printable(&error.to_string()))),
        None if *is_whole && refilled.entries == 0 => {
            parts.push(format!("nothing to do: the log has {log} entries, and the journal {journal}"));
        }
        None if *is_without_log => parts.push(format!(
            "the journal has {journal} entries, and there is no log: either none of them is published yet, or these are the \
             buckets of another stack, or swapped"
        )),
        None if !is_whole => parts.push(format!("the log has {log} entries, and the journal had {journal}")),
        None => {}
    }
    if let Some(signer) = signer
        && is_dry_run
        && rebuilt.lacking() > 0
    {
        parts.push(format!("the log is signed by {}", printable(&signer.to_string())));
    }
    parts.join("; ")
}

fn document(space: &SpaceId, rebuilt: &Rebuilt) -> Value {
    let Rebuilt { log, journal, refilled, is_whole, is_without_log, signer, error } = rebuilt;
    json!({
        "space_id": space,
        "log": log,
        "journal": journal,
        "missing": rebuilt.lacking(),
        "refilled": refilled,
        "whole": is_whole,
        "without_log": is_without_log,
        "signed_by": signer.as_ref().map(ToString::to_string),
        "error": error.as_ref().map(ToString::to_string),
    })
}

#[cfg(test)]
mod tests {
    use efface_core::log::note::VerifierKey;
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
            (
                Rebuilt { journal: 3, is_without_log: true, ..Rebuilt::default() },
                "the journal has 3 entries, and there is no log: either none of them is published yet, or",
            ),
        ] {
            let line = line(&rebuilt, false);
            assert!(line.starts_with(expected), "{line}");
        }
    }

    /// The example of the format's specification.
    const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    #[test]
    fn a_dry_run_says_who_has_signed() {
        let signer: VerifierKey = KEY.parse().unwrap();
        let short = Rebuilt { log: 10, journal: 3, signer: Some(signer.clone()), ..Rebuilt::default() };
        assert!(line(&short, true).ends_with(&format!("had 3; the log is signed by {KEY}")), "{}", line(&short, true));
        assert!(!line(&short, false).contains("signed"));
        assert_eq!(document(&"spa_a".parse().unwrap(), &short)["signed_by"], KEY);
        let error = RebuildError::OtherSigner(Box::new(signer));
        let refused = Rebuilt { error: Some(error), ..Rebuilt::default() };
        assert!(line(&refused, false).contains(&format!("signed by {KEY}, and --key does not give")));
    }

    #[test]
    fn what_ends_a_run_is_told() {
        let passing = CliError::from(RebuildError::Contended);
        for (end, is_dry_run, expected) in [
            (End::Whole, false, "done"),
            (End::Stopped(130), false, "stopped: run the same command again"),
            (
                End::Failed(passing),
                false,
                "broken off: run the same command again, and it goes on. the journal has not",
            ),
        ] {
            assert!(state(&end, is_dry_run).starts_with(expected), "{}", state(&end, is_dry_run));
        }
    }
}
