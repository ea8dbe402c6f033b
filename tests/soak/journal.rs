//! What is behind the table's stream: the journal and its log. The functions that write them are killed all the time. At the
//! end, the table, the journal and the log must tell the same, each change once.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use dynoxide::{Database, types::AttributeValue};
use efface_aws::{Journal, clock::Clock};
use efface_core::{
    journal::{Entry, EventId, EventKind, Noun, Pack, counts::counts, index::index},
    log::Frontier,
    space::SpaceId,
};
use efface_tests::{
    TestKms, TestObjects,
    app::SPACE,
    faults::Fault,
    journal::JOURNAL,
    published::PublishedLog,
    publisher::{LOCKED, ORIGIN, PARTIAL},
    store::{TABLE, client},
};

use crate::{Run, check, population::VALUE_PREFIX, queue::FaultyQueue, stream::Tape};

/// Share of requests of S3 and KMS that fail, and of those that are carried out and whose reply is lost.
const FAILED: f64 = 0.02;
/// How long the functions may take until all is published after the last change.
const LIMIT: Duration = Duration::from_mins(15);

/// The services of the functions behind the stream. Copies are the same.
#[derive(Clone)]
pub(crate) struct Downstream {
    objects: TestObjects,
    kms: TestKms,
    /// The publisher's queue.
    pub(crate) pointers: FaultyQueue,
    /// The queue of records that were put aside.
    pub(crate) aside: FaultyQueue,
    pub(crate) stream: Tape,
}

impl Downstream {
    /// Starts them, for the stream of a database.
    pub(crate) async fn start(database: &Database) -> Self {
        let clock = Clock::system();
        let (objects, kms) = (TestObjects::start(move || clock.now()).await, TestKms::start(7).await);
        let (pointers, aside) = (FaultyQueue::default(), FaultyQueue::default());
        let this = Self { objects, kms, pointers, aside, stream: Tape::new(database) };
        this.set_faults(true);
        this
    }

    /// The variables of the functions, with the queues at an address.
    pub(crate) fn variables(&self, queues: &str) -> Vec<(&'static str, String)> {
        vec![
            ("EFFACE_JOURNAL", JOURNAL.to_owned()),
            ("EFFACE_LOG_QUEUE_URL", format!("{queues}/000000000000/pointers")),
            ("EFFACE_ASIDE_QUEUE_URL", format!("{queues}/000000000000/aside")),
            ("EFFACE_LOG_BUCKET", LOCKED.to_owned()),
            ("EFFACE_LOG_PARTIAL_BUCKET", PARTIAL.to_owned()),
            ("EFFACE_LOG_ORIGIN", ORIGIN.to_owned()),
            ("EFFACE_LOG_INTERVAL_SECONDS", "1".to_owned()),
            ("EFFACE_SIGNING_KEY", "alias/test".to_owned()),
            ("AWS_ENDPOINT_URL_S3", self.objects.url.clone()),
            ("AWS_ENDPOINT_URL_KMS", self.kms.url.clone()),
        ]
    }

    fn set_faults(&self, are_on: bool) {
        if are_on {
            self.objects.plan(|_| fault());
            self.kms.plan(|_| fault());
        } else {
            self.objects.heal();
            self.kms.heal();
        }
    }
}

fn fault() -> Fault {
    match fastrand::f64() {
        x if x < FAILED => [Fault::Throttle, Fault::ServerError][fastrand::usize(..2)],
        x if x < 2.0 * FAILED => Fault::LoseReply,
        _ => Fault::None,
    }
}

impl Run<'_> {
    /// Waits until the log has all changes, while functions are killed, and compares log, journal and table. `direct` is the
    /// endpoint without faults.
    pub(crate) async fn check_journal(&mut self, database: &Database, direct: &str) {
        let journal = Journal::new(client(direct), JOURNAL);
        let space: SpaceId = SPACE.parse().unwrap();
        let last_change = Instant::now();
        self.kill_the_rest().await;
        self.traffic.set_faults(false);
        self.downstream.set_faults(false);
        while !self.is_published(&journal, &space).await {
            self.fleet.replace_failed().await;
            if last_change.elapsed() > LIMIT {
                return self.faults.push("the log has not all changes in time".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        println!("journal: all published {:.0} s after the last change", last_change.elapsed().as_secs_f64());

        let packs = packs(&journal, &space).await;
        let entries: Vec<&Entry> = packs.iter().flat_map(Pack::entries).collect();
        self.report_downstream(entries.len(), packs.len());
        self.compare_with_table(database, &entries);
        self.compare_with_index(database, &packs);
        self.check_counts(&journal, &space, &packs).await;
        self.check_log(&space, &entries);
        self.find_values(database, &entries);
    }

    /// Kills what is left to kill.
    async fn kill_the_rest(&mut self) {
        while self.fleet.figures.downstream < self.downstream_kills {
            self.fleet.replace_failed().await;
            self.fleet.kill_downstream().await;
            tokio::time::sleep(Duration::from_millis(fastrand::u64(300..900))).await;
        }
    }

    async fn is_published(&self, journal: &Journal, space: &SpaceId) -> bool {
        self.downstream.stream.is_done() && {
            let head = journal.head(space).await.unwrap();
            head.undrained().is_empty() && !head.is_dirty()
        }
    }

    fn report_downstream(&self, entries: usize, packs: usize) {
        let figures = self.fleet.figures;
        println!(
            "journal: {entries} entries in {packs} packs; {} captures and publishers killed, {} of them during an invocation",
            figures.downstream, figures.downstream_busy
        );
        for consumer in self.downstream.stream.figures() {
            println!("stream: {} batches, {} of them handed over again", consumer.batches, consumer.failed);
        }
    }

    /// Each tombstone and each profile that is gone has one entry, and there are no others; each job has its story.
    fn compare_with_table(&mut self, database: &Database, entries: &[&Entry]) {
        let ids: BTreeSet<&EventId> = entries.iter().map(|entry| entry.id()).collect();
        if ids.len() != entries.len() {
            self.faults.push(format!("journal: {} entries of {} events", entries.len(), ids.len()));
        }
        let mut told: BTreeMap<(String, EventKind, u64), usize> = BTreeMap::new();
        let mut jobs: BTreeMap<String, Vec<EventKind>> = BTreeMap::new();
        for id in ids {
            match &id.noun {
                Noun::Identifier(_) | Noun::Profile(_) => {
                    let ordinal = if matches!(id.noun, Noun::Profile(_)) { 0 } else { u64::from(id.ordinal) };
                    *told.entry((id.noun.to_string(), id.kind.clone(), ordinal)).or_default() += 1;
                }
                Noun::Job(job) => jobs.entry(job.to_string()).or_default().push(id.kind.clone()),
                _ => {}
            }
        }
        let (mut missing, mut deleted) = (Vec::new(), 0);
        let mut made = 0;
        check::scan(database, TABLE, |item| {
            let text = |name: &str| match item.get(name) {
                Some(AttributeValue::S(text)) => text.as_str(),
                _ => "",
            };
            let (kind, name) = (&text("pk")[..2], text("pk").rsplit('#').next().unwrap_or_default());
            made += usize::from(kind == "J#" && text("sk") == "H");
            let expected = match (kind, text("sk"), text("state")) {
                ("I#", "-", "deleted") => (format!("I#{name}"), EventKind::IdentifierRemoved, 2),
                ("P#", "H", "deleted") if item.contains_key("gone_at") => {
                    (format!("P#{name}"), EventKind::ProfileDeleted, 0)
                }
                _ => return,
            };
            deleted += 1;
            if told.remove(&expected) != Some(1) {
                missing.push(expected);
            }
        });
        println!(
            "journal: {deleted} deletions in the table, {} of them without an entry, {} entries more",
            missing.len(),
            told.len()
        );
        self.faults.extend(missing.iter().take(5).map(|what| format!("journal: there is no entry of {what:?}")));
        self.faults.extend(
            told.keys().take(5).map(|what| format!("journal: an entry that the table does not tell: {what:?}")),
        );
        let whole = [EventKind::JobCreated, EventKind::JobCompleted, EventKind::JobVerified];
        let once = |kinds: &Vec<EventKind>| whole.iter().all(|kind| kinds.iter().filter(|k| *k == kind).count() == 1);
        if jobs.len() != made || !jobs.values().all(once) {
            self.faults.push(format!("journal: {made} jobs, of which it tells {jobs:?}"));
        }
    }

    fn compare_with_index(&mut self, database: &Database, packs: &[Pack]) {
        let space: SpaceId = SPACE.parse().unwrap();
        let key = |item: &efface_core::journal::index::IndexItem| (item.partition(&space), item.sort_key());
        let mut expected: BTreeSet<_> = packs.iter().flat_map(index).map(|item| key(&item)).collect();
        let mut more = 0;
        check::scan(database, JOURNAL, |item| {
            let [pk, sk] = ["pk", "sk"].map(|name| match &item[name] {
                AttributeValue::S(text) => text.clone(),
                _ => unreachable!("a key is a text"),
            });
            more += usize::from(["N#", "J#", "R#"].contains(&&pk[..2]) && !expected.remove(&(pk, sk)));
        });
        if more + expected.len() > 0 {
            self.faults
                .push(format!("journal: {} items of the index are missing, and {more} too many", expected.len()));
        }
    }

    async fn check_counts(&mut self, journal: &Journal, space: &SpaceId, packs: &[Pack]) {
        let mut expected: BTreeMap<_, BTreeMap<EventKind, u64>> = BTreeMap::new();
        for (day, kinds) in packs.iter().flat_map(counts) {
            for (kind, count) in kinds {
                *expected.entry(day.clone()).or_default().entry(kind).or_default() += count;
            }
        }
        let (from, to) = ("1970-01-01".parse().unwrap(), "9998-12-31".parse().unwrap());
        let stored = journal.days(space, &from, &to).await.unwrap();
        let stored: BTreeMap<_, _> = stored.into_iter().map(|(day, counts)| (day, counts.entries)).collect();
        if stored != expected {
            self.faults.push(format!("journal: the counts are {stored:?} and should be {expected:?}"));
        }
    }

    /// The log is the journal's, for others' programs as for ours, and of no size two roots were signed.
    fn check_log(&mut self, space: &SpaceId, entries: &[&Entry]) {
        let leaves: Vec<_> = entries.iter().map(|entry| entry.leaf_json().clone()).collect();
        PublishedLog::of(&self.downstream.objects, space).verify(&leaves);
        let (mut tree, mut roots) = (Frontier::new(), BTreeMap::new());
        for entry in entries {
            tree.push(entry.leaf_hash()).unwrap();
            roots.insert(tree.size(), tree.root());
        }
        let signed = self.downstream.kms.signed();
        for text in &signed {
            let size: u64 = text.lines().nth(1).unwrap().parse().unwrap();
            if *text != format!("{ORIGIN}/{space}\n{size}\n{}\n", roots[&size]) {
                self.faults.push(format!("log: another root of {size} entries was signed: {text}"));
            }
        }
        println!("log: {} entries verified, {} signatures", entries.len(), signed.len());
    }

    /// No value may be anywhere behind the stream.
    fn find_values(&mut self, database: &Database, entries: &[&Entry]) {
        let in_entry = |entry: &&&Entry| {
            [entry.leaf_json(), entry.private_json()].iter().any(|part| part.as_str().contains(VALUE_PREFIX))
        };
        let mut found = entries.iter().filter(in_entry).count();
        check::scan(database, JOURNAL, |item| found += usize::from(format!("{item:?}").contains(VALUE_PREFIX)));
        for (path, bytes) in self.downstream.objects.all() {
            let is_in = bytes.windows(VALUE_PREFIX.len()).any(|window| window == VALUE_PREFIX.as_bytes());
            found += usize::from(is_in || path.contains(VALUE_PREFIX));
        }
        found += self.downstream.kms.signed().iter().filter(|text| text.contains(VALUE_PREFIX)).count();
        if found > 0 {
            self.faults.push(format!("{found} entries, items, files or signatures have a value"));
        }
        let aside = self.downstream.aside.figures().sent;
        if aside > 0 {
            self.faults.push(format!("{aside} records were put aside"));
        }
    }
}

/// All packs of a space, in order.
async fn packs(journal: &Journal, space: &SpaceId) -> Vec<Pack> {
    let head = journal.head(space).await.unwrap();
    let (mut packs, mut next) = (Vec::new(), 0);
    while next < head.n() {
        packs.extend(journal.packs(space, next, head.n()).await.unwrap());
        next = packs.last().map_or(head.n(), Pack::end);
    }
    packs
}
