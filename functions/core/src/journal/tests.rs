//! The journal as a whole, against a model: random histories of items, whose stream records come again, in any order and in
//! parts, are captured; then the journal has what happened, each once.

mod model;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use self::model::{Journal, Model, Record, steps};
use super::{
    samples::{id_hash, segment, space},
    *,
};
use crate::{
    deletion::{
        Identifier, IdentifierState,
        tests::{at, tombstone},
    },
    identifier::IdentifierValue,
    log::Frontier,
    segment::Segment,
    token::Token,
};

/// The batches in which records are delivered: each at least once, in some order.
fn deliveries(records: &[Record], order: &[usize], size: usize) -> Vec<Vec<Record>> {
    let again = order.iter().map(|at| records[at % records.len()].clone());
    let all: Vec<Record> = again.chain(records.iter().cloned()).collect();
    all.chunks(size).map(<[Record]>::to_vec).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_happened_is_in_the_journal_once(
        steps in steps(),
        from_before in prop::collection::vec(0..4_usize, 0..3),
        order in prop::collection::vec(0..1_000_usize, 0..120),
        size in 1..30_usize,
        deaths in prop::collection::vec(0..4_u8, 20),
    ) {
        let model = Model::run(&steps, &from_before);
        if model.records.is_empty() {
            return Ok(());
        }
        let mut journal = Journal::default();
        for (batch, dies) in deliveries(&model.records, &order, size).iter().zip(deaths.iter().cycle()) {
            journal.capture(batch, *dies);
            // A batch whose capture died comes again.
            journal.capture(batch, 0);
        }
        let entries = journal.entries();
        let found: Vec<_> = entries.iter().map(|entry| (entry.id().partition(), entry.id().sort_key())).collect();
        prop_assert_eq!(found.len() as u64, journal.head.n());
        prop_assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>().len(), found.len(), "each once");
        prop_assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), model.expected);
        // Index, counts and frontier are those of the entries.
        let numbered: BTreeMap<_, _> = found.into_iter().zip(0..).collect();
        prop_assert_eq!(&journal.index, &numbered);
        prop_assert_eq!(journal.counted, journal.head.n());
        let of_requests = entries.iter().filter(|entry| entry.leaf().facts.request_id.is_some()).count();
        prop_assert_eq!(journal.of_requests, of_requests as u64);
        let mut frontier = Frontier::new();
        for entry in &entries {
            frontier.push(entry.leaf_hash()).unwrap();
        }
        prop_assert_eq!(journal.head.frontier(), &frontier);
    }

    #[test]
    fn the_entries_of_an_identifier_tell_its_life(steps in steps(), order in prop::collection::vec(0..1_000_usize, 0..120)) {
        let model = Model::run(&steps, &[]);
        if model.records.is_empty() {
            return Ok(());
        }
        let mut journal = Journal::default();
        for batch in deliveries(&model.records, &order, 7) {
            journal.capture(&batch, 0);
        }
        for (number, item) in &model.identifiers {
            let noun = Noun::Identifier(id_hash(*number));
            let mut life: Vec<Entry> = journal.entries().into_iter().filter(|it| it.private().noun == noun).collect();
            chronological(&mut life);
            for (place, entry) in life.iter().enumerate() {
                let kind = if place % 2 == 0 { EventKind::IdentifierCreated } else { EventKind::IdentifierRemoved };
                prop_assert_eq!(&entry.leaf().kind, &kind);
                prop_assert_eq!(entry.private().ordinal.number(), place as u64 + 1);
            }
            prop_assert_eq!(life.len() as u64, item.generation);
            // Removed and created entries of one life have one subject, and no two lives have.
            let lives: BTreeSet<_> = life.iter().map(|entry| entry.leaf().facts.subject.map(|it| it.to_string())).collect();
            prop_assert_eq!(lives.len(), life.len().div_ceil(2));
        }
    }

    #[test]
    fn a_rebuild_names_the_same_events(steps in steps(), from_before in prop::collection::vec(0..4_usize, 0..3)) {
        let model = Model::run(&steps, &from_before);
        let captured: BTreeMap<EventId, Event> =
            model.records.iter().flat_map(Record::events).map(|event| (event.id.clone(), event)).collect();
        for (number, item) in &model.identifiers {
            for event in derive::identifier::of_item(id_hash(*number), item).unwrap() {
                let Some(then) = captured.get(&event.id) else {
                    prop_assert_eq!(event.id.ordinal.number(), 0, "only what was before is not in the stream");
                    continue;
                };
                prop_assert_eq!((then.time, &then.facts.request_id), (event.time, &event.facts.request_id));
            }
            let known: BTreeSet<EventId> = captured.keys().cloned().collect();
            let of_item = derive::identifier::of_item(id_hash(*number), item).unwrap();
            let lacks = derive::missing(of_item, &known);
            prop_assert!(lacks.iter().all(|event| event.id.ordinal.number() == 0));
        }
    }

    #[test]
    fn no_planted_value_is_anywhere(planted in "PLANTED-[A-Z]{12}", deleted: bool, dies in 0..3_u8) {
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
        let token: derive::token::TokenItem = serde_json::from_value(token).unwrap();
        let records = [
            Record::Identifier(id_hash(1), Box::new((None, active.clone()))),
            Record::Identifier(id_hash(1), Box::new((deleted.then_some(active), new.clone()))),
            Record::Segment(Box::new((None, named.clone())), 3),
        ];
        let mut journal = Journal::default();
        journal.capture(&records, dies);
        journal.capture(&records, 0);
        let mut events: Vec<Event> = records.iter().flat_map(Record::events).collect();
        events.extend(derive::identifier::of_item(id_hash(1), &new).unwrap());
        events.extend(derive::segment::of_item(&named, at(3)).unwrap());
        events.extend(derive::token::of_item(&token));
        let entries: Vec<Entry> = events.iter().map(|event| Entry::rebuilt(&space(), event).unwrap()).collect();
        let mut texts = vec![format!("{events:?} {entries:?} {journal:?}")];
        for entry in entries.iter().chain(&journal.entries()) {
            texts.extend([entry.leaf_json(), entry.private_json()].map(|part| part.as_str().to_owned()));
        }
        prop_assert!(texts.iter().all(|text| !text.contains(&planted)));
    }
}
