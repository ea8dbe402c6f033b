//! `efface profile show`: what a profile holds, as far as the token may read it.

use clap::Args;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    CliError, Output,
    api::{Api, ApiOptions, ApiRequest, encoded},
    fields,
    output::columns,
    selector,
    settings::Settings,
};

const AFTER_HELP: &str = "\
Shows all identifiers and traits of the profile, those of profiles that were merged with it included, and when it was
created. The output is personal data. Other users of this machine can see the command line. With `-`, the identifier
comes from standard input instead, as one line TYPE:VALUE. A profile's own id is written segment_id:use_…

Example:
  efface profile show email:example@gmail.com --space spa_demo
  efface profile show - --space spa_demo < person.txt";

/// The options of `efface profile show`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct ShowProfile {
    /// An identifier of the profile, such as email:example@gmail.com; the first colon separates type and value; `-` is
    /// standard input
    #[arg(value_name = "TYPE:VALUE")]
    identifier: String,
    /// The options for the API.
    #[command(flatten)]
    api: ApiOptions,
}

/// A page of traits.
#[derive(Deserialize)]
struct Traits {
    traits: Map<String, Value>,
    cursor: Cursor,
}

#[derive(Deserialize)]
struct Cursor {
    has_more: bool,
    next: Option<String>,
}

pub(super) async fn run(show: &ShowProfile, settings: &Settings<'_>) -> Result<Output, CliError> {
    let api = Api::open(&show.api, settings)?;
    let id = selector::read(&show.identifier).await?;
    let path = format!("collections/users/profiles/{}", selector::path(&id));
    let metadata: Value = api.request(&ApiRequest::get(api.path(&format!("{path}/metadata")))).await?;
    let ids = api.list::<Value>(&format!("{path}/external_ids"), "", u64::MAX, |_| {}).await?.entries;
    let traits = traits(&api, &path).await?;
    let json = json!({"metadata": metadata["metadata"], "external_ids": ids, "traits": traits});
    Ok(Output::success(text(&json), json))
}

/// All traits.
async fn traits(api: &Api, path: &str) -> Result<Map<String, Value>, CliError> {
    let (mut all, mut next) = (Map::new(), String::new());
    loop {
        let request = ApiRequest::get(api.path(&format!("{path}/traits?limit=100{next}")));
        let page: Traits = api.request(&request).await?;
        all.extend(page.traits);
        match page.cursor.next.filter(|next| page.cursor.has_more && !next.is_empty()) {
            Some(cursor) => next = format!("&next={}", encoded(&cursor)),
            None => return Ok(all),
        }
    }
}

fn text(json: &Value) -> String {
    let ids = json["external_ids"].as_array().into_iter().flatten();
    let names = ["type", "id", "created_at"];
    let rows = ids.map(|id| names.map(|name| fields::text(&id[name])));
    let rows: Vec<_> = std::iter::once(["type", "value", "created"].map(str::to_owned)).chain(rows).collect();
    let metadata = fields::table(&json["metadata"], &["segment_id", "created_at", "updated_at"]);
    let traits = fields::table(&json["traits"], &[]);
    let traits = if traits.is_empty() { "none".to_owned() } else { traits };
    format!("{metadata}\n\nIdentifiers:\n{}\n\nTraits:\n{traits}", columns(&rows))
}
