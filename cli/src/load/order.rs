//! Decides which lines may be written concurrently, so that the result is the same as of one line after the other:
//!
//! - A space line waits for all earlier lines, because it changes how lines are read.
//! - A line with `merged_into` waits for all earlier lines, because the other profile must exist.
//! - A line waits for every earlier line that shares an identifier with it. If both are of the same profile, the traits
//!   of the later one win. If not, the later line is rejected.

use std::collections::{BTreeMap, HashSet};

use efface_core::load::LoadLine;

/// Space, type and value of an identifier. The value is in lower case, because the type may ignore letter case.
type IdentifierKey = (String, String, String);

/// The lines in flight, which are being written.
pub(crate) struct Order {
    limit: usize,
    lines: BTreeMap<u64, Vec<IdentifierKey>>,
    /// The identifiers of all lines in flight.
    identifiers: HashSet<IdentifierKey>,
}

impl Order {
    /// Allows at most `limit` lines in flight.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, lines: BTreeMap::new(), identifiers: HashSet::new() }
    }

    /// Whether a line must wait until a line in flight is finished.
    pub(crate) fn must_wait(&self, line: &LoadLine) -> bool {
        if self.lines.is_empty() {
            return false;
        }
        let is_barrier = match line {
            LoadLine::Space(..) => true,
            LoadLine::Profile(profile) => profile.merged_into.is_some(),
        };
        is_barrier || self.lines.len() >= self.limit || keys(line).iter().any(|key| self.identifiers.contains(key))
    }

    /// Adds a line to the lines in flight. [`must_wait`](Self::must_wait) must be false for it.
    pub(crate) fn start(&mut self, number: u64, line: &LoadLine) {
        let keys = keys(line);
        self.identifiers.extend(keys.iter().cloned());
        self.lines.insert(number, keys);
    }

    /// Removes a line from the lines in flight.
    pub(crate) fn finish(&mut self, number: u64) {
        for key in self.lines.remove(&number).unwrap_or_default() {
            self.identifiers.remove(&key);
        }
    }

    /// The number of the first line in flight.
    pub(crate) fn first(&self) -> Option<u64> {
        self.lines.keys().next().copied()
    }
}

fn keys(line: &LoadLine) -> Vec<IdentifierKey> {
    let LoadLine::Profile(profile) = line else { return Vec::new() };
    let space = profile.space_id.as_str();
    let ids = profile.external_ids.iter().chain(&profile.merged_into);
    ids.map(|id| (space.to_owned(), id.id_type.as_str().to_owned(), id.value.expose().to_lowercase())).collect()
}

#[cfg(test)]
mod tests {
    use efface_core::load::parse_line;

    use super::*;

    fn line(json: &str) -> LoadLine {
        parse_line(json).unwrap().unwrap()
    }

    fn profile(ids: &[&str]) -> LoadLine {
        let ids: Vec<String> = ids.iter().map(|id| format!(r#"{{"type":"email","id":"{id}"}}"#)).collect();
        line(&format!(r#"{{"space_id":"s","external_ids":[{}]}}"#, ids.join(",")))
    }

    #[test]
    fn lines_that_share_no_identifier_run_concurrently_up_to_the_limit() {
        let mut order = Order::new(2);
        order.start(1, &profile(&["a"]));
        assert!(!order.must_wait(&profile(&["b"])));
        order.start(2, &profile(&["b"]));
        assert!(order.must_wait(&profile(&["c"])));
        order.finish(1);
        assert!(!order.must_wait(&profile(&["c"])));
        assert_eq!(order.first(), Some(2));
    }

    #[test]
    fn lines_that_share_an_identifier_keep_their_order() {
        let mut order = Order::new(16);
        order.start(1, &profile(&["a", "b", "a"]));
        assert!(order.must_wait(&profile(&["c", "B"])));
        let elsewhere = line(r#"{"space_id":"t","external_ids":[{"type":"email","id":"a"}]}"#);
        assert!(!order.must_wait(&elsewhere));
        order.finish(1);
        assert!(!order.must_wait(&profile(&["c", "b"])));
    }

    #[test]
    fn spaces_and_merges_wait_for_all_earlier_lines() {
        let space = line(r#"{"space":{"id":"s"}}"#);
        let json =
            r#"{"space_id":"s","external_ids":[{"type":"email","id":"x"}],"merged_into":{"type":"email","id":"y"}}"#;
        let merge = line(json);
        let mut order = Order::new(16);
        assert!(!order.must_wait(&space) && !order.must_wait(&merge));
        order.start(1, &profile(&["a"]));
        assert!(order.must_wait(&space) && order.must_wait(&merge));
        order.finish(1);
        order.start(2, &merge);
        assert!(!order.must_wait(&profile(&["a"])));
        assert!(order.must_wait(&profile(&["y"])), "the profile that it was merged into");
        order.start(3, &space);
    }
}
