//! Which lines may be written at the same time, so that the end is the same as of one after the other.
//!
//! A space line changes how all others are read, and a merge needs the profile that it goes into: both wait for all
//! earlier lines. Two lines that share an identifier may be of one profile, whose traits the later one decides, or of
//! two, of which the later one is in the wrong: they keep their order too.

use std::collections::{BTreeMap, HashSet};

use efface_core::load::LoadLine;

/// An identifier in its space. In lower case, so that types whose values are compared so are covered too.
type Shared = (String, String, String);

/// The lines that are being written.
pub(crate) struct Order {
    limit: usize,
    lines: BTreeMap<u64, Vec<Shared>>,
    busy: HashSet<Shared>,
}

impl Order {
    /// At most so many lines at a time.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, lines: BTreeMap::new(), busy: HashSet::new() }
    }

    /// Whether a line must wait until one that is being written is done.
    pub(crate) fn must_wait(&self, line: &LoadLine) -> bool {
        if self.lines.is_empty() {
            return false;
        }
        let is_barrier = match line {
            LoadLine::Space(..) => true,
            LoadLine::Profile(profile) => profile.merged_into.is_some(),
        };
        is_barrier || self.lines.len() >= self.limit || shared(line).iter().any(|id| self.busy.contains(id))
    }

    /// A line is being written from now on. It must not have to wait.
    pub(crate) fn start(&mut self, number: u64, line: &LoadLine) {
        let ids = shared(line);
        self.busy.extend(ids.iter().cloned());
        self.lines.insert(number, ids);
    }

    /// A line is done with.
    pub(crate) fn finish(&mut self, number: u64) {
        for id in self.lines.remove(&number).unwrap_or_default() {
            self.busy.remove(&id);
        }
    }

    /// The first line that is being written.
    pub(crate) fn first(&self) -> Option<u64> {
        self.lines.keys().next().copied()
    }
}

fn shared(line: &LoadLine) -> Vec<Shared> {
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
    fn lines_that_share_nothing_go_together_up_to_the_limit() {
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
    fn spaces_and_merges_wait_for_all_before_them() {
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
        assert!(order.must_wait(&profile(&["y"])), "the profile that it goes into");
        order.start(3, &space);
    }
}
