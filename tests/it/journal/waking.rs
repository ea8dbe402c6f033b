//! Waking: what is committed is published, or the publisher's schedule finds its space. At any moment, whoever dies.

use std::cell::Cell;

use efface_core::{journal::index::waiting_shard, space::SpaceId};
use efface_tests::{TestApp, TestJournal, app::SPACE, publisher::soon, size::size, stream::event};
use serde_json::Value;

use super::{
    assert_tells, dealt,
    story::{OTHER, story},
};

/// A space, and how many of its entries a publisher has published.
struct Watched<'a> {
    journal: &'a TestJournal,
    space: SpaceId,
    published: Cell<u64>,
}

impl Watched<'_> {
    fn all(journal: &TestJournal) -> [Watched<'_>; 2] {
        [SPACE, OTHER].map(|space| Watched { journal, space: space.parse().unwrap(), published: Cell::new(0) })
    }

    /// What the publisher does with a space: it publishes what it finds, and has the space rest if that is all.
    async fn publish(&self) {
        let head = self.journal.journal.head(&self.space).await.unwrap();
        self.published.set(self.published.get().max(head.n()));
        if head.rests_at(head.n()) {
            self.journal.journal.rest(&self.space, &head).await.unwrap();
        }
    }

    /// What its schedule does: it looks at spaces that are listed only.
    async fn sweep(&self) {
        let (waiting, _) = self.journal.journal.dirty_spaces(waiting_shard(&self.space), None, 100).await.unwrap();
        if waiting.contains(&self.space) {
            self.publish().await;
        }
    }

    /// Looks at all items at once; then at what is published, which only grows.
    async fn check(&self) {
        let items = self.journal.db.items().await;
        let key = |item: &std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>, name: &str| {
            item[name].as_s().unwrap().clone()
        };
        let head = items.iter().find(|item| key(item, "pk") == format!("H#{}", self.space));
        let n: u64 = head.map_or(0, |head| head["n"].as_n().unwrap().parse().unwrap());
        let is_dirty = head.is_some_and(|head| head.contains_key("dirty"));
        let waits =
            items.iter().any(|item| key(item, "pk").starts_with("W#") && key(item, "sk") == self.space.as_str());
        assert_eq!(waits, is_dirty, "the schedule finds {} where it is dirty, and only there", self.space);
        assert!(n <= self.published.get() || is_dirty, "{n} entries of {} wait for nobody", self.space);
    }

    /// In the end the schedule alone publishes all.
    async fn check_end(&self) {
        self.check().await;
        self.sweep().await;
        assert_eq!(self.published.get(), self.journal.journal.head(&self.space).await.unwrap().n());
        self.sweep().await;
        assert!(!self.journal.journal.head(&self.space).await.unwrap().is_dirty());
    }
}

/// Hands over batches until none is left, each until it succeeds.
async fn capture(journal: &TestJournal, batches: &[Vec<Value>], at: usize, running: &Cell<usize>) {
    let function = journal.capture();
    for batch in batches.iter().skip(at).step_by(3) {
        while function.handle(event(batch), soon()).await.is_err() {}
    }
    running.set(running.get() - 1);
}

#[tokio::test]
async fn nothing_waits_for_nobody_among_captures_publishers_and_the_schedule() {
    let app = TestApp::start().await;
    let mut first = TestJournal::start(&app).await;
    let expected = story(&app).await;
    let records = first.stream.take().await;
    for seed in 0..size(3, 40) {
        let (journal, mut random) = (first.anew().await, fastrand::Rng::with_seed(seed as u64));
        let batches: Vec<Vec<Value>> =
            dealt(&records, &mut random).iter().flat_map(|batch| batch.chunks(5).map(<[Value]>::to_vec)).collect();
        let (watched, running) = (Watched::all(&journal), Cell::new(3));
        let captures = futures::future::join_all((0..3).map(|at| capture(&journal, &batches, at, &running)));
        let publisher = async {
            while running.get() > 0 {
                for watched in &watched {
                    watched.publish().await;
                    watched.check().await;
                }
            }
        };
        let schedule = async {
            while running.get() > 0 {
                for watched in &watched {
                    watched.sweep().await;
                    watched.check().await;
                }
            }
        };
        futures::join!(captures, publisher, schedule);
        for watched in &watched {
            watched.check_end().await;
        }
        assert_tells(&journal, &expected).await;
    }
}

/// A capture dies after each of its writes, while the space is dirty and while it rests.
#[tokio::test]
async fn nothing_waits_for_nobody_where_captures_die() {
    let app = TestApp::start().await;
    let mut first = TestJournal::start(&app).await;
    let expected = story(&app).await;
    let records = first.stream.take().await;
    let middle = records.len() / 2;
    for rests in [false, true] {
        for (passes, last_is_done) in (0..40).step_by(size(3, 1)).flat_map(|passes| [(passes, false), (passes, true)]) {
            let journal = first.anew().await;
            let watched = Watched::all(&journal);
            journal.capture().handle(event(&records[..middle]), soon()).await.unwrap();
            for watched in watched.iter().filter(|_| rests) {
                watched.publish().await;
            }
            let capture = journal.capture();
            let work = capture.handle(event(&records[middle..]), soon());
            let died = journal.proxy.dies_after_writes(passes, last_is_done, work).await;
            for watched in &watched {
                watched.check().await;
                watched.sweep().await;
                watched.check().await;
            }
            journal.capture().handle(event(&records[middle..]), soon()).await.unwrap();
            for watched in &watched {
                watched.check_end().await;
            }
            assert_tells(&journal, &expected).await;
            if !died {
                break;
            }
        }
    }
}
