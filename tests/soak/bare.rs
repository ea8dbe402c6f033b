//! The yardstick for `cargo local`: the rows of a file as one job, on the table of a running `cargo local` and with the
//! code of the functions, but in this process and with a queue in memory. What it is faster by is what HTTP, the emulated
//! queue and Lambda, and the processes of the functions cost.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use efface_api::{App, Keys, event::EventSource};
use efface_aws::{
    Store,
    client::dynamodb,
    clock::Clock,
    config::{Config, identifier_key, log_key},
};
use efface_bulk_worker::Worker;
use efface_engine::{Deadline, Engine};
use efface_tests::{
    Reply, Req, TestQueue, Via,
    app::send,
    jobs::{batch, summary},
};
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

/// As many as `cargo local` has workers, and as many messages as each gets at once.
const WORKERS: usize = 4;
const MESSAGES: usize = 2;
const PAGE_ROWS: usize = 10_000;
const SPACE: &str = "spa_demo";

/// An instance of the HTTP function with a token, and the queue that it sends to.
struct Bare {
    app: App,
    token: String,
    config: Config,
    queue: TestQueue,
}

/// Runs the job to its end. Returns its summary and its rows per second.
pub(crate) async fn run(env_file: &Path, rows: &Path) -> String {
    let bare = Bare::new(&fs::read_to_string(env_file).unwrap());
    let text = fs::read_to_string(rows).unwrap();
    let rows: Vec<&str> = text.lines().collect();
    let started = Instant::now();
    let path = bare.post(&rows).await;
    bare.work().await;
    let rate = f64::from(u32::try_from(rows.len()).unwrap()) / started.elapsed().as_secs_f64();
    let job = bare.send(Req::get(&path)).await.body["job"].take();
    format!("{} ({rate:.0} rows/s)", summary(&job))
}

impl Bare {
    /// Takes the settings from the file that `cargo local` writes.
    fn new(settings: &str) -> Self {
        let settings: HashMap<&str, &str> = settings.lines().filter_map(|line| line.split_once('=')).collect();
        let lookup = |name: &str| settings.get(name).map(ToString::to_string);
        let (config, queue) = (Config::from_lookup(&lookup).unwrap(), TestQueue::default());
        let keys = Keys { identifiers: identifier_key(&lookup).unwrap(), log: log_key(&lookup).unwrap() };
        let app = App::new(store(&config), queue.queue(), keys, Clock::system(), EventSource::Rest);
        Self { app, token: lookup("EFFACE_TOKEN").unwrap(), config, queue }
    }

    async fn send(&self, request: Req) -> Reply {
        let reply = send(&self.app, &request.token(&self.token), Via::Rest).await;
        assert!((200..300).contains(&reply.status), "{}: {}", reply.status, reply.body);
        reply
    }

    /// Creates a job that deletes the profiles of all rows, and starts it. Returns its path.
    async fn post(&self, rows: &[&str]) -> String {
        let jobs = format!("/v1/spaces/{SPACE}/deletion_jobs");
        let created = self.send(Req::post(&jobs, &json!({ "action": "delete_profile", "open": true }))).await;
        let path = format!("{jobs}/{}", created.body["job"]["id"].as_str().unwrap());
        for (number, page) in rows.chunks(PAGE_ROWS).enumerate() {
            let body: Value = json!({ "page": number, "rows": page });
            self.send(Req::post(format!("{path}/rows"), &body)).await;
        }
        self.send(Req::post(format!("{path}/start"), &json!({}))).await;
        path
    }

    /// Delivers all messages: to each worker one batch after the other.
    async fn work(&self) {
        let busy = AtomicUsize::new(0);
        let workers = (0..WORKERS).map(|_| async {
            let worker = Worker::new(Engine::new(store(&self.config), self.queue.queue(), Clock::system()));
            while !self.queue.is_empty() || busy.load(Ordering::Relaxed) > 0 {
                let messages: Vec<String> = (0..MESSAGES).filter_map(|_| self.queue.pop()).collect();
                if messages.is_empty() {
                    sleep(Duration::from_millis(5)).await;
                    continue;
                }
                busy.fetch_add(1, Ordering::Relaxed);
                let done = worker.handle(batch(&messages), Deadline::after(Duration::from_mins(10))).await.unwrap();
                busy.fetch_sub(1, Ordering::Relaxed);
                assert!(done.batch_item_failures.is_empty(), "a chunk has failed");
            }
        });
        join_all(workers).await;
    }
}

fn store(config: &Config) -> Store {
    Store::new(dynamodb(config), config.table.clone())
}
