//! The HTTP function under test: a table, a queue, a clock and tokens, and requests sent to it as Lambda events.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine, engine::general_purpose::STANDARD};
use efface_api::{
    App, Keys,
    event::{EventSource, HttpEvent},
};
use efface_aws::clock::Clock;
use efface_core::{
    key::MasterKey,
    load::{LoadLine, parse_line},
    log::LogKey,
    role::Role,
    space::{SpaceChange, SpaceId},
    time::Time,
};
use efface_engine::load::{LoadError, Loaded, Loader};
use serde_json::{Value, json};

use crate::{
    events::{Req, Via},
    log,
    queue::TestQueue,
    store::TestStore,
};

/// The demo space: every [`TestApp`] has it.
pub const SPACE: &str = "spa_demo";

/// A clock that advances at every reading: by 20 ms, unless [`TestClock::step`] says otherwise. Copies are the same
/// clock.
#[derive(Debug, Clone)]
pub struct TestClock {
    millis: Arc<AtomicI64>,
    step: Arc<AtomicI64>,
}

impl Default for TestClock {
    fn default() -> Self {
        let start = Time::parse("2026-06-01T12:00:00Z").unwrap().millis();
        Self { millis: Arc::new(start.into()), step: Arc::new(20.into()) }
    }
}

impl TestClock {
    /// The current time. Does not advance the clock.
    pub fn peek(&self) -> Time {
        Time::from_millis(self.millis.load(Ordering::SeqCst)).unwrap()
    }

    /// Moves the clock by milliseconds, back if they are negative.
    pub fn advance(&self, millis: i64) {
        self.millis.fetch_add(millis, Ordering::SeqCst);
    }

    /// From now on every reading advances the clock by this many milliseconds.
    pub fn step(&self, millis: i64) {
        self.step.store(millis, Ordering::SeqCst);
    }

    /// The clock to hand to a function.
    pub fn clock(&self) -> Clock {
        let this = self.clone();
        Clock::new(move || {
            Time::from_millis(this.millis.fetch_add(this.step.load(Ordering::SeqCst), Ordering::SeqCst)).unwrap()
        })
    }
}

/// An HTTP response.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The HTTP status code.
    pub status: u16,
    /// The headers, by name in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON, or a string where it is no JSON.
    pub body: Value,
}

impl Reply {
    /// Parses the response in the form that the function returns to its event source.
    pub fn of(event: &Value) -> Self {
        let headers = event["headers"].as_object().unwrap();
        Self {
            status: u16::try_from(event["statusCode"].as_u64().unwrap()).unwrap(),
            headers: headers.iter().map(|(n, v)| (n.to_lowercase(), v.as_str().unwrap().to_owned())).collect(),
            body: event["body"]
                .as_str()
                .map(|body| serde_json::from_str(body).unwrap_or_else(|_| body.into()))
                .unwrap(),
        }
    }

    /// `<status> <code> <message>` of an error, `<status> <code>` of a success, for comparison in one assertion.
    pub fn line(&self) -> String {
        let error = &self.body["error"];
        match (error["code"].as_str(), error["message"].as_str()) {
            (Some(code), Some(message)) => format!("{} {code} {message}", self.status),
            _ => format!("{} {}", self.status, self.body["code"].as_str().unwrap_or("-")),
        }
    }
}

/// One instance of the HTTP function on a table of its own, with the space [`SPACE`] and a token for each role.
pub struct TestApp {
    /// The table.
    pub db: TestStore,
    /// What loads profiles.
    pub loader: Loader,
    /// The job queue.
    pub queue: TestQueue,
    /// The dead-letter queue of the job queue.
    pub dead: TestQueue,
    /// The instance of the function that [`TestApp::send`] uses.
    pub app: Arc<App>,
    /// The clock of all instances.
    pub clock: TestClock,
    /// A token of [`SPACE`] for each role.
    pub tokens: BTreeMap<Role, String>,
    may_leave_messages: AtomicBool,
}

/// A test that ends with waiting messages has probably not run its jobs to the end, so it fails unless it says
/// [`TestApp::leave_messages`].
impl Drop for TestApp {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.may_leave_messages.load(Ordering::Relaxed) {
            assert_eq!(self.queue.len(), 0, "messages are left in the job queue");
        }
    }
}

/// The master key of all tests.
pub fn master() -> MasterKey {
    MasterKey::from_base64(&STANDARD.encode([7; 32])).unwrap()
}

/// The log key of all tests.
pub fn log_key() -> LogKey {
    LogKey::from_base64(&STANDARD.encode([8; 32])).unwrap()
}

/// The secrets of the function in all tests.
pub fn keys() -> Keys {
    Keys { identifiers: master(), log: log_key() }
}

impl TestApp {
    /// Starts an instance whose event source is an API Gateway REST API.
    pub async fn start() -> Self {
        Self::on(TestStore::start().await).await
    }

    /// As [`TestApp::start`], on a table of [`TestStore::start_patient`].
    pub async fn start_patient() -> Self {
        Self::on(TestStore::start_patient().await).await
    }

    /// Starts an instance on a table that holds these items.
    pub async fn with(items: &[HashMap<String, AttributeValue>]) -> Self {
        let db = TestStore::start().await;
        db.put(items).await;
        Self::on(db).await
    }

    async fn on(db: TestStore) -> Self {
        log::capture();
        let (clock, queue, dead) = (TestClock::default(), TestQueue::default(), TestQueue::default());
        let app = instance(&db, &queue, &clock, EventSource::Rest);
        let may_leave_messages = AtomicBool::new(false);
        let loader = Loader::new(db.store.clone(), log_key());
        let mut app = Self { app, db, loader, queue, dead, clock, tokens: BTreeMap::new(), may_leave_messages };
        app.space(SPACE, json!({ "source": "attached", "reactor_instances": ["demo"] })).await;
        for role in Role::ALL {
            let token = app.new_token(SPACE, role).await;
            app.tokens.insert(role, token);
        }
        app.db.proxy.take();
        app
    }

    /// An instance on a table of the same database that holds these items, with queues of its own, and the tokens and the
    /// clock of this one.
    pub async fn restore(&self, table: &str, items: &[HashMap<String, AttributeValue>]) -> Self {
        let (db, queue, dead) = (self.db.restore(table, items).await, TestQueue::default(), TestQueue::default());
        let app = instance(&db, &queue, &self.clock, EventSource::Rest);
        let (clock, tokens) = (self.clock.clone(), self.tokens.clone());
        let loader = Loader::new(db.store.clone(), log_key());
        Self { app, db, loader, queue, dead, clock, tokens, may_leave_messages: AtomicBool::new(false) }
    }

    /// Says that this test leaves messages in the job queue.
    pub fn leave_messages(&self) {
        self.may_leave_messages.store(true, Ordering::Relaxed);
    }

    /// Another instance of the function on the same table and queue, with caches and a limiter of its own.
    pub fn another(&self, event_source: EventSource) -> Arc<App> {
        instance(&self.db, &self.queue, &self.clock, event_source)
    }

    /// Creates a space, or changes it where it exists. The caches of instances are not cleared.
    pub async fn space(&self, id: &str, change: Value) {
        let id = SpaceId::parse(id).unwrap();
        let change: SpaceChange = serde_json::from_value(change).unwrap();
        if self.db.store.space(&id).await.unwrap().is_some() {
            self.db.store.update_space(&id, &change, self.clock.peek()).await.unwrap();
        } else {
            self.db.store.create_space(&id, &change, self.clock.peek()).await.unwrap();
        }
    }

    /// Creates a token of a space.
    pub async fn new_token(&self, space: &str, role: Role) -> String {
        let space = SpaceId::parse(space).unwrap();
        let (token, _) = self.db.store.create_token(&space, role, self.clock.peek(), None).await.unwrap();
        token.expose().to_owned()
    }

    /// The token of [`SPACE`] for a role.
    pub fn token(&self, role: Role) -> &str {
        &self.tokens[&role]
    }

    /// Loads one profile line, through the fault proxy.
    pub async fn try_load(&self, line: &Value) -> Result<Loaded, LoadError> {
        let Ok(Some(LoadLine::Profile(profile))) = parse_line(&line.to_string()) else {
            panic!("not a profile line: {line}")
        };
        let space = self.db.store.space(&profile.space_id).await.unwrap().unwrap();
        let key = master().space_key(&profile.space_id);
        self.loader.load(&space, &key, &profile, self.clock.peek()).await
    }

    /// Loads a profile of [`SPACE`] with identifiers `type:value`, timestamp 2026-01-01. All of them must be new.
    pub async fn profile(&self, ids: &[&str]) {
        let loaded = self.try_load(&profile_line(SPACE, ids)).await.unwrap();
        assert_eq!(loaded.stored, ids.len());
    }

    /// Sends a request with the workspace owner's token, as an event of a REST API.
    pub async fn send(&self, request: Req) -> Reply {
        let token = self.token(Role::WorkspaceOwner).to_owned();
        self.send_raw(&request.token(&token)).await
    }

    /// Sends a request without adding a token, as an event of a REST API.
    pub async fn send_raw(&self, request: &Req) -> Reply {
        send(&self.app, request, Via::Rest).await
    }

    /// Deletes the identifier `type:value` of the profile that has the `user_id`.
    pub async fn delete(&self, user_id: &str, target: &str) -> Reply {
        let (id_type, id) = target.split_once(':').unwrap();
        self.send(Req::delete(SPACE, user_id, id_type, id)).await
    }

    /// All identifiers of a profile as `type:value`, sorted. Reads every page.
    pub async fn external_ids(&self, lookup: &str) -> Vec<String> {
        let (id_type, value) = lookup.split_once(':').unwrap();
        let base = Req::read(SPACE, id_type, value, "external_ids").target;
        let mut ids = Vec::new();
        let mut next = String::new();
        loop {
            let reply = self.send(Req::get(format!("{base}?limit=100&next={next}"))).await;
            assert_eq!(reply.status, 200, "{}", reply.body);
            for entry in reply.body["data"].as_array().unwrap() {
                ids.push(format!("{}:{}", entry["type"].as_str().unwrap(), entry["id"].as_str().unwrap()));
            }
            reply.body["cursor"]["next"].as_str().unwrap().clone_into(&mut next);
            if reply.body["cursor"]["has_more"] == json!(false) {
                ids.sort();
                return ids;
            }
        }
    }
}

/// A profile line with identifiers `type:value`, timestamp 2026-01-01.
pub fn profile_line(space: &str, ids: &[&str]) -> Value {
    let ids: Vec<Value> = ids
        .iter()
        .map(|id| {
            let (id_type, value) = id.split_once(':').unwrap();
            json!({ "type": id_type, "id": value })
        })
        .collect();
    json!({ "space_id": space, "external_ids": ids, "timestamp": "2026-01-01T00:00:00Z" })
}

fn instance(db: &TestStore, queue: &TestQueue, clock: &TestClock, event_source: EventSource) -> Arc<App> {
    Arc::new(App::new(db.store.clone(), queue.queue(), keys(), clock.clock(), event_source))
}

/// Sends a request to an instance as an event of an event source.
pub async fn send(app: &App, request: &Req, via: Via) -> Reply {
    let event: HttpEvent = serde_json::from_value(request.event(via)).unwrap();
    Reply::of(&app.handle(event).await)
}
