//! The journal's table, with the conditional writes that it offers, and who writes it, as machines of single steps: so that a
//! test can put their steps in any order, and let them die between any two.

use std::{
    collections::{BTreeMap, HashSet},
    mem,
};

use super::super::{
    commit::{Commit, unknown},
    counts::{Day, counts},
    index::{IndexItem, index, noun_partition},
    samples::space,
    *,
};
use crate::log::Frontier;

/// The items of one space.
#[derive(Debug, Default)]
pub(super) struct Table {
    frontier: Frontier,
    indexed: u64,
    dirty: bool,
    packs: BTreeMap<u64, Vec<u8>>,
    pub(super) index: BTreeMap<(String, String), IndexItem>,
    /// `until` and counts of each day.
    pub(super) days: BTreeMap<Day, (u64, BTreeMap<EventKind, u64>)>,
    /// Whether the space's item for the publisher's schedule is there.
    pub(super) waits: bool,
    /// How many entries the log has.
    pub(super) published: u64,
}

/// The key of an event's item.
pub(super) fn key_of(id: &EventId) -> (String, String) {
    (noun_partition(&space(), &id.noun), id.sort_key())
}

impl Table {
    pub(super) fn head(&self) -> Head {
        Head::new(self.frontier.size(), self.frontier.clone(), self.indexed, self.dirty).unwrap()
    }

    pub(super) fn pack(&self, first: u64) -> Option<Pack> {
        self.packs.get(&first).map(|bytes| Pack::read(&space(), first, bytes).unwrap())
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.packs.keys().flat_map(|first| self.pack(*first).unwrap().entries().to_vec()).collect()
    }

    /// Commits where `n` and `dirty` are as they were read, with the item for the schedule where that wakes the publisher.
    fn commit(&mut self, read: &Head, commit: Commit) {
        if (self.frontier.size(), self.dirty) == (read.n(), read.is_dirty()) {
            (self.frontier, self.dirty) = (commit.frontier, true);
            self.waits |= commit.wakes;
        }
    }

    fn count(&mut self, day: Day, end: u64, counts: BTreeMap<EventKind, u64>) {
        let (until, sums) = self.days.entry(day).or_default();
        if *until < end {
            *until = end;
            for (kind, count) in counts {
                *sums.entry(kind).or_default() += count;
            }
        }
    }

    /// Removes the item for the schedule and clears `dirty`, where `n` and `dirty` are as they were read.
    fn rest(&mut self, read: &Head) {
        if (self.frontier.size(), self.dirty) == (read.n(), read.is_dirty()) {
            (self.dirty, self.waits) = (false, false);
        }
    }
}

/// Where a writer is, with the head that it has read, however old that is by now.
#[derive(Debug, Clone, Default)]
enum At {
    #[default]
    Read,
    /// So many days of the pack are counted.
    Drain(Head, Pack, usize),
    LookUp(Head),
    Put(Head, Pack),
    Commit(Head, Pack),
    Done,
}

/// A writer of some events.
#[derive(Debug, Clone, Default)]
pub(super) struct Writer {
    events: Vec<Event>,
    at: At,
}

impl Writer {
    pub(super) fn new(events: Vec<Event>) -> Self {
        Self { events, at: At::Read }
    }

    /// Dies, and begins anew.
    pub(super) fn die(&mut self) {
        self.at = At::Read;
    }

    pub(super) fn run(mut self, table: &mut Table) {
        while self.step(table) {}
    }

    /// Takes one step. Whether there is another one.
    pub(super) fn step(&mut self, table: &mut Table) -> bool {
        self.at = match mem::take(&mut self.at) {
            At::Read => {
                let head = table.head();
                if head.undrained().is_empty() {
                    At::LookUp(head)
                } else {
                    let pack = table.pack(head.undrained().start).unwrap();
                    At::Drain(head, pack, 0)
                }
            }
            At::Drain(head, pack, counted) => drain(table, head, pack, counted),
            At::LookUp(head) => self.look_up(table, head),
            At::Put(head, pack) => {
                table.packs.entry(pack.first()).or_insert_with(|| pack.to_bytes().unwrap());
                let there = table.pack(pack.first()).unwrap();
                At::Commit(head, there)
            }
            At::Commit(head, pack) => {
                table.commit(&head, head.commit(&pack).unwrap());
                At::Read
            }
            At::Done => At::Done,
        };
        !matches!(self.at, At::Done)
    }

    fn look_up(&self, table: &Table, head: Head) -> At {
        let found = |id: &EventId| table.index.contains_key(&key_of(id));
        let known: HashSet<EventId> = self.events.iter().map(|event| event.id.clone()).filter(found).collect();
        let mut fresh = unknown(self.events.clone(), |event| &event.id, &known);
        fresh.truncate(pack::MAX_ENTRIES);
        let entries: Vec<Entry> = fresh.iter().map(|event| Entry::captured(&space(), event).unwrap()).collect();
        // A pack of somebody who died is adopted, also by who has nothing to add.
        let own = || Pack::new(head.n(), entries).ok();
        match table.pack(head.n()).or_else(own) {
            Some(pack) => At::Put(head, pack),
            None => At::Done,
        }
    }
}

fn drain(table: &mut Table, head: Head, pack: Pack, counted: usize) -> At {
    if counted == 0 {
        table.index.extend(index(&pack).into_iter().map(|item| ((item.partition(&space()), item.sort_key()), item)));
    }
    if let Some((day, counts)) = counts(&pack).into_iter().nth(counted) {
        table.count(day, pack.end(), counts);
        return At::Drain(head, pack, counted + 1);
    }
    if table.indexed == head.indexed() {
        table.indexed = head.drained(&pack).unwrap();
    }
    At::Read
}

/// The publisher of the log, with the head that it has read. It was sent a pointer, or its schedule found the space.
#[derive(Debug, Default)]
pub(super) struct Publisher(Option<Head>);

impl Publisher {
    pub(super) fn step(&mut self, table: &mut Table) {
        match self.0.take() {
            None => self.0 = Some(table.head()),
            Some(head) => {
                // Another run may have published more meanwhile.
                table.published = table.published.max(head.n());
                if head.rests_at(head.n()) {
                    table.rest(&head);
                }
            }
        }
    }

    /// A step of the schedule, which begins only where the space has an item.
    pub(super) fn sweep(&mut self, table: &mut Table) {
        if self.0.is_some() || table.waits {
            self.step(table);
        }
    }
}
