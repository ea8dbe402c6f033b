//! `efface admin journal`: reconciles the journal with the table.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use clap::{Args, Subcommand};
use efface_aws::{Journal, clock, clock::Clock};
use efface_core::space::SpaceId;
use efface_engine::journal::{
    JournalWriter,
    reconcile::{Asked, Found, PART, Reconcile, Reconciled, Unfinished},
};
use serde_json::{Value, json};

use crate::{
    CliError, Interrupts, Output, connect, exit,
    output::columns,
    progress_bar::Bar,
    settings::{SettingError, Settings},
};

/// What was found that the text names. The JSON output has more.
const NAMED: usize = 20;

/// What was found that the output has at most.
const KEPT: usize = 10_000;

const AFTER_HELP: &str = "\
docs/operations/journal.md tells when to run it, with which role, and what it costs. One run at a time: who starts another
one takes it over. It may be stopped anywhere, also killed, and started again: within 24 hours it goes on where it was.

Example:
  efface admin journal reconcile --dry-run
  efface admin journal reconcile --rate 2000
  efface admin journal reconcile --space spa_demo

Exit codes:
  0    what the table tells is in the journal, but for what the output counts as recent, undated or gaps
  1    items cannot be read, entries have no item, or the journal of a space has stopped: the output names them.
       Everything else was done. Also: another process has taken the run over
  2    the command line or a setting is wrong, or a run of 24 hours ago was not finished; nothing was done
  3    a table was unavailable: run the command again, it goes on
  130  stopped by Ctrl-C; 143: by SIGTERM. Run the command again, it goes on";

/// What is done with the journal.
#[derive(Subcommand)]
pub enum JournalCommand {
    /// Tell the journal what it was never told: changes during an outage, and all of a table from before it
    #[command(after_help = AFTER_HELP)]
    Reconcile(ReconcileArgs),
}

/// The options of `efface admin journal reconcile`.
#[derive(Args)]
pub struct ReconcileArgs {
    /// The journal's table [env: EFFACE_JOURNAL]
    #[arg(long, value_name = "NAME")]
    journal: Option<String>,
    /// Only this space. The whole table is looked at all the same
    #[arg(long, value_name = "SPACE", value_parser = SpaceId::parse)]
    space: Option<SpaceId>,
    /// The most items that are looked at in a second; without it, as many as the tables hand over. It limits the scans: what
    /// is looked up and written for an item is not counted
    #[arg(long, value_name = "ITEMS", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    /// Only count what is missing; write nothing
    #[arg(long)]
    dry_run: bool,
    /// Begin anew, also where the last run was not finished
    #[arg(long)]
    restart: bool,
    /// Go on with the last run, also where it was begun more than 24 hours ago
    #[arg(long = "continue", conflicts_with_all = ["restart", "dry_run"])]
    continues: bool,
}

pub(super) async fn run(
    command: &JournalCommand,
    settings: &Settings<'_>,
    interrupts: &Interrupts,
) -> Result<Output, CliError> {
    let JournalCommand::Reconcile(args) = command;
    reconcile(args, settings, interrupts).await
}

async fn reconcile(args: &ReconcileArgs, settings: &Settings<'_>, interrupts: &Interrupts) -> Result<Output, CliError> {
    let store = connect::keyless(settings).await?;
    let log_key = match settings.optional_log_key()? {
        Some(key) => connect::table_log_key(&store, key, settings).await?,
        None => None,
    };
    let how = "give --journal, or set EFFACE_JOURNAL; with `cargo local` give --local";
    let name = args.journal.clone().or_else(|| settings.find("EFFACE_JOURNAL"));
    let name = name.ok_or(SettingError::Missing { what: "journal", how })?;
    let writer = JournalWriter::new(Journal::new(connect::client(settings).await?, name), None);
    let unfinished = match (args.restart, args.continues) {
        (true, _) => Unfinished::Restarts,
        (false, true) => Unfinished::GoesOn,
        (false, false) => Unfinished::Asks,
    };
    let process = clock::short_id("run_");
    let asked = Asked { space: args.space.clone(), is_dry_run: args.dry_run, unfinished, log_key, process };
    let run = Reconcile::open(store, writer, asked, Clock::system()).await?;
    let part = args.rate.map_or(PART, |rate| i32::try_from(rate).unwrap_or(PART).min(PART));
    let mut run = run.in_parts_of(part);
    let bar = Bar::start("items", settings.global.json);
    let mut found = Named::default();
    let ended = tokio::select! {
        ended = Box::pin(to_the_end(&mut run, args.rate, &bar, &mut found, interrupts)) => ended?,
        () = interrupts.reached(2) => false,
    };
    drop(bar);
    let counts = run.counts();
    let exit = match counts.unreadable + counts.without_item + counts.stopped {
        _ if !ended => interrupts.exit_code(),
        0 => 0,
        _ => exit::FAILED,
    };
    Ok(report(args, &run, &found, ended, exit))
}

/// Part by part, until the end or the first interrupt. Whether it came to the end.
async fn to_the_end(
    run: &mut Reconcile,
    rate: Option<u32>,
    bar: &Bar,
    found: &mut Named,
    interrupts: &Interrupts,
) -> Result<bool, CliError> {
    let before = looked_at(&run.counts());
    let started = Instant::now();
    while !interrupts.requested() {
        let goes_on = run.step(&mut |one| found.add(one, bar)).await?;
        let counts = run.counts();
        let what = if run.is_at_entries() { "looking for entries without an item" } else { "looking at the table" };
        bar.set(looked_at(&counts), 0, &format!("{what}; {} entries were missing", counts.rebuilt + counts.gaps));
        if !goes_on {
            return Ok(true);
        }
        let due = rate.map(|rate| due_after(looked_at(&counts) - before, rate));
        tokio::select! {
            () = tokio::time::sleep(due.unwrap_or_default().saturating_sub(started.elapsed())) => {}
            () = interrupts.reached(1) => {}
        }
    }
    Ok(false)
}

/// When so many items may have been looked at, at this rate, since the start.
fn due_after(items: u64, rate: u32) -> Duration {
    Duration::from_millis(items.saturating_mul(1_000) / u64::from(rate.max(1)))
}

fn looked_at(counts: &Reconciled) -> u64 {
    counts.scanned + counts.journal_scanned
}

/// What this process has found. What earlier ones found is only counted.
#[derive(Default)]
struct Named {
    count: usize,
    found: Vec<Found>,
}

impl Named {
    fn add(&mut self, found: Found, bar: &Bar) {
        self.count += 1;
        if self.found.len() < NAMED {
            bar.note(&line(&found));
        }
        if self.found.len() < KEPT {
            self.found.push(found);
        }
    }
}

fn line(found: &Found) -> String {
    match found {
        Found::Unreadable(item) => format!("cannot be read: {item}"),
        Found::Undated(space, noun) => format!("was changed, and nobody knows when: {space} {noun}"),
        Found::Stopped(space, error) => format!("the journal of {space} has stopped: {error}"),
        Found::WithoutItem(space, noun) => format!("has entries and no item: {space} {noun}"),
    }
}

fn document(found: &Found) -> Value {
    match found {
        Found::Unreadable(item) => json!({"found": "unreadable", "item": item}),
        Found::Undated(space, noun) => json!({"found": "undated", "space_id": space, "noun": noun.to_string()}),
        Found::Stopped(space, error) => json!({"found": "stopped", "space_id": space, "error": error}),
        Found::WithoutItem(space, noun) => {
            json!({"found": "without_item", "space_id": space, "noun": noun.to_string()})
        }
    }
}

fn report(args: &ReconcileArgs, run: &Reconcile, found: &Named, ended: bool, exit: u8) -> Output {
    let counts = run.counts();
    let json = json!({
        "dry_run": args.dry_run,
        "finished": ended,
        "started_at": run.started_at(),
        "counts": counts,
        "found": found.found.iter().map(document).collect::<Vec<_>>(),
        "found_total": found.count,
    });
    let state = match (ended, args.dry_run) {
        (true, true) => "dry run, nothing was written; a run would do this",
        (true, false) if is_whole(&counts) => "done: the journal has everything that the table tells",
        (true, false) => "done, but for what the lines below count",
        (false, true) => "stopped; a dry run begins anew",
        (false, false) => "stopped: run the same command again, and it goes on",
    };
    let mut text = format!("{state}. Since {}:\n{}", run.started_at(), table(&counts));
    for one in found.found.iter().take(NAMED) {
        text.push('\n');
        text.push_str(&line(one));
    }
    if found.count > NAMED {
        _ = write!(text, "\nand {} more: --json lists up to {KEPT}", found.count - NAMED);
    }
    Output { text, json, exit }
}

/// Whether nothing is left that the journal may lack.
fn is_whole(counts: &Reconciled) -> bool {
    counts.recent + counts.gaps + counts.undated + counts.unreadable + counts.stopped == 0
}

fn table(counts: &Reconciled) -> String {
    let rows = [
        ("items of the table looked at", counts.scanned),
        ("  that make events", counts.items),
        ("  changed in the last 25 hours, left to the stream", counts.recent),
        ("entries that were missing", counts.rebuilt),
        ("changes of which nothing is known", counts.gaps),
        ("changes of which nobody knows when", counts.undated),
        ("items that cannot be read", counts.unreadable),
        ("spaces whose journal has stopped", counts.stopped),
        ("items of the journal looked at", counts.journal_scanned),
        ("  things that it has entries of", counts.nouns),
        ("  whose item is gone", counts.without_item),
    ];
    columns(&rows.map(|(name, count)| [name.to_owned(), count.to_string()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_journal_is_said_to_have_everything() {
        let (whole, one) = (Reconciled { rebuilt: 9, without_item: 1, ..Reconciled::default() }, 1);
        assert!(is_whole(&whole));
        for counts in [
            Reconciled { recent: one, ..whole },
            Reconciled { gaps: one, ..whole },
            Reconciled { undated: one, ..whole },
            Reconciled { unreadable: one, ..whole },
            Reconciled { stopped: one, ..whole },
        ] {
            assert!(!is_whole(&counts), "{counts:?}");
        }
    }

    #[test]
    fn a_rate_says_when_items_are_due() {
        for (items, rate, millis) in [(0, 100, 0), (100, 100, 1_000), (150, 100, 1_500), (500, 1_000_000, 0)] {
            assert_eq!(due_after(items, rate), Duration::from_millis(millis), "{items} {rate}");
        }
    }
}
