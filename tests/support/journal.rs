//! A journal in tests: its table, what writes it, and what must hold of it.

use std::collections::{BTreeMap, BTreeSet};

use efface_aws::{Journal, aside_queue::AsideQueue, log_queue::LogQueue};
use efface_change_capture::ChangeCapture;
use efface_core::{
    journal::{
        Entry, EventId, EventKind, Head, Pack,
        counts::{Day, counts},
        index::{IndexItem, index, waiting_shard},
    },
    log::Frontier,
    space::SpaceId,
};
use efface_engine::journal::JournalWriter;
use serde_json::Value;

use crate::{
    app::{TestApp, TestClock},
    fault_proxy::FaultProxy,
    publisher::soon,
    queue::TestQueue,
    store::{TestStore, client},
    stream::{Stream, event},
};

/// The name of the journal's table in all tests.
pub const JOURNAL: &str = "journal";

/// The journal of a table, with the table's stream.
pub struct TestJournal {
    /// The journal, past the fault proxy.
    pub journal: Journal,
    /// The table that it is on.
    pub db: TestStore,
    /// The fault proxy between what writes the journal and its table.
    pub proxy: FaultProxy,
    /// The queue of the log's publisher.
    pub publisher: TestQueue,
    /// The queue of records that were put aside.
    pub aside: TestQueue,
    /// The stream of the table.
    pub stream: Stream,
    clock: TestClock,
}

impl TestJournal {
    /// An empty journal for the table of an app. It gets what the app writes from now on.
    pub async fn start(app: &TestApp) -> Self {
        Self::on(&app.db, &app.clock).await
    }

    /// The same for a table alone.
    pub async fn on(store: &TestStore, clock: &TestClock) -> Self {
        let mut stream = Stream::of(store).await;
        stream.take().await;
        let db = store.restore(JOURNAL, &[]).await;
        let journal = Journal::new(client(store.url()), JOURNAL);
        let (publisher, aside) = (TestQueue::default(), TestQueue::default());
        Self { journal, proxy: db.proxy.clone(), db, publisher, aside, stream, clock: clock.clone() }
    }

    /// Another journal, empty, in a database and with queues of its own: for records that were taken of this one's stream.
    pub async fn anew(&self) -> Self {
        let store = TestStore::start().await;
        let db = store.restore(JOURNAL, &[]).await;
        let journal = Journal::new(client(store.url()), JOURNAL);
        let (publisher, aside) = (TestQueue::default(), TestQueue::default());
        let (stream, clock) = (Stream::of(&store).await, self.clock.clone());
        Self { journal, proxy: db.proxy.clone(), db, publisher, aside, stream, clock }
    }

    /// What writes the journal through the fault proxy.
    pub fn writer(&self) -> JournalWriter {
        let journal = Journal::new(client(&self.proxy.url), JOURNAL);
        JournalWriter::new(journal, Some(LogQueue::new(self.publisher.queue())))
    }

    /// A new instance of the capture.
    pub fn capture(&self) -> ChangeCapture {
        ChangeCapture::new(self.writer(), AsideQueue::new(self.aside.queue()), self.clock.clock())
    }

    /// Captures all records that wait, in batches of 100.
    pub async fn follow(&mut self) {
        let records = self.stream.take().await;
        self.hand_over(&records).await;
    }

    /// Captures these records, in batches of 100.
    pub async fn hand_over(&self, records: &[Value]) {
        for batch in records.chunks(100) {
            self.capture().handle(event(batch), soon()).await.unwrap();
        }
    }

    /// The packs of a space that are committed, in order.
    pub async fn packs(&self, space: &SpaceId) -> Vec<Pack> {
        let head = self.journal.head(space).await.unwrap();
        let (mut packs, mut from) = (Vec::new(), 0);
        while from < head.n() {
            packs.extend(self.journal.packs(space, from, head.n()).await.unwrap());
            from = packs.last().unwrap().end();
        }
        packs
    }

    /// All entries of a space, in order, once everything is as it must be when nobody writes: the log's frontier is that of
    /// the leaves, index and counts are those of the packs and nothing else, each event is there once, and a space that is
    /// to be published is in the list of those.
    pub async fn entries(&self, space: &str) -> Vec<Entry> {
        let space: SpaceId = space.parse().unwrap();
        let head = self.journal.head(&space).await.unwrap();
        let packs = self.packs(&space).await;
        let entries: Vec<Entry> = packs.iter().flat_map(|pack| pack.entries().to_vec()).collect();
        self.check_head(&space, &head, &entries).await;
        self.check_index(&space, &packs).await;
        self.check_counts(&space, &packs).await;
        entries
    }

    async fn check_head(&self, space: &SpaceId, head: &Head, entries: &[Entry]) {
        let mut frontier = Frontier::new();
        for entry in entries {
            frontier.push(entry.leaf_hash()).unwrap();
        }
        assert_eq!(head.frontier(), &frontier);
        assert!(head.undrained().is_empty(), "{:?}", head.undrained());
        assert_eq!(self.journal.pack(space, head.n()).await.unwrap(), None, "a pack that is not committed");
        let ids: BTreeSet<&EventId> = entries.iter().map(Entry::id).collect();
        assert_eq!(ids.len(), entries.len(), "an event is there twice");
        let (waiting, _) = self.journal.dirty_spaces(waiting_shard(space), None, 100).await.unwrap();
        assert_eq!(
            waiting.contains(space),
            head.is_dirty(),
            "the schedule finds {space} where it is dirty, and only there"
        );
    }

    async fn check_index(&self, space: &SpaceId, packs: &[Pack]) {
        let items = self.db.items().await;
        let is_index = |pk: &str| ["N#", "J#", "R#"].iter().any(|kind| pk.starts_with(&format!("{kind}{space}#")));
        let mut stored = BTreeMap::new();
        for item in items.iter().filter(|item| is_index(item["pk"].as_s().unwrap())) {
            let key = |name: &str| item[name].as_s().unwrap().clone();
            let numbers = match (item.get("number"), item.get("numbers")) {
                (Some(number), None) => vec![number.as_n().unwrap().parse().unwrap()],
                (None, Some(numbers)) => numbers.as_ns().unwrap().iter().map(|n| n.parse().unwrap()).collect(),
                other => panic!("{other:?}"),
            };
            let mut numbers: Vec<u64> = numbers;
            numbers.sort_unstable();
            stored.insert((key("pk"), key("sk")), numbers);
        }
        let expected = packs.iter().flat_map(index).map(|item| {
            let numbers = match &item {
                IndexItem::Event { number, .. } => vec![*number],
                IndexItem::Job { of, .. } | IndexItem::Request { of, .. } => of.numbers.clone(),
            };
            ((item.partition(space), item.sort_key()), numbers)
        });
        assert_eq!(stored, expected.collect());
    }

    async fn check_counts(&self, space: &SpaceId, packs: &[Pack]) {
        let mut expected: BTreeMap<Day, BTreeMap<EventKind, u64>> = BTreeMap::new();
        for (day, kinds) in packs.iter().flat_map(counts) {
            for (kind, count) in kinds {
                *expected.entry(day.clone()).or_default().entry(kind).or_default() += count;
            }
        }
        let (from, to) = ("1970-01-01".parse().unwrap(), "9998-12-31".parse().unwrap());
        let stored = self.journal.days(space, &from, &to).await.unwrap();
        let stored: BTreeMap<_, _> = stored.into_iter().map(|(day, counts)| (day, counts.entries)).collect();
        assert_eq!(stored, expected);
    }
}
