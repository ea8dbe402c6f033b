//! The app under test, called with events.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use base64::{Engine, engine::general_purpose::STANDARD};
use efface_api::{
    App,
    event::{EventSource, HttpEvent},
};
use efface_aws::{
    clock::Clock,
    store::load::{LoadError, Loaded},
};
use efface_core::{
    key::MasterKey,
    load::{LoadLine, parse_line},
    role::Role,
    space::{SpaceChange, SpaceId},
    time::Time,
};
use serde_json::{Value, json};

use crate::{
    events::{Req, Via},
    log,
    queue::TestQueue,
    store::TestStore,
};

/// The space that every test has.
pub const SPACE: &str = "spa_demo";

/// A clock that moves by 20 ms with every look, unless told otherwise.
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
    /// The time, without moving it.
    pub fn peek(&self) -> Time {
        Time::from_millis(self.millis.load(Ordering::SeqCst)).unwrap()
    }

    /// Moves it.
    pub fn advance(&self, millis: i64) {
        self.millis.fetch_add(millis, Ordering::SeqCst);
    }

    /// How far each look moves it from now on.
    pub fn step(&self, millis: i64) {
        self.step.store(millis, Ordering::SeqCst);
    }

    /// As the functions have it.
    pub fn clock(&self) -> Clock {
        let this = self.clone();
        Clock::new(move || {
            Time::from_millis(this.millis.fetch_add(this.step.load(Ordering::SeqCst), Ordering::SeqCst)).unwrap()
        })
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Value,
}

impl Reply {
    /// Reads the answer that a front door would send on.
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

    /// `status code message` of an error, `status code` of a success.
    pub fn line(&self) -> String {
        let error = &self.body["error"];
        match (error["code"].as_str(), error["message"].as_str()) {
            (Some(code), Some(message)) => format!("{} {code} {message}", self.status),
            _ => format!("{} {}", self.status, self.body["code"].as_str().unwrap_or("-")),
        }
    }
}

/// An app on a table of its own, with a space, a token for each role and a clock.
pub struct TestApp {
    /// The table.
    pub db: TestStore,
    /// The queue of jobs.
    pub queue: TestQueue,
    /// Where dead messages end.
    pub dead: TestQueue,
    /// The app, as one instance of the function has it.
    pub app: Arc<App>,
    /// The clock.
    pub clock: TestClock,
    /// Tokens of [`SPACE`].
    pub tokens: BTreeMap<Role, String>,
}

/// The identifier key of every test.
pub fn master() -> MasterKey {
    MasterKey::from_base64(&STANDARD.encode([7; 32])).unwrap()
}

impl TestApp {
    /// Starts an app behind a REST API.
    pub async fn start() -> Self {
        Self::on(TestStore::start().await).await
    }

    /// The same on a table that never is too slow.
    pub async fn start_patient() -> Self {
        Self::on(TestStore::start_patient().await).await
    }

    async fn on(db: TestStore) -> Self {
        log::keep();
        let (clock, queue, dead) = (TestClock::default(), TestQueue::default(), TestQueue::default());
        let app = instance(&db, &queue, &clock, EventSource::Rest);
        let mut app = Self { app, db, queue, dead, clock, tokens: BTreeMap::new() };
        app.space(SPACE, json!({ "source": "attached", "reactor_instances": ["demo"] })).await;
        for role in Role::ALL {
            let token = app.new_token(SPACE, role).await;
            app.tokens.insert(role, token);
        }
        app.db.proxy.take();
        app
    }

    /// Another instance of the function on the same table: caches and limiter of its own.
    pub fn another(&self, door: EventSource) -> Arc<App> {
        instance(&self.db, &self.queue, &self.clock, door)
    }

    /// Makes a space, or changes it.
    pub async fn space(&self, id: &str, change: Value) {
        let id = SpaceId::parse(id).unwrap();
        let change: SpaceChange = serde_json::from_value(change).unwrap();
        if self.db.store.space(&id).await.unwrap().is_some() {
            self.db.store.update_space(&id, &change).await.unwrap();
        } else {
            self.db.store.create_space(&id, &change, self.clock.peek()).await.unwrap();
        }
    }

    /// Makes a token.
    pub async fn new_token(&self, space: &str, role: Role) -> String {
        let space = SpaceId::parse(space).unwrap();
        let (token, _) = self.db.store.create_token(&space, role, self.clock.peek(), None).await.unwrap();
        token.expose().to_owned()
    }

    /// The token of a role.
    pub fn token(&self, role: Role) -> &str {
        &self.tokens[&role]
    }

    /// Loads one profile line.
    pub async fn try_load(&self, line: &Value) -> Result<Loaded, LoadError> {
        let Ok(Some(LoadLine::Profile(profile))) = parse_line(&line.to_string()) else {
            panic!("not a profile line: {line}")
        };
        let space = self.db.store.space(&profile.space_id).await.unwrap().unwrap();
        let key = master().space_key(&profile.space_id);
        self.db.store.load_profile(&space, &key, &profile, self.clock.peek()).await
    }

    /// Loads a profile of [`SPACE`] with identifiers `type:value`, as of 2026-01-01.
    pub async fn profile(&self, ids: &[&str]) {
        let loaded = self.try_load(&profile_line(SPACE, ids)).await.unwrap();
        assert_eq!(loaded.stored, ids.len());
    }

    /// Sends a request, as the workspace owner, through a REST API.
    pub async fn send(&self, request: Req) -> Reply {
        let token = self.token(Role::WorkspaceOwner).to_owned();
        self.send_raw(&request.token(&token)).await
    }

    /// Sends a request as it is through a REST API.
    pub async fn send_raw(&self, request: &Req) -> Reply {
        send(&self.app, request, Via::Rest).await
    }

    /// Deletes an identifier `type:value` of a profile.
    pub async fn delete(&self, user_id: &str, target: &str) -> Reply {
        let (id_type, id) = target.split_once(':').unwrap();
        self.send(Req::delete(SPACE, user_id, id_type, id)).await
    }

    /// The identifiers of a profile, `type:value`, sorted; all pages of it.
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

/// A profile line with identifiers `type:value`, as of 2026-01-01.
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

fn instance(db: &TestStore, queue: &TestQueue, clock: &TestClock, door: EventSource) -> Arc<App> {
    Arc::new(App::new(db.store.clone(), queue.queue(), master(), clock.clock(), door))
}

/// Sends a request to an instance as a door's event.
pub async fn send(app: &App, request: &Req, door: Via) -> Reply {
    let event: HttpEvent = serde_json::from_value(request.event(door)).unwrap();
    Reply::of(&app.handle(event).await)
}
