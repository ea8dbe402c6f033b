//! The journal as a whole, against a model: random histories of items, whose stream records come again, in any order and in
//! parts, are captured; then the journal has what happened, each once.

mod model;
mod table;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;

use self::{
    model::{Model, history, life},
    table::{Publisher, Table, Writer, key_of},
};
use super::{
    commit::unknown,
    counts::Day,
    index::IndexItem,
    samples::{id_hash, job, removed, root, segment, space},
    *,
};
use crate::{
    deletion::{
        Identifier, IdentifierState,
        tests::{active, at, profile, tombstone},
    },
    identifier::IdentifierValue,
    job::{JobHead, JobState},
    log::Frontier,
    profile::Head,
    segment::Segment,
    space::Space,
    token::Token,
};

/// Who takes the next step: one of two writers, which may die before it, the publisher, or its schedule.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Step(usize),
    Death(usize),
    Publish,
    Sweep,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        12 => (0..2_usize).prop_map(Turn::Step),
        1 => (0..2_usize).prop_map(Turn::Death),
        3 => Just(Turn::Publish),
        3 => Just(Turn::Sweep),
    ];
    prop::collection::vec(turn, 0..400)
}

/// The batches in which records are delivered: each at least once, in some order.
fn deliveries(records: &[Vec<Event>], order: &[usize], size: usize) -> Vec<Vec<Event>> {
    let again = order.iter().filter_map(|at| records.get(at % records.len().max(1)));
    let all: Vec<&Vec<Event>> = again.chain(records).collect();
    all.chunks(size).map(|batch| batch.iter().copied().flatten().cloned().collect()).collect()
}

/// What two writers make of these batches, which take them in turn, and the publisher and its schedule beside them. A writer
/// that died has its batch again.
fn captured(batches: Vec<Vec<Event>>, turns: &[Turn]) -> Table {
    let (mut table, mut publisher, mut schedule) = (Table::default(), Publisher::default(), Publisher::default());
    let mut writers: [VecDeque<Writer>; 2] = Default::default();
    for (batch, writer) in batches.into_iter().zip([0, 1].into_iter().cycle()) {
        writers[writer].push_back(Writer::new(batch));
    }
    for turn in turns {
        match turn {
            Turn::Publish => publisher.step(&mut table),
            Turn::Sweep => schedule.sweep(&mut table),
            Turn::Step(at) => {
                if writers[*at].front_mut().is_some_and(|writer| !writer.step(&mut table)) {
                    writers[*at].pop_front();
                }
            }
            Turn::Death(at) => writers[*at].front_mut().into_iter().for_each(Writer::die),
        }
        let head = table.head();
        assert_eq!(table.waits, head.is_dirty(), "the schedule finds every space that is dirty, and no other");
        assert!(
            head.is_dirty() || table.published == head.n(),
            "nothing waits for the publisher in a space that is not"
        );
    }
    writers.into_iter().flatten().for_each(|writer| writer.run(&mut table));
    // What nobody was told of, the schedule finds.
    for _ in 0..4 {
        schedule.sweep(&mut table);
    }
    assert_eq!((table.published, table.waits), (table.head().n(), false));
    table
}

/// Index, counts and frontier are those of the entries.
fn check_what_follows(table: &Table) {
    let (head, entries) = (table.head(), table.entries());
    assert_eq!((head.n(), head.indexed()), (entries.len() as u64, entries.len() as u64));
    let mut frontier = Frontier::new();
    for entry in &entries {
        frontier.push(entry.leaf_hash()).unwrap();
    }
    assert_eq!(head.frontier(), &frontier);
    let mut days: BTreeMap<Day, BTreeMap<EventKind, u64>> = BTreeMap::new();
    for (entry, number) in entries.iter().zip(0..) {
        let id = entry.id();
        assert_eq!(table.index.get(&key_of(id)), Some(&IndexItem::Event { id: id.clone(), number }));
        *days.entry(Day::of(id.time)).or_default().entry(id.kind.clone()).or_default() += 1;
    }
    let counted = table.days.iter().map(|(day, (_, counts))| (day.clone(), counts.clone()));
    assert_eq!(counted.collect::<BTreeMap<_, _>>(), days);
}

#[test]
fn a_commit_that_relies_on_a_publisher_fails_where_that_rests_meanwhile() {
    let (mut table, mut publisher) = (Table::default(), Publisher::default());
    Writer::new(vec![removed(1)]).run(&mut table);
    let mut late = Writer::new(vec![removed(2)]);
    // It has read that the space is dirty, and put its pack.
    for _ in 0..3 {
        late.step(&mut table);
    }
    publisher.step(&mut table);
    publisher.step(&mut table);
    assert_eq!((table.published, table.waits, table.head().is_dirty()), (1, false, false));
    late.run(&mut table);
    assert_eq!((table.head().n(), table.waits, table.head().is_dirty()), (2, true, true));
}

/// The head is what it was when the writer has read it, after it was dirty for a while: the commit must bring the item with
/// it, whatever became of the one that was there meanwhile.
#[test]
fn a_commit_that_wakes_brings_the_item_for_the_schedule() {
    let (mut table, mut publisher) = (Table::default(), Publisher::default());
    Writer::new(vec![removed(1)]).run(&mut table);
    publisher.step(&mut table);
    publisher.step(&mut table);
    let mut late = Writer::new(vec![removed(2)]);
    for _ in 0..3 {
        late.step(&mut table);
    }
    // The schedule has nothing to do with a space that rests, and nothing that it does makes the commit forget the item.
    let mut schedule = Publisher::default();
    schedule.sweep(&mut table);
    publisher.step(&mut table);
    publisher.step(&mut table);
    assert_eq!((table.waits, table.head().is_dirty()), (false, false));
    late.run(&mut table);
    assert_eq!((table.head().n(), table.waits, table.head().is_dirty()), (2, true, true));
}

#[test]
fn a_publisher_does_not_rest_before_what_was_committed_meanwhile() {
    let (mut table, mut publisher) = (Table::default(), Publisher::default());
    Writer::new(vec![removed(1)]).run(&mut table);
    publisher.step(&mut table);
    Writer::new(vec![removed(2)]).run(&mut table);
    publisher.step(&mut table);
    assert_eq!((table.published, table.waits, table.head().is_dirty()), (1, true, true));
}

/// In a table that was restored, or by a writer of an earlier version, an ordinal comes again with another change.
#[test]
fn a_change_with_the_ordinal_of_another_one_is_not_taken_for_it() {
    let identifier = |second| {
        let loaded = Identifier { created_at: at(second), deleted_at: None, generation: 1, ..active(tombstone(0)) };
        derive::identifier::derive(id_hash(1), None, Some(&loaded)).unwrap()
    };
    let uncounted = |second| {
        let gone = Identifier { generation: 1, ..tombstone(second) };
        derive::identifier::derive(id_hash(1), Some(&active(gone.clone())), Some(&gone)).unwrap()
    };
    let merged = |second: i64| {
        let into = Head { root: profile(u8::try_from(second).unwrap()), updated_at: Some(at(second)), ..root() };
        derive::profile::derive(Some(&root()), Some(&into))
    };
    let segment = |second| {
        let changed = Segment { changed_at: Some(at(second)), ..segment(2) };
        derive::segment::derive(Some(&segment(1)), Some(&changed), at(500)).unwrap()
    };
    let space = |second| {
        let changed = Space { changed_at: Some(at(second)), version: 2, ..Space::new(at(1)) };
        derive::space::derive(Some(&Space::new(at(1))), Some(&changed), at(500)).unwrap()
    };
    let job = |second| {
        let completed = JobHead { state: JobState::Completed, finished_at: Some(at(second)), version: 3, ..job() };
        derive::job::derive_head(Some(&job()), Some(&completed)).unwrap()
    };
    for events in [&identifier as &dyn Fn(i64) -> Vec<Event>, &uncounted, &merged, &segment, &space, &job] {
        let known = events(50).into_iter().map(|event| event.id).collect();
        assert_eq!((events(60).len(), unknown(events(60), |event| &event.id, &known)), (1, events(60)));
        assert_eq!(unknown(events(50), |event| &event.id, &known), []);
    }
}

#[test]
fn two_that_drain_count_each_day_once_and_a_pack_may_have_a_hundred() {
    let later = |day: i64| {
        let mut event = removed(usize::try_from(day).unwrap());
        event.id.time = event.id.time.plus_seconds(day * 86_400);
        event
    };
    let mut table = Table::default();
    let mut writers = [Writer::new((0..150).map(later).collect()), Writer::new(Vec::new())];
    while !table.head().is_dirty() {
        writers[0].step(&mut table);
    }
    while writers.iter_mut().fold(false, |more, writer| writer.step(&mut table) | more) {}
    check_what_follows(&table);
    assert_eq!((table.days.len(), table.head().n()), (150, 150));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_happened_is_in_the_journal_once(
        steps in history(),
        from_before in prop::collection::vec(0..4_usize, 0..3),
        order in prop::collection::vec(0..1_000_usize, 0..120),
        size in 1..30_usize,
        turns in turns(),
    ) {
        let model = Model::run(&steps, &from_before);
        let table = captured(deliveries(&model.records, &order, size), &turns);
        let entries = table.entries();
        let found: BTreeSet<_> = entries.iter().map(|entry| key_of(entry.id())).collect();
        prop_assert_eq!(found.len(), entries.len(), "each once");
        prop_assert_eq!(found, model.expected);
        check_what_follows(&table);
    }

    #[test]
    fn the_entries_of_an_identifier_tell_its_life(steps in life(), order in prop::collection::vec(0..1_000_usize, 0..120)) {
        let model = Model::run(&steps, &[]);
        let entries = captured(deliveries(&model.records, &order, 7), &[]).entries();
        for (number, item) in model.identifiers() {
            let noun = Noun::Identifier(id_hash(*number));
            let mut life: Vec<&Entry> = entries.iter().filter(|it| it.id().noun == noun).collect();
            life.sort_by_key(|entry| entry.id());
            for (place, entry) in life.iter().enumerate() {
                let kind = if place % 2 == 0 { EventKind::IdentifierCreated } else { EventKind::IdentifierRemoved };
                prop_assert_eq!(&entry.id().kind, &kind);
                prop_assert_eq!(entry.id().ordinal.number(), place as u64 + 1);
            }
            prop_assert_eq!(life.len() as u64, item.generation);
            // Removed and created entries of one life have one subject, and no two lives have.
            let lives: BTreeSet<_> =
                life.iter().map(|entry| entry.facts().unwrap().subject.map(|it| it.to_string())).collect();
            prop_assert_eq!(lives.len(), life.len().div_ceil(2));
        }
    }

    #[test]
    fn a_rebuild_names_the_same_events(steps in life(), from_before in prop::collection::vec(0..4_usize, 0..3)) {
        let model = Model::run(&steps, &from_before);
        let captured: BTreeMap<EventId, Event> =
            model.records.iter().flatten().cloned().map(|event| (event.id.clone(), event)).collect();
        for (number, item) in model.identifiers() {
            for event in derive::identifier::of_item(id_hash(*number), item, None).unwrap() {
                let Some(then) = captured.get(&event.id) else {
                    prop_assert_eq!(event.id.ordinal.number(), 0, "only what was before is not in the stream");
                    continue;
                };
                prop_assert_eq!(&then.facts.request_id, &event.facts.request_id);
            }
            let known: BTreeSet<EventId> = captured.keys().cloned().collect();
            let of_item = derive::identifier::of_item(id_hash(*number), item, None).unwrap();
            let lacks = derive::missing(of_item, &known);
            prop_assert!(lacks.iter().all(|event| event.id.ordinal.number() == 0));
        }
    }

    #[test]
    fn no_planted_value_is_anywhere(planted in "PLANTED-[A-Z]{12}", deleted: bool) {
        let active = Identifier {
            state: IdentifierState::Active,
            value: Some(IdentifierValue::parse(planted.clone()).unwrap()),
            generation: 1,
            ..tombstone(5)
        };
        let gone = Identifier { state: IdentifierState::Deleted, generation: 2, ..active.clone() };
        let new = if deleted { gone } else { active.clone() };
        let named = Segment { name: planted.parse().unwrap(), ..segment(1) };
        let token = serde_json::json!({
            "token_id": "tok_1", "hash": Token::from_random([1; 32]).hash(), "space_id": "spa_demo",
            "role": "auditor", "created_at": at(1), "expires_at": null, "revoked_at": at(2), "label": planted,
        });
        let token: crate::token_record::TokenRecord = serde_json::from_value(token).unwrap();
        let mut events = derive::identifier::derive(id_hash(1), None, Some(&active)).unwrap();
        events.extend(derive::identifier::derive(id_hash(1), Some(&active), Some(&new)).unwrap());
        events.extend(derive::segment::derive(None, Some(&named), at(3)).unwrap());
        let mut table = Table::default();
        Writer::new(events.clone()).run(&mut table);
        events.extend(derive::identifier::of_item(id_hash(1), &new, None).unwrap());
        events.extend(derive::segment::of_item(&named, at(3)).unwrap());
        events.extend(derive::token::of_item(&token));
        let entries: Vec<Entry> = events.iter().map(|event| Entry::rebuilt(&space(), event).unwrap()).collect();
        let mut texts = vec![format!("{events:?} {entries:?} {table:?}")];
        for entry in entries.iter().chain(&table.entries()) {
            texts.extend([entry.leaf_json(), entry.private_json()].map(|part| part.as_str().to_owned()));
        }
        prop_assert!(texts.iter().all(|text| !text.contains(&planted)));
    }
}
