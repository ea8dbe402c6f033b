//! `efface whoami`: what the token is and may do, and the settings of its space.

use clap::Args;
use serde_json::Value;

use crate::{
    CliError, Output,
    api::{Api, ApiOptions, ApiRequest},
    fields,
    output::columns,
    settings::Settings,
};

/// The options of `efface whoami`.
#[derive(Args)]
#[command(after_help = "Example:\n  efface whoami --space spa_demo")]
pub struct Whoami {
    /// The options for the API.
    #[command(flatten)]
    api: ApiOptions,
}

pub(crate) async fn run(whoami: &Whoami, settings: &Settings<'_>) -> Result<Output, CliError> {
    let api = Api::open(&whoami.api, settings)?;
    let json: Value = api.request(&ApiRequest::get(api.path("token"))).await?;
    Ok(Output::success(text(&api.address(), &json), json))
}

fn text(address: &str, json: &Value) -> String {
    let (token, space) = (&json["token"], &json["space"]);
    let state = if space["activated"] == false { "deletions switched off" } else { "deletions switched on" };
    let expires = if token["expires_at"].is_null() { "never".to_owned() } else { fields::text(&token["expires_at"]) };
    let types = list(&space["identifier_types"], |each| match each["normalisation"].as_str() {
        None | Some("none") => fields::text(&each["name"]),
        Some(_) => format!("{} ({})", fields::text(&each["name"]), fields::text(&each["normalisation"])),
    });
    let mut rows: Vec<[String; 2]> = [
        ["space", &format!("{}, {state}", fields::text(&space["id"]))],
        ["address", address],
        ["token", &fields::text(&token["id"])],
        ["label", &fields::text(&token["label"])],
        ["role", &fields::text(&token["role"])],
        ["may", &list(&token["permissions"], |each| fields::text(each).replace('_', " "))],
        ["expires", &expires],
        ["identifier types", &types],
    ]
    .map(|row| row.map(str::to_owned))
    .to_vec();
    let limits = space["limits"].as_object().into_iter().flatten();
    rows.extend(limits.map(|(name, most)| [name.replace('_', " "), fields::text(most)]));
    columns(&rows)
}

fn list(values: &Value, text: impl Fn(&Value) -> String) -> String {
    let texts: Vec<String> = values.as_array().into_iter().flatten().map(text).collect();
    if texts.is_empty() { "-".to_owned() } else { texts.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_answer_is_a_table() {
        let token = json!({"id": "tok_1", "label": "night\u{1b}ly", "role": "identity_admin",
            "permissions": ["delete_identifiers", "read_profiles"], "expires_at": null});
        let space = json!({"id": "spa_demo", "activated": false, "limits": {"jobs_per_second": 100},
            "identifier_types": [{"name": "email", "normalisation": "none"},
                {"name": "nick", "normalisation": "lowercase"}]});
        let text = text("https://host/prod", &json!({"token": token, "space": space}));
        for line in [
            "space             spa_demo, deletions switched off\n",
            "address           https://host/prod\n",
            "label             night\u{fffd}ly\n",
            "may               delete identifiers, read profiles\n",
            "expires           never\n",
            "identifier types  email, nick (lowercase)\n",
            "jobs per second   100",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
