//! `efface admin reapply`: a table that was restored from a backup takes over what was deleted and revoked since.

use clap::Args;
use efface_aws::{Store, clock::Clock};
use efface_core::time::{BadTime, Time};
use efface_engine::reapply::{Asked, Carried, Reapplied, Reapply, Setting, SettingChange, Watch};
use serde_json::json;

use crate::{
    CliError, Interrupts, Output,
    confirm::{self, Question},
    connect, exit,
    output::columns,
    progress_bar::Bar,
    settings::Settings,
};

const AFTER_HELP: &str = "\
docs/operations.md tells the whole procedure. Run the command before anything uses the restored table, and once more
when the old table is no longer used. It may be stopped anywhere and started again: it goes on where it was.

Example:
  efface admin reapply --from efface-na-Table-1 --to efface-na-restored --since 2026-11-22T09:30:00Z --dry-run
  efface admin reapply --from efface-na-Table-1 --to efface-na-restored --since 2026-11-22T09:30:00Z

Exit codes:
  0    the restored table knows everything that was deleted and revoked in the old one
  1    a table is not ready, or has another setting, or you did not confirm; the message says what to do
  2    the tables do not belong together, an option is wrong, or there is no terminal to ask on; nothing was done
  3    a table was unavailable: run the command again, it goes on
  130  stopped by Ctrl-C; 143: by SIGTERM. Run the command again, it goes on";

/// The options of `efface admin reapply`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct ReapplyArgs {
    /// The table that was in use when the backup was restored. It is only read
    #[arg(long, value_name = "OLD_TABLE")]
    from: String,
    /// The table that was restored from the backup
    #[arg(long, value_name = "RESTORED_TABLE")]
    to: String,
    /// The moment that it was restored to, such as 2026-11-22T09:30:00Z
    #[arg(long, value_name = "T", value_parser = time)]
    since: Time,
    /// Only show what would be done; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

fn time(text: &str) -> Result<Time, BadTime> {
    Time::parse(text)
}

pub(crate) async fn run(
    args: &ReapplyArgs,
    settings: &Settings<'_>,
    interrupts: &Interrupts,
) -> Result<Output, CliError> {
    if !args.yes && !args.dry_run {
        confirm::require_terminal(false)?;
    }
    let client = connect::client(settings).await?;
    let (from, to) = (Store::new(client.clone(), &args.from), Store::new(client, &args.to));
    let clock = Clock::system();
    let asked = Asked { since: args.since, is_dry_run: args.dry_run, now: clock.now() };
    let mut reapply = Reapply::open(from, to, asked, clock).await?;
    if !args.yes && !args.dry_run {
        tokio::select! {
            reply = confirm::ask(question(args, &reapply)) => reply?,
            () = interrupts.reached(1) => return Err(CliError::NotConfirmed),
        }
    }
    let unit = if args.dry_run { "items looked at (dry run)" } else { "items" };
    let bar = Bar::start(unit, settings.global.json);
    let count = |items: i64| u64::try_from(items).unwrap_or_default();
    let watch = Watch {
        is_stopped: &|| interrupts.requested(),
        progress: &|done, items| bar.set(count(done), count(items.max(done)), ""),
    };
    let is_first = reapply.is_first();
    let ended = tokio::select! {
        ended = Box::pin(reapply.run(&watch)) => ended?,
        () = interrupts.reached(2) => None,
    };
    drop(bar);
    Ok(ended.map_or_else(|| stopped(args), |reapplied| report(args, is_first, &reapplied)))
}

fn question(args: &ReapplyArgs, reapply: &Reapply) -> Question {
    let what = format!("what was deleted in `{}` since {}", args.from, args.since);
    let jobs = if reapply.is_first() { "; its jobs are cancelled, its spaces' settings overwritten" } else { "" };
    let how_much = format!("not known before; --dry-run counts it{jobs}");
    Question::delete_in_table(&args.to, &what, &how_much)
}

fn stopped(args: &ReapplyArgs) -> Output {
    let text = "stopped: run the same command again, and it goes on".to_owned();
    Output { text, json: json!({"interrupted": true, "from": args.from, "to": args.to}), exit: exit::INTERRUPTED }
}

fn report(args: &ReapplyArgs, is_first: bool, reapplied: &Reapplied) -> Output {
    let Reapplied { carried, settings } = reapplied;
    let document = |(setting, change): &(Setting, SettingChange)| json!({"setting": setting, "change": change});
    let json = json!({
        "from": args.from,
        "to": args.to,
        "since": args.since,
        "dry_run": args.dry_run,
        "first_run": is_first,
        "counts": carried,
        "settings": settings.iter().map(document).collect::<Vec<_>>(),
    });
    let done = if args.dry_run { "dry run, nothing was changed; a run would do this in" } else { "done in" };
    let mut text = format!("{done} `{}`, from `{}`:\n{}", args.to, args.from, table(carried, settings));
    if carried.came_back > 0 {
        text.push_str("\nIdentifiers that came back are deleted: load their events again, and they come back again.");
    }
    if carried.older > 0 {
        text.push_str("\nSome deletions are older than --since: the table was restored to an earlier moment.");
    }
    Output::success(text, json)
}

fn table(carried: &Carried, settings: &[(Setting, SettingChange)]) -> String {
    let counts = [
        ("items looked at", carried.scanned),
        ("jobs cancelled", carried.jobs),
        ("identifiers deleted", carried.identifiers),
        ("  that came back since", carried.came_back),
        ("  before --since", carried.older),
        ("profiles deleted", carried.profiles),
        ("  memberships removed", carried.memberships),
        ("  traits removed", carried.traits),
        ("items of tokens revoked", carried.revocations),
        ("items of tokens made", carried.tokens),
        ("spaces made or changed", carried.spaces),
        ("idempotency keys", carried.idempotency_keys),
    ];
    let mut rows: Vec<[String; 2]> = counts.map(|(name, count)| [name.to_owned(), count.to_string()]).into();
    rows.extend(settings.iter().map(|(setting, change)| {
        let change = match change {
            SettingChange::Set => "set",
            SettingChange::Unchanged => "unchanged",
            SettingChange::Unsupported => "not known to this endpoint",
        };
        [setting.to_string(), change.to_owned()]
    }));
    columns(&rows)
}
