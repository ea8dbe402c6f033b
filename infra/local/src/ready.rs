//! The message that the service is ready.

use std::{path::PathBuf, sync::Arc};

use serde_json::{Value, json};

use crate::{
    console::{print, say},
    error::LocalError,
    loader::Tokens,
    seeds::DEMO_SPACE,
    sign_in::SignIn,
};

/// What a user needs to use the service.
#[derive(Debug)]
pub struct Ready {
    /// The base URL of the API.
    pub url: String,
    /// The endpoint URL of the emulated AWS.
    pub endpoint: String,
    /// The tokens of each space by role.
    pub tokens: Tokens,
    /// The file with the lines that the functions log.
    pub log: PathBuf,
    /// Makes links to the console.
    pub sign_in: Arc<SignIn>,
}

impl Ready {
    /// Prints one line of JSON to stdout, or a text to stderr. Either has a link that signs in to the console.
    pub fn announce(&self, as_json: bool) -> Result<(), LocalError> {
        let link = self.sign_in.link()?;
        if as_json {
            print(self.json(&link));
        } else {
            say(self.text(&link));
        }
        Ok(())
    }

    fn json(&self, link: &str) -> Value {
        let spaces: Value =
            self.tokens.iter().map(|(space, tokens)| (space.clone(), json!({ "tokens": tokens }))).collect();
        json!({
            "ready": true,
            "url": self.url,
            "space_id": DEMO_SPACE,
            "tokens": self.tokens.get(DEMO_SPACE),
            "spaces": spaces,
            "endpoint_url": self.endpoint,
            "console": link,
        })
    }

    fn text(&self, link: &str) -> String {
        let tokens = self.tokens.get(DEMO_SPACE).into_iter().flatten();
        let list: Vec<String> = tokens.map(|(role, token)| format!("    {role:<20} {token}")).collect();
        format!(
            "\nEfface is running. Ctrl-C stops it and deletes its data.\n\n  API      {}\n  AWS      {}\n  space    \
             {DEMO_SPACE}\n  log      {}\n  tokens\n{}\n\nThe console, for 60 seconds and once; Enter prints another \
             link:\n\n  {link}\n\nLook up the user_id user_001 there. Or delete an identifier:\n\n{}\n",
            self.url,
            self.endpoint,
            self.log.display(),
            list.join("\n"),
            self.curl()
        )
    }

    fn curl(&self) -> String {
        let token = self.tokens.get(DEMO_SPACE).and_then(|tokens| tokens.get("identity_admin"));
        format!(
            "curl -X POST '{}/v1/spaces/{DEMO_SPACE}/collections/users/profiles/user_id:user_001/external_ids/delete' \
             \\\n  -u '{}:' -H 'Content-Type: application/json' \\\n  \
             -d '{{\"delete_external_ids\":[{{\"id\":\"example@gmail.com\",\"type\":\"email\"}}]}}'",
            self.url,
            token.map_or("", String::as_str)
        )
    }
}
