//! The table's stream, handed over as Lambda does: in order, in batches, a batch again and again until it succeeds.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use dynoxide::{
    Database,
    actions::{
        describe_stream::DescribeStreamRequest,
        get_records::{GetRecordsRequest, Record},
        get_shard_iterator::GetShardIteratorRequest,
        list_streams::ListStreamsRequest,
    },
    types::AttributeValue,
};
use efface_aws::store::{Key, journaled::FILTERS};
use serde_json::{Value, json};

/// Records of a batch at most, as in the template.
const BATCH: usize = 100;
/// The time between two looks at a stream without anything new. Lambda looks four times a second.
const PAUSE: Duration = Duration::from_millis(250);
/// How many consumers there are. Each gets all records.
pub(crate) const CONSUMERS: usize = 2;

/// The records of a stream, and how far its consumers are. Copies are the same.
#[derive(Clone)]
pub(crate) struct Tape(Arc<Mutex<State>>);

struct State {
    database: Database,
    iterator: String,
    /// When there was nothing new.
    idle: Option<Instant>,
    /// Records that were read, and that not every consumer is done with.
    records: VecDeque<Value>,
    consumers: [Consumer; CONSUMERS],
}

/// How far a consumer is, in records of [`State::records`], and its figures.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Consumer {
    at: usize,
    in_flight: usize,
    pub(crate) batches: usize,
    /// Batches that failed, or whose process was killed.
    pub(crate) failed: usize,
}

impl Tape {
    /// The only stream of a database, from its first record on.
    pub(crate) fn new(database: &Database) -> Self {
        let streams = database.list_streams(ListStreamsRequest::default()).unwrap().streams;
        let stream_arn = streams[0].stream_arn.clone();
        let request = DescribeStreamRequest { stream_arn: stream_arn.clone(), ..DescribeStreamRequest::default() };
        let shard_id = database.describe_stream(request).unwrap().stream_description.shards[0].shard_id.clone();
        let shard_iterator_type = "TRIM_HORIZON".to_owned();
        let request = GetShardIteratorRequest { stream_arn, shard_id, shard_iterator_type, sequence_number: None };
        let iterator = database.get_shard_iterator(request).unwrap().shard_iterator.unwrap();
        let (database, records) = (database.clone(), VecDeque::new());
        Self(Arc::new(Mutex::new(State {
            database,
            iterator,
            idle: None,
            records,
            consumers: [Consumer::default(); CONSUMERS],
        })))
    }

    pub(crate) fn figures(&self) -> [Consumer; CONSUMERS] {
        self.0.lock().unwrap().consumers
    }

    /// Whether all consumers are done with all records.
    pub(crate) fn is_done(&self) -> bool {
        let mut state = self.0.lock().unwrap();
        state.idle = None;
        state.read();
        state.records.is_empty()
    }

    /// The event with the next batch of a consumer. Until it has [ended](Self::end) there is no other.
    pub(crate) fn next(&self, consumer: usize) -> Option<Value> {
        let mut state = self.0.lock().unwrap();
        if state.records.len() < state.consumers[consumer].at + BATCH {
            state.read();
        }
        let State { records, consumers, .. } = &mut *state;
        let consumer = &mut consumers[consumer];
        let batch: Vec<&Value> = records.iter().skip(consumer.at).take(BATCH).collect();
        if consumer.in_flight > 0 || batch.is_empty() {
            return None;
        }
        consumer.in_flight = batch.len();
        consumer.batches += 1;
        Some(json!({ "Records": batch }))
    }

    /// A consumer's batch in flight has succeeded, or is to be handed over again.
    pub(crate) fn end(&self, consumer: usize, succeeded: bool) {
        let mut state = self.0.lock().unwrap();
        let consumer = &mut state.consumers[consumer];
        let batch = std::mem::take(&mut consumer.in_flight);
        if succeeded {
            consumer.at += batch;
        } else {
            consumer.failed += 1;
        }
        let done = state.consumers.iter().map(|consumer| consumer.at).min().unwrap_or_default();
        state.records.drain(..done);
        state.consumers.iter_mut().for_each(|consumer| consumer.at -= done);
    }
}

impl State {
    /// Reads on, unless there was nothing new a moment ago. Records that the mapping's filters leave out are not kept.
    fn read(&mut self) {
        if self.idle.is_some_and(|idle| idle.elapsed() < PAUSE) {
            return;
        }
        let request = GetRecordsRequest { shard_iterator: self.iterator.clone(), limit: Some(1_000) };
        let found = self.database.get_records(request).unwrap();
        self.records.extend(found.records.iter().filter(|record| passes(record)).map(of_lambda));
        self.iterator = found.next_shard_iterator.unwrap();
        self.idle = found.records.is_empty().then(Instant::now);
    }
}

fn passes(record: &Record) -> bool {
    let part = |name: &str| match &record.dynamodb.keys[name] {
        AttributeValue::S(text) => text.clone(),
        _ => unreachable!("a key is a text"),
    };
    let key = Key { pk: part("pk"), sk: part("sk") };
    record.event_name != "REMOVE" && FILTERS.iter().any(|filter| filter.matches(&key))
}

/// A record as a Lambda event has it.
fn of_lambda(record: &Record) -> Value {
    let mut record = serde_json::to_value(record).unwrap();
    record["eventSourceARN"] = "arn:aws:dynamodb:us-east-1:000000000000:table/profiles/stream/1".into();
    record
}
