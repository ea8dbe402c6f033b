//! A receipt that holds: what it proves and what it does not.

use efface_core::log::{note::VerifierKey, verify::Proved};
use serde_json::{Value, json};

use super::words::{self, About};
use crate::{fields, output::columns};

/// The members of a leaf that a table shows, after those that it always has.
const SHOWN: [&str; 11] = [
    "space",
    "id_type",
    "generation",
    "version",
    "reason",
    "job_id",
    "request_id",
    "token_id",
    "segment_id",
    "counts",
    "digest",
];

/// What of a receipt holds.
pub(super) struct Verified {
    event: String,
    time: String,
    index: u64,
    origin: String,
    size: u64,
    root: String,
    key: String,
    about: About,
    leaf: Value,
}

impl Verified {
    pub(super) fn of(proved: &Proved<'_>, key: &VerifierKey) -> Self {
        // It was read before, so it is JSON.
        let leaf: Value = serde_json::from_str(proved.leaf.as_str()).unwrap_or_default();
        let checkpoint = &proved.checkpoint;
        Self {
            event: proved.event.clone(),
            time: proved.time.to_string(),
            index: proved.index,
            origin: checkpoint.origin().as_str().to_owned(),
            size: checkpoint.size(),
            root: checkpoint.root().to_string(),
            key: key.id().to_string(),
            about: About::of(&leaf, proved.identifier),
            leaf,
        }
    }

    pub(super) fn text(&self) -> String {
        let text = |text: &str| fields::text(&text.into());
        let mut rows = vec![
            ["event".to_owned(), text(&self.event)],
            ["at".to_owned(), self.time.clone()],
            ["log".to_owned(), text(&self.origin)],
            ["entry".to_owned(), format!("{} of {}", self.index, self.size)],
            ["signed by".to_owned(), self.key.clone()],
        ];
        let shown = SHOWN.iter().filter(|name| !self.leaf[**name].is_null());
        rows.extend(shown.map(|name| [(*name).to_owned(), fields::text(&self.leaf[*name])]));
        let warning = words::warning(&self.event).map(|text| format!("{text}\n")).unwrap_or_default();
        let list = |lines: &[String]| lines.iter().flat_map(|line| ["\n  - ", line]).collect::<String>();
        let (proved, not) = (self.proved(), self.not_proved());
        format!("holds.\n{warning}{}\nProved:{}\nNot proved:{}", columns(&rows), list(&proved), list(&not))
    }

    pub(super) fn json(&self) -> Value {
        let log = json!({"origin": self.origin, "size": self.size, "root": self.root});
        json!({"holds": true, "event": self.event, "time": self.time, "index": self.index, "log": log, "key": self.key,
            "identifier": self.about.word(), "leaf": self.leaf, "proved": self.proved(), "not_proved": self.not_proved()})
    }

    fn proved(&self) -> Vec<String> {
        let signed =
            format!("The key {} has signed that this entry was in the log at {} entries.", self.key, self.size);
        let fixed = "Not a byte of the entry can have been changed since.".to_owned();
        [signed, fixed].into_iter().chain(self.about.proved()).collect()
    }

    fn not_proved(&self) -> Vec<String> {
        self.about.not_proved().into_iter().chain(words::not_proved(&self.event)).collect()
    }
}
