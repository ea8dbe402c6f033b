//! `efface admin space list`: the spaces of a stack, page by page.

use std::fmt::Write as _;

use clap::Args;
use efface_aws::{
    Store,
    clock::Clock,
    store::stop::{ListedSpace, SpaceSearch},
};
use efface_core::{space::SpaceId, stop::Stop};
use serde_json::{Value, json};

use super::stop::document;
use crate::{CliError, Interrupts, Output, output::columns, progress_bar::Bar};

const AFTER_HELP: &str = "\
Spaces made by an earlier version are listed only after they were changed, or after --find has noted them. --find reads
the whole table once, with eventually consistent reads. It may be stopped, and goes on where it was.

Example:
  efface admin space list
  efface admin space list --limit 1000 --after spa_demo
  efface admin space list --find";

/// The options of `efface admin space list`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct ListArgs {
    /// The most spaces to list, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    limit: u16,
    /// List the spaces after this one
    #[arg(long, value_name = "SPACE_ID", value_parser = SpaceId::parse)]
    after: Option<SpaceId>,
    /// First look through the table for spaces that an earlier version made
    #[arg(long)]
    find: bool,
}

pub(crate) async fn run(
    args: &ListArgs,
    store: &Store,
    as_json: bool,
    interrupts: &Interrupts,
) -> Result<Output, CliError> {
    if args.find && !find(store, as_json, interrupts).await? {
        let text = "stopped: run the same command again, and it goes on".to_owned();
        return Ok(Output { text, json: json!({"interrupted": true}), exit: interrupts.exit_code() });
    }
    let (spaces, next) = store.list_spaces(args.after.as_ref(), args.limit.into()).await?;
    let (all, search) = (store.stop(None).await?, store.space_search().await?);
    let is_complete = search.is_some_and(|search| search.finished_at.is_some());
    let json = json!({
        "stop": all.as_ref().map(document),
        "spaces": spaces.iter().map(entry).collect::<Vec<_>>(),
        "next": next,
        "searched": is_complete,
    });
    Ok(Output::success(text(all.as_ref(), &spaces, next.as_ref(), is_complete), json))
}

/// Looks through the table; whether it came to the end.
async fn find(store: &Store, as_json: bool, interrupts: &Interrupts) -> Result<bool, CliError> {
    let total = u64::try_from(store.table().await?.items).unwrap_or_default();
    let bar = Bar::start("items", as_json);
    let mut search = store.space_search().await?.filter(|search| search.finished_at.is_none()).unwrap_or_default();
    loop {
        search = store.search_spaces(&search, Clock::system().now()).await?;
        let SpaceSearch { scanned, found, finished_at, .. } = &search;
        let scanned = u64::try_from(*scanned).unwrap_or_default();
        bar.set(scanned, total.max(scanned), &format!("{found} spaces"));
        if finished_at.is_some() || interrupts.requested() {
            return Ok(finished_at.is_some());
        }
    }
}

fn entry(listed: &ListedSpace) -> Value {
    let ListedSpace { id, space, stop } = listed;
    json!({
        "id": id,
        "activated": space.activated,
        "source": space.source,
        "created_at": space.created_at,
        "stop": stop.as_ref().map(document),
    })
}

fn state(listed: &ListedSpace) -> String {
    let api = if listed.space.activated { "on" } else { "off" };
    match listed.stop.filter(Stop::holds) {
        Some(stop) => format!("{api}, stopped since {}", stop.stopped_at),
        None => api.to_owned(),
    }
}

fn text(all: Option<&Stop>, spaces: &[ListedSpace], next: Option<&SpaceId>, is_complete: bool) -> String {
    let titles = ["id", "created", "deletion API"].map(str::to_owned);
    let row = |listed: &ListedSpace| [listed.id.to_string(), listed.space.created_at.to_string(), state(listed)];
    let mut text = columns(&std::iter::once(titles).chain(spaces.iter().map(row)).collect::<Vec<_>>());
    if let Some(stop) = all.filter(|stop| stop.holds()) {
        text = format!("The whole stack is stopped since {}.\n\n{text}", stop.stopped_at);
    }
    if let Some(next) = next {
        _ = write!(text, "\n\nmore: efface admin space list --after {next}");
    }
    if !is_complete {
        text.push_str("\n\nSpaces that an earlier version made may be missing; `--find` finds them.");
    }
    text
}
