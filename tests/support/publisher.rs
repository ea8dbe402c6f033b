//! A journal in a table of its own, and what publishes it: an S3, a KMS and a queue in memory, and the publisher.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use efface_audit_log::AuditLog;
use efface_aws::{Journal, client, config::Config, log_queue::LogQueue, log_store::LogStore, signing_key::SigningKey};
use efface_core::{
    journal::{Entry, Event, EventId, EventKind, Facts, Noun, Ordinal, Pack},
    log::{Frontier, Wake},
    space::SpaceId,
    time::Time,
    token::TokenId,
};
use efface_engine::{
    Deadline,
    log::{LogError, LogReader, Published, Publisher},
};
use tokio::sync::Notify;

use crate::{
    TestClock, TestQueue, TestStore,
    fault_proxy::is_write,
    faults::Fault,
    kms::TestKms,
    objects::TestObjects,
    store::{TABLE, client as dynamodb},
};

/// The locked bucket.
pub const LOCKED: &str = "log";
/// The bucket of partial tiles.
pub const PARTIAL: &str = "partial";
/// What comes before a space's id in the name of its log.
pub const ORIGIN: &str = "logs.example.com/0f1e2d3c";

/// A journal and the publisher of its logs.
pub struct TestPublisher {
    /// The journal's table.
    pub db: TestStore,
    /// The journal.
    pub journal: Journal,
    /// The log's buckets.
    pub objects: TestObjects,
    /// The key's service.
    pub kms: TestKms,
    /// The publisher's queue.
    pub queue: TestQueue,
    /// The clock of publisher and buckets, which stands still unless it is moved.
    pub clock: TestClock,
}

impl TestPublisher {
    /// Starts without entries and files.
    pub async fn start() -> Self {
        let (db, clock) = (TestStore::start().await, TestClock::default());
        clock.step(0);
        let times = clock.clone();
        let (objects, kms) = (TestObjects::start(move || times.peek()).await, TestKms::start(7).await);
        // A busy machine must not cause retries.
        let patient = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_mins(5)).build();
        let config = dynamodb(&db.proxy.url).config().to_builder().timeout_config(patient).build();
        let journal = Journal::new(aws_sdk_dynamodb::Client::from_conf(config), TABLE);
        Self { db, journal, objects, kms, queue: TestQueue::default(), clock }
    }

    /// A publisher with a process of its own: it knows nothing of what others have read.
    pub fn publisher(&self) -> Publisher {
        self.publisher_with(&self.kms)
    }

    /// The same with another key.
    pub fn publisher_with(&self, kms: &TestKms) -> Publisher {
        let key = signing_key(&kms.url);
        let queue = LogQueue::new(self.queue.queue());
        let interval = Duration::from_mins(1);
        Publisher::new(self.journal.clone(), self.files(), key, queue, ORIGIN, interval, self.clock.clock())
    }

    /// A publisher that signs this often.
    pub fn publisher_each(&self, interval: Duration) -> Publisher {
        let (key, queue) = (signing_key(&self.kms.url), LogQueue::new(self.queue.queue()));
        Publisher::new(self.journal.clone(), self.files(), key, queue, ORIGIN, interval, self.clock.clock())
    }

    /// The function.
    pub fn function(&self) -> AuditLog {
        AuditLog::new(self.publisher())
    }

    /// The log's files.
    pub fn files(&self) -> LogStore {
        files(&self.objects.url)
    }

    /// What reads logs.
    pub fn reader(&self) -> LogReader {
        LogReader::new(self.files())
    }

    /// Commits entries of a space in packs of these sizes, as a writer of the journal does, without index and counts.
    /// Entries with the same number in the journal are the same.
    pub async fn commit(&self, space: &SpaceId, packs: &[usize]) {
        for entries in packs {
            self.commit_others(space, *entries, "").await;
        }
    }

    /// Commits one pack of entries that are others than usual where the mark is not empty.
    pub async fn commit_others(&self, space: &SpaceId, entries: usize, mark: &str) {
        // A publisher that has the space rest meanwhile makes a commit fail.
        loop {
            let head = self.journal.head(space).await.unwrap();
            let numbers = head.n()..head.n() + entries as u64;
            let pack = Pack::new(head.n(), numbers.map(|number| entry(space, number, mark)).collect()).unwrap();
            let commit = head.commit(&pack).unwrap();
            self.journal.put_pack(&pack).await.unwrap();
            if self.journal.commit(space, &head, &commit).await.unwrap() {
                break;
            }
        }
    }

    /// Publishes a space, a minute after the last time.
    pub async fn publish(&self, space: &SpaceId) -> Result<Published, LogError> {
        self.clock.advance(60_000);
        self.publisher().publish(space, Wake::Pointer, soon()).await
    }

    /// The tree of the first so many entries of [`commit`](Self::commit).
    pub fn tree(space: &SpaceId, size: u64) -> Frontier {
        let mut tree = Frontier::new();
        (0..size).for_each(|number| tree.push(entry(space, number, "").leaf_hash()).unwrap());
        tree
    }

    /// Checks every signature that was ever made for a space: of each size one root, which is that of the journal's entries.
    pub fn check_signed(&self, space: &SpaceId) {
        self.check_signed_by(&self.kms, space);
    }

    /// The same of the signatures of another key.
    pub fn check_signed_by(&self, kms: &TestKms, space: &SpaceId) {
        let origin = format!("{ORIGIN}/{space}");
        let signed = kms.signed();
        let sizes: Vec<u64> = signed.iter().filter_map(|text| size_of(text, &origin)).collect();
        let (mut tree, mut roots) = (Frontier::new(), BTreeMap::new());
        for number in 0..=sizes.iter().copied().max().unwrap_or_default() {
            roots.insert(tree.size(), tree.root());
            tree.push(entry(space, number, "").leaf_hash()).unwrap();
        }
        for text in signed.iter().filter(|text| size_of(text, &origin).is_some()) {
            let size = size_of(text, &origin).unwrap();
            assert_eq!(*text, format!("{origin}\n{size}\n{}\n", roots[&size]), "the root of {size} entries");
        }
    }

    /// From now on the first so many side effects happen, of all services together, and whatever follows does not: it is
    /// lost, and this is notified.
    pub fn cut_after(&self, effects: usize) -> Arc<Notify> {
        self.cut_after_with(&self.kms, effects)
    }

    /// The same where another key signs.
    pub fn cut_after_with(&self, kms: &TestKms, effects: usize) -> Arc<Notify> {
        let (cut, left) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(effects)));
        let effect = {
            let cut = Arc::clone(&cut);
            move || {
                let is_left = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
                if is_left {
                    return Fault::None;
                }
                cut.notify_one();
                Fault::LoseRequest
            }
        };
        let of_objects = effect.clone();
        self.objects.plan(move |request| if request.is_write() { of_objects() } else { Fault::None });
        let of_kms = effect.clone();
        kms.plan(move |operation| if operation == "Sign" { of_kms() } else { Fault::None });
        self.db.proxy.plan(move |passed| if is_write(passed) { effect() } else { Fault::None });
        cut
    }

    /// Injects no more faults.
    pub fn heal(&self) {
        self.objects.heal();
        self.kms.heal();
        self.db.proxy.heal();
    }
}

/// The size of a checkpoint's text, if it is of this log.
fn size_of(text: &str, origin: &str) -> Option<u64> {
    text.strip_prefix(origin)?.strip_prefix('\n')?.lines().next()?.parse().ok()
}

/// A deadline that no test reaches.
pub fn soon() -> Deadline {
    Deadline::after(Duration::from_mins(10))
}

/// The entry of a space with this number.
pub fn entry(space: &SpaceId, number: u64, mark: &str) -> Entry {
    let token: TokenId = format!("tok_{number:016x}{mark}").parse().unwrap();
    let id = EventId {
        noun: Noun::Token(token.clone()),
        ordinal: Ordinal::try_from(1_u64).unwrap(),
        time: Time::from_millis(1_767_225_600_000 + i64::try_from(number).unwrap()).unwrap(),
        kind: EventKind::TokenCreated,
    };
    Entry::captured(
        space,
        &Event {
            id,
            facts: Facts { token_id: Some(token), ..Facts::default() },
            details: efface_core::journal::Details::default(),
        },
    )
    .unwrap()
}

/// The files in the buckets of an endpoint.
pub fn files(url: &str) -> LogStore {
    LogStore::new(&client::s3(&config(), Some(url.to_owned())), LOCKED, PARTIAL)
}

/// The key `alias/test` of an endpoint.
pub fn signing_key(url: &str) -> SigningKey {
    SigningKey::kms(client::kms(&config(), Some(url.to_owned())), "alias/test")
}

fn config() -> Config {
    Config {
        table: TABLE.to_owned(),
        region: "us-east-1".to_owned(),
        endpoint_url: None,
        sqs_endpoint_url: None,
        credentials: Some(("test".to_owned(), "test".to_owned(), None)),
    }
}
