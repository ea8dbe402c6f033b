//! The model of what is captured: items that change, the stream of their changes, and the events that follow from them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::{
    samples::{id_hash, segment},
    *,
};
use crate::{
    deletion::{
        Identifier, IdentifierState,
        tests::{at, request, tombstone},
    },
    identifier::Normalisation,
    key::IdHash,
    log::Commitment,
    segment::{Segment, SegmentState},
};

/// What a writer does to one of a few identifiers, or to a segment.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Activate(usize),
    Delete(usize),
    /// A later event names it.
    Name(usize),
    /// The segment is renamed.
    Rename,
    /// The segment is deleted, or made anew.
    Toggle,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..4_usize).prop_map(Step::Activate),
        4 => (0..4_usize).prop_map(Step::Delete),
        1 => (0..4_usize).prop_map(Step::Name),
        1 => Just(Step::Rename),
        1 => Just(Step::Toggle),
    ];
    prop::collection::vec(step, 1..80)
}

/// A stream record: an item before and after a change.
#[derive(Debug, Clone)]
pub(super) enum Record {
    Identifier(IdHash, Box<(Option<Identifier>, Identifier)>),
    Segment(Box<(Option<Segment>, Segment)>, i64),
}

impl Record {
    pub(super) fn events(&self) -> Vec<Event> {
        match self {
            Self::Identifier(id, images) => derive::identifier::derive(*id, images.0.as_ref(), Some(&images.1)),
            Self::Segment(images, second) => derive::segment::derive(images.0.as_ref(), Some(&images.1), at(*second)),
        }
        .unwrap()
    }
}

/// The table, its stream, and what the journal must have in the end. Some identifiers are from a version that did not count
/// generations; these are tombstones then.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) identifiers: BTreeMap<usize, Identifier>,
    segment: Option<Segment>,
    pub(super) records: Vec<Record>,
    /// Noun and sort key of each event.
    pub(super) expected: BTreeSet<(String, String)>,
    second: i64,
}

impl Model {
    pub(super) fn run(steps: &[Step], from_before: &[usize]) -> Self {
        let mut model = Self::default();
        for number in from_before {
            model.identifiers.insert(*number, tombstone(0));
        }
        for step in steps {
            model.second += 10_000;
            model.step(*step);
        }
        model
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Activate(number) => self.turn(number, IdentifierState::Active),
            Step::Delete(number) => self.turn(number, IdentifierState::Deleted),
            Step::Name(number) => {
                let named = |item: &Identifier| Identifier { event_time: Some(at(self.second)), ..item.clone() };
                if let Some(new) = self.identifiers.get(&number).map(named) {
                    self.write(number, new);
                }
            }
            Step::Rename => {
                if let Some(segment) = self.segment.clone().filter(Segment::exists) {
                    self.put(Segment { version: segment.version + 1, ..segment }, "changed");
                }
            }
            Step::Toggle => {
                let version = self.segment.as_ref().map_or(0, |segment| segment.version) + 1;
                let exists = self.segment.as_ref().is_some_and(Segment::exists);
                let state = if exists { SegmentState::Deleted } else { SegmentState::Enabled };
                self.put(Segment { state, ..segment(version) }, if exists { "removed" } else { "created" });
            }
        }
    }

    /// Makes an identifier active or a tombstone, where it is not yet. One that was never active cannot be deleted.
    fn turn(&mut self, number: usize, state: IdentifierState) {
        let old = self.identifiers.get(&number);
        if old.map_or(IdentifierState::Deleted, |old| old.state) == state {
            return;
        }
        let generation = old.map_or(0, |old| old.generation) + 1;
        let base = old.cloned().unwrap_or(Identifier { deleted_at: None, ..tombstone(0) });
        let life = [u8::try_from(self.second / 10_000).unwrap(), u8::try_from(number).unwrap()];
        let new = match state {
            IdentifierState::Active => {
                let commitment = Some(Commitment::from_bytes(std::array::from_fn(|i| life[i % 2])));
                Identifier { created_at: at(self.second), commitment, normalisation: Some(Normalisation::None), ..base }
            }
            IdentifierState::Deleted => {
                Identifier { deleted_at: Some(at(self.second)), request_id: Some(request(self.second)), ..base }
            }
        };
        let kind = if state == IdentifierState::Active { "created" } else { "removed" };
        self.expected.insert((format!("I#{}", id_hash(number)), format!("{generation:012}#identifier.{kind}")));
        self.write(number, Identifier { state, generation, ..new });
    }

    fn write(&mut self, number: usize, new: Identifier) {
        let old = self.identifiers.insert(number, new.clone());
        self.records.push(Record::Identifier(id_hash(number), Box::new((old, new))));
    }

    fn put(&mut self, new: Segment, kind: &str) {
        self.expected.insert(("G#vip".to_owned(), format!("{:012}#segment.{kind}", new.version)));
        let old = self.segment.replace(new.clone());
        self.records.push(Record::Segment(Box::new((old, new)), self.second));
    }
}
