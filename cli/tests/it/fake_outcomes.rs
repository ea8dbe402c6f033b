//! The outcomes of the fake's jobs: rows in their order, as many of each outcome as the job counts.

use serde_json::{Value, json};

use crate::fake_api::{State, is_good};

/// The entries of a page, as in the API.
const PAGE: usize = 100;

impl State {
    /// A page of outcomes, for the query `outcomes?limit=100&outcome=…&next=…`.
    pub(crate) fn outcomes(&self, id: &str, list: &str) -> (u16, Value) {
        let parameter = |name: &str| {
            let mut pairs = list.split(['?', '&']).filter_map(|pair| pair.split_once('='));
            pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
        };
        let all = self.all_outcomes(id).into_iter();
        let all = all.filter(|row| parameter("outcome").is_none_or(|only| row["outcome"] == only));
        let start: usize = parameter("next").map_or(0, |next| next.parse().unwrap());
        let mut rows = all.skip(start).peekable();
        let data: Vec<Value> = rows.by_ref().take(PAGE).collect();
        let has_more = rows.peek().is_some();
        let next = if has_more { (start + PAGE).to_string() } else { String::new() };
        (200, json!({"data": data, "cursor": {"has_more": has_more, "next": next}}))
    }

    fn all_outcomes(&self, id: &str) -> Vec<Value> {
        let counts = &self.jobs[id]["counts"];
        let mut left: Vec<(&str, u64)> =
            ["deleted", "not_found", "failed"].map(|outcome| (outcome, counts[outcome].as_u64().unwrap_or(0))).to_vec();
        let mut all = Vec::new();
        for ((_, page), rows) in self.pages.iter().filter(|((job, _), _)| job == id) {
            for (row, value) in rows.as_array().unwrap().iter().enumerate() {
                let outcome = match left.iter_mut().find(|(_, left)| *left > 0) {
                    _ if !is_good(value) => "invalid",
                    Some((outcome, left)) => {
                        *left -= 1;
                        outcome
                    }
                    None => continue,
                };
                let message = format!("It is {outcome}.");
                all.push(json!({"page": page, "row": row, "outcome": outcome, "code": outcome, "message": message}));
            }
        }
        all
    }
}
