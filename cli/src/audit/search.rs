//! `efface audit search`: the changes that match, as a table or as JSON.

use std::fmt::Write as _;

use clap::Args;
use efface_core::{journal::EventKind, time::Time};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    CliError, Output,
    api::{Api, ApiOptions, ApiRequest, encoded},
    fields,
    output::columns,
    progress_bar::Bar,
    selector,
    settings::Settings,
};

/// The most entries of a page, as in the API.
const PAGE_SIZE: u64 = 100;

const AFTER_HELP: &str = "\
Lists the entries of the space's log that match all options, the newest first. Each has its index in the log, under which
`efface receipt get --index` finds its receipt. Entries of the last minutes may not be in the log yet.
A search by --identifier, --job or --request is quick. With other options it looks through all entries between --from and
--to.
Other users of this machine can see the command line. With `--identifier -`, the identifier comes from standard input, as
one line TYPE:VALUE.

Example:
  efface audit search --space spa_demo --job JOB
  efface audit search --space spa_demo --event identifier.removed --from 2026-01-01T00:00:00Z --limit 1000 --ndjson
  efface audit search --space spa_demo --identifier - < person.txt";

/// The options of `efface audit search`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct SearchEvents {
    /// Only what happened at this time or later
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    from: Option<Time>,
    /// Only what happened before this time
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    to: Option<Time>,
    /// Only this event, such as identifier.removed or job.completed
    #[arg(long, value_name = "EVENT", value_parser = str::parse::<EventKind>)]
    event: Option<EventKind>,
    /// Only what was done with the token with this id
    #[arg(long, value_name = "ID")]
    token: Option<String>,
    /// Only what this job did, and what was done to it
    #[arg(long, value_name = "ID")]
    job: Option<String>,
    /// Only what this request did
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Only changes of this segment, and deletions for it
    #[arg(long, value_name = "ID")]
    segment: Option<String>,
    /// Only changes of this identifier; `-` is standard input
    #[arg(long, value_name = "TYPE:VALUE")]
    identifier: Option<String>,
    /// The maximum number of entries to list
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Print one JSON object a line, instead of a table
    #[arg(long, conflicts_with = "json")]
    ndjson: bool,
    /// The options for the API.
    #[command(flatten)]
    api: ApiOptions,
}

/// A page of entries. It may be empty, though the list goes on.
#[derive(Deserialize)]
struct Page {
    data: Vec<Value>,
    log: Value,
    cursor: Cursor,
}

#[derive(Deserialize)]
struct Cursor {
    has_more: bool,
    next: Option<String>,
}

/// What was found.
struct Found {
    entries: Vec<Value>,
    /// Size and root of the log when the last page was read.
    log: Value,
    has_more: bool,
}

pub(super) async fn run(options: &SearchEvents, settings: &Settings<'_>) -> Result<Output, CliError> {
    let api = Api::open(&options.api, settings)?;
    let query = options.query().await?;
    let found = search(&api, &query, options.limit, &Bar::start("entries found", settings.global.json)).await?;
    let text = if options.ndjson { lines(&found.entries) } else { found.table() };
    let Found { entries, log, has_more } = found;
    Ok(Output::success(text, json!({"data": entries, "log": log, "has_more": has_more})))
}

impl SearchEvents {
    /// The query without the page: empty, or each parameter after a `&`.
    async fn query(&self) -> Result<String, CliError> {
        let identifier = match &self.identifier {
            Some(argument) => Some(selector::read(argument).await?),
            None => None,
        };
        let parameters = [
            ("from", self.from.map(|time| time.to_string())),
            ("to", self.to.map(|time| time.to_string())),
            ("event", self.event.as_ref().map(EventKind::to_string)),
            ("token_id", self.token.clone()),
            ("job_id", self.job.clone()),
            ("request_id", self.request.clone()),
            ("segment_id", self.segment.clone()),
            ("identifier", identifier.map(|id| format!("{}:{}", id.id_type, id.value.expose()))),
        ];
        let mut query = String::new();
        for (name, value) in parameters {
            if let Some(value) = value {
                _ = write!(query, "&{name}={}", encoded(&value));
            }
        }
        Ok(query)
    }
}

/// Reads pages until there are enough entries, or no more.
async fn search(api: &Api, query: &str, limit: u64, bar: &Bar) -> Result<Found, CliError> {
    let (mut entries, mut next) = (Vec::new(), String::new());
    loop {
        let size = PAGE_SIZE.min(limit - entries.len() as u64);
        let request = ApiRequest::get(api.path(&format!("audit_events?limit={size}{query}{next}")));
        let page: Page = api.request(&request).await?;
        entries.extend(page.data);
        bar.set(entries.len() as u64, 0, "");
        let more = page.cursor.next.filter(|next| page.cursor.has_more && !next.is_empty());
        match more {
            Some(cursor) if (entries.len() as u64) < limit => next = format!("&next={}", encoded(&cursor)),
            more => {
                let is_cut = entries.len() as u64 > limit;
                entries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                return Ok(Found { entries, log: page.log, has_more: more.is_some() || is_cut });
            }
        }
    }
}

/// One entry a line.
fn lines(entries: &[Value]) -> String {
    entries.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

impl Found {
    fn table(&self) -> String {
        let size = fields::text(&self.log["size"]);
        if self.entries.is_empty() {
            return format!("Nothing was found. The log has {size} entries.");
        }
        let names = ["index", "time", "event", "about", "reason", "token", "job or request"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(names).chain(self.entries.iter().map(row)).collect();
        let more = if self.has_more { "\nThere are more: give a larger --limit." } else { "" };
        format!("{}\n\nThe log has {size} entries.{more}", columns(&rows))
    }
}

fn row(entry: &Value) -> [String; 7] {
    let first = |names: &[&str]| {
        let found = names.iter().map(|name| &entry[*name]).find(|value| !value.is_null());
        fields::text(found.unwrap_or(&Value::Null))
    };
    [
        first(&["index"]),
        first(&["time"]),
        first(&["event"]),
        first(&["id_type", "segment_id"]),
        first(&["reason"]),
        first(&["token_id"]),
        first(&["job_id", "request_id"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_a_table() {
        let entry = json!({"index": 7, "time": "T1", "event": "identifier.removed", "id_type": "em\u{1b}ail",
            "subject": "AAAA", "token_id": "tok_1", "request_id": "r1", "job_id": null, "segment_id": null,
            "reason": "request", "counts": {}});
        let job = json!({"index": null, "time": "T0", "event": "job.completed", "job_id": "job_1"});
        let found = Found { entries: vec![entry, job], log: json!({"size": 9}), has_more: true };
        let text = found.table();
        assert!(text.contains("7      T1    identifier.removed  em\u{fffd}ail  request  tok_1  r1\n"), "{text}");
        assert!(text.contains("-      T0    job.completed       -       -        -      job_1\n"), "{text}");
        assert!(text.ends_with("The log has 9 entries.\nThere are more: give a larger --limit."), "{text}");
        let none = Found { entries: Vec::new(), log: json!({"size": 0}), has_more: false };
        assert_eq!(none.table(), "Nothing was found. The log has 0 entries.");
    }
}
