//! What is said when everything runs.

use serde_json::{Value, json};

use crate::{
    console::{answer, say},
    loading::Tokens,
    seeding::DEMO_SPACE,
};

/// What one needs to use what was started.
#[derive(Debug)]
pub struct Ready {
    /// Where the API answers.
    pub url: String,
    /// Where the emulated AWS answers.
    pub endpoint: String,
    /// Tokens by role, by space.
    pub tokens: Tokens,
}

impl Ready {
    /// Says it: to a program in one line of JSON, else to a person.
    pub fn tell(&self, as_json: bool) {
        if as_json { answer(self.json()) } else { say(self.text()) }
    }

    fn json(&self) -> Value {
        let spaces: Value =
            self.tokens.iter().map(|(space, tokens)| (space.clone(), json!({ "tokens": tokens }))).collect();
        json!({
            "ready": true,
            "url": self.url,
            "space_id": DEMO_SPACE,
            "tokens": self.tokens.get(DEMO_SPACE),
            "spaces": spaces,
            "endpoint_url": self.endpoint,
        })
    }

    fn text(&self) -> String {
        let tokens = self.tokens.get(DEMO_SPACE).into_iter().flatten();
        let list: Vec<String> = tokens.map(|(role, token)| format!("    {role:<20} {token}")).collect();
        format!(
            "\nEfface runs. Ctrl-C stops it, and what it stored is gone.\n\n  API    {}\n  AWS    {}\n  space  \
             {DEMO_SPACE}\n  tokens\n{}\n\nDelete an identifier:\n\n{}\n",
            self.url,
            self.endpoint,
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
