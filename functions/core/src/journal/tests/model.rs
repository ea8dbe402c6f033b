//! The model of what is captured: a table whose items change, also by writers of an earlier version and by a restore from a
//! backup, the stream of its changes, and the events that follow from them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::{
    samples::{id_hash, job, root, segment},
    *,
};
use crate::{
    deletion::{
        Identifier, IdentifierState,
        tests::{at, profile, request, tombstone},
    },
    identifier::Normalisation,
    job::{JobHead, JobState},
    log::Commitment,
    profile,
    segment::{Segment, SegmentState},
    space::Space,
    time::Time,
};

/// What a writer does to one of a few identifiers, or to something else.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Activate(usize),
    Delete(usize),
    /// The same by a writer that does not count generations.
    Toggle(usize),
    /// A later event names it.
    Name(usize),
    RenameSegment,
    /// The segment is deleted, or made anew.
    ToggleSegment,
    ChangeSpace,
    /// The profile is merged, or, where it is, deleted.
    MoveProfile,
    /// The job is completed, or, where it is, redriven.
    MoveJob,
    Backup,
    /// The table is what it was at the last backup.
    Restore,
}

/// What one table goes through.
pub(super) fn life() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..4_usize).prop_map(Step::Activate),
        4 => (0..4_usize).prop_map(Step::Delete),
        1 => (0..4_usize).prop_map(Step::Name),
        1 => prop::sample::select(vec![Step::RenameSegment, Step::ToggleSegment, Step::ChangeSpace]),
        1 => prop::sample::select(vec![Step::MoveProfile, Step::MoveJob]),
    ];
    prop::collection::vec(step, 1..80)
}

/// The same with writers of an earlier version, backups and restores.
pub(super) fn history() -> impl Strategy<Value = Vec<Step>> {
    let odd = prop_oneof![
        4 => (0..4_usize).prop_map(Step::Toggle),
        1 => Just(Step::Backup),
        2 => Just(Step::Restore),
    ];
    let lives = prop::collection::vec((life(), odd), 1..4);
    lives.prop_map(|lives| lives.into_iter().flat_map(|(life, odd)| life.into_iter().take(20).chain([odd])).collect())
}

#[derive(Debug, Clone, Default)]
struct Items {
    identifiers: BTreeMap<usize, Identifier>,
    segment: Option<Segment>,
    space: Option<Space>,
    profile: Option<profile::Head>,
    job: Option<JobHead>,
}

/// The table, what its stream tells, and what the journal must have in the end. Some identifiers are from a version that did
/// not count generations; these are tombstones then.
#[derive(Debug, Default)]
pub(super) struct Model {
    items: Items,
    backup: Items,
    /// The events of each stream record.
    pub(super) records: Vec<Vec<Event>>,
    /// Noun and sort key of each event.
    pub(super) expected: BTreeSet<(String, String)>,
    second: i64,
}

impl Model {
    pub(super) fn run(steps: &[Step], from_before: &[usize]) -> Self {
        let mut model = Self::default();
        for number in from_before {
            model.items.identifiers.insert(*number, tombstone(0));
        }
        model.backup = model.items.clone();
        for step in steps {
            model.second += 10_000;
            model.step(*step);
        }
        model
    }

    pub(super) fn identifiers(&self) -> &BTreeMap<usize, Identifier> {
        &self.items.identifiers
    }

    fn now(&self) -> Time {
        at(self.second)
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Activate(number) => self.turn(number, IdentifierState::Active, 1),
            Step::Delete(number) => self.turn(number, IdentifierState::Deleted, 1),
            Step::Toggle(number) => {
                let is_active = self.items.identifiers.get(&number).is_some_and(|item| item.active_profile().is_some());
                let state = if is_active { IdentifierState::Deleted } else { IdentifierState::Active };
                self.turn(number, state, 0);
            }
            Step::Name(number) => {
                let named = |item: &Identifier| Identifier { event_time: Some(self.now()), ..item.clone() };
                if let Some(new) = self.items.identifiers.get(&number).map(named) {
                    self.write(number, new);
                }
            }
            Step::RenameSegment => {
                if let Some(segment) = self.items.segment.clone().filter(Segment::exists) {
                    self.put_segment(segment, "changed");
                }
            }
            Step::ToggleSegment => {
                let there = self.items.segment.clone().filter(Segment::exists);
                let version = self.items.segment.as_ref().map_or(0, |segment| segment.version);
                let made = Segment { created_at: self.now(), ..segment(version) };
                match there {
                    Some(there) => self.put_segment(Segment { state: SegmentState::Deleted, ..there }, "removed"),
                    None => self.put_segment(made, "created"),
                }
            }
            Step::ChangeSpace => self.change_space(),
            Step::MoveProfile => self.move_profile(),
            Step::MoveJob => self.move_job(),
            Step::Backup => self.backup = self.items.clone(),
            Step::Restore => self.items = self.backup.clone(),
        }
    }

    fn expect(&mut self, noun: &str, ordinal: i64, kind: &str) {
        let key = format!("{ordinal:012}#{}#{kind}", self.now());
        self.expected.insert((format!("N#spa_demo#{noun}"), key));
    }

    /// Makes an identifier active or a tombstone, where it is not yet. One that was never active cannot be deleted.
    fn turn(&mut self, number: usize, state: IdentifierState, counts: u64) {
        let old = self.items.identifiers.get(&number);
        if old.map_or(IdentifierState::Deleted, |old| old.state) == state {
            return;
        }
        let generation = old.map_or(0, |old| old.generation) + counts;
        let base = old.cloned().unwrap_or(Identifier { deleted_at: None, ..tombstone(0) });
        let life = [u8::try_from(self.second / 10_000).unwrap(), u8::try_from(number).unwrap()];
        let new = match state {
            IdentifierState::Active => {
                let commitment = Some(Commitment::from_bytes(std::array::from_fn(|i| life[i % 2])));
                let normalisation = Some(Normalisation::None);
                Identifier { created_at: self.now(), commitment, normalisation, ..base }
            }
            IdentifierState::Deleted => {
                Identifier { deleted_at: Some(self.now()), request_id: Some(request(self.second)), ..base }
            }
        };
        let kind = if state == IdentifierState::Active { "identifier.created" } else { "identifier.removed" };
        self.expect(&format!("I#{}", id_hash(number)), generation.cast_signed(), kind);
        self.write(number, Identifier { state, generation, ..new });
    }

    fn write(&mut self, number: usize, new: Identifier) {
        let old = self.items.identifiers.get(&number);
        self.records.push(derive::identifier::derive(id_hash(number), old, Some(&new)).unwrap());
        self.items.identifiers.insert(number, new);
    }

    fn put_segment(&mut self, new: Segment, kind: &str) {
        let new = Segment { version: new.version + 1, changed_at: Some(self.now()), ..new };
        self.expect("G#vip", new.version, &format!("segment.{kind}"));
        let old = self.items.segment.replace(new.clone());
        self.records.push(derive::segment::derive(old.as_ref(), Some(&new), at(0)).unwrap());
    }

    fn change_space(&mut self) {
        let there = self.items.space.clone();
        let new = there.map_or_else(
            || Space::new(self.now()),
            |space| Space { version: space.version + 1, changed_at: Some(self.now()), ..space },
        );
        match new.version {
            1 => self.expect("S#-", 0, "space.created"),
            version => self.expect("S#-", version, "space.changed"),
        }
        let old = self.items.space.replace(new.clone());
        self.records.push(derive::space::derive(old.as_ref(), Some(&new), at(0)).unwrap());
    }

    fn move_profile(&mut self) {
        let now = Some(self.now());
        let (new, ordinal, kind) = match self.items.profile.clone() {
            None => (profile::Head { created_at: now, updated_at: now, ..root() }, 1, "created"),
            Some(head) if head.gone_at.is_some() => return,
            Some(head) if head.is_root() => (profile::Head { root: profile(2), updated_at: now, ..head }, 2, "merged"),
            Some(head) => {
                let state = profile::ProfileState::Deleted;
                (profile::Head { state, gone_at: now, created_at: None, updated_at: None, ..head }, 3, "deleted")
            }
        };
        self.expect(&format!("P#{}", profile(1)), ordinal, &format!("profile.{kind}"));
        let old = self.items.profile.replace(new.clone());
        self.records.push(derive::profile::derive(old.as_ref(), Some(&new)));
    }

    fn move_job(&mut self) {
        let now = self.now();
        let noun = format!("J#{}", job().job_id);
        let new = match self.items.job.clone() {
            None => {
                self.expect(&noun, 1, "job.created");
                JobHead { created_at: now, ..job() }
            }
            Some(head) if head.state == JobState::Completed => {
                JobHead { state: JobState::Running, version: head.version + 1, finished_at: None, ..head }
            }
            Some(head) => {
                let version = head.version + 1;
                self.expect(&noun, version, "job.completed");
                JobHead { state: JobState::Completed, version, finished_at: Some(now), ..head }
            }
        };
        let old = self.items.job.replace(new.clone());
        self.records.push(derive::job::derive_head(old.as_ref(), Some(&new)).unwrap());
    }
}
