//! A fake of the HTTP API. It keeps jobs in memory, fails on demand, and records the requests that it received.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU32, Ordering},
    },
};

use clap::Parser;
use efface_cli::{Cli, CliError, Interrupts, Output};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    fake_log::{FakeLog, Raw},
    fake_segments::FakeSegments,
};

/// How one exchange fails.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 503, without any effect.
    Busy,
    /// The request takes effect, but the response is lost.
    Lost,
    /// 413, without any effect.
    Rejected,
}

/// A request that was received.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Received {
    pub(crate) line: String,
    pub(crate) key: String,
    pub(crate) body: Value,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) received: Vec<Received>,
    pub(crate) jobs: BTreeMap<String, Value>,
    pub(crate) pages: BTreeMap<(String, u64), Value>,
    /// Each fault happens once, at the first request whose line contains the text.
    pub(crate) faults: Vec<(&'static str, Fault)>,
    /// How many rows of each job fail.
    pub(crate) failing: u64,
    /// How many rows of each job are not found.
    pub(crate) missing: u64,
    /// Jobs with more rows await an approval, where it is set.
    pub(crate) approval_over: Option<u64>,
    /// Whether jobs never end.
    pub(crate) endless: bool,
    /// Jobs pause when so many rows are deleted, where it is set.
    pub(crate) pause_after: Option<u64>,
    /// Fixed responses, by their request line without the path of the space.
    pub(crate) lists: BTreeMap<String, Value>,
    /// What plans have beside their rows and profiles.
    pub(crate) plan: Value,
    /// The responses to requests with a key.
    pub(crate) keys: BTreeMap<String, Value>,
    /// The segments and their members.
    pub(crate) segments: FakeSegments,
    /// The space's log, also served below `/static/`, to which no token may be sent.
    pub(crate) log: Option<FakeLog>,
    /// Responses of any kind to GET requests, one after the other, by their path below that of the space.
    pub(crate) raw: BTreeMap<String, VecDeque<Raw>>,
}

pub(crate) struct FakeApi {
    url: String,
    folder: PathBuf,
    state: Arc<Mutex<State>>,
}

impl FakeApi {
    pub(crate) async fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("api-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(exchange(stream, Arc::clone(&shared)));
            }
        });
        Self { url, folder, state }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn fail(&self, at: &'static str, fault: Fault) {
        self.state().faults.push((at, fault));
    }

    /// The lines of all requests so far, shortened by the path of the space.
    pub(crate) fn lines(&self) -> Vec<String> {
        let short =
            |received: &Received| received.line.replace("/v1/spaces/spa_demo/", "").replace("deletion_jobs", "jobs");
        self.state().received.iter().map(short).collect()
    }

    /// The path of a file that is not there yet.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The environment variables that the command needs.
    pub(crate) fn settings(&self) -> [(&'static str, String); 3] {
        let token = efface_aws::clock::token().expose().to_owned();
        [("EFFACE_API_URL", self.url.clone()), ("EFFACE_TOKEN", token), ("EFFACE_SPACE", "spa_demo".to_owned())]
    }

    pub(crate) async fn run(&self, line: &[&str]) -> Result<Output, CliError> {
        self.run_until(line, &Interrupts::never()).await
    }

    /// The URL of the log on a web site.
    pub(crate) fn site(&self) -> String {
        format!("{}/static", self.url)
    }

    /// Runs a command whose output is a text.
    pub(crate) async fn run_for_text(&self, line: &[&str]) -> Result<Output, CliError> {
        let line = ["efface"].iter().chain(line);
        self.run_line(Cli::try_parse_from(line).map_err(|error| error.to_string()).unwrap(), &Interrupts::never()).await
    }

    pub(crate) async fn run_until(&self, line: &[&str], interrupts: &Interrupts) -> Result<Output, CliError> {
        let line = ["efface", "--json"].iter().chain(line);
        self.run_line(Cli::try_parse_from(line).map_err(|error| error.to_string()).unwrap(), interrupts).await
    }

    async fn run_line(&self, cli: Cli, interrupts: &Interrupts) -> Result<Output, CliError> {
        let settings = self.settings();
        let env = |name: &str| settings.iter().find(|(n, _)| *n == name).map(|(_, value)| value.clone());
        efface_cli::run(&cli, &env, interrupts).await
    }
}

impl Drop for FakeApi {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.folder);
    }
}

async fn exchange(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let received = receive(&mut stream).await;
    let fault = {
        let faults = &mut state.lock().unwrap().faults;
        let at = faults.iter().position(|(at, _)| received.line.contains(at));
        at.map(|at| faults.remove(at).1)
    };
    let raw =
        state.lock().unwrap().raw_response(&received.line).filter(|_| fault.is_none_or(|fault| fault == Fault::Lost));
    let (status, body) = match fault {
        Some(Fault::Busy) => (503, json!({"error": {"code": "service_unavailable", "message": "Busy."}})),
        Some(Fault::Rejected) => (413, json!({"error": {"code": "payload_too_large", "message": "Too large."}})),
        _ if raw.is_some() => Default::default(),
        _ => state.lock().unwrap().response(&received),
    };
    state.lock().unwrap().received.push(received);
    if fault == Some(Fault::Lost) {
        return;
    }
    let as_json = || Raw { status, headers: "Retry-After: 0\r\n".to_owned(), body: body.to_string().into_bytes() };
    let Raw { status, headers, body } = raw.unwrap_or_else(as_json);
    let head = format!("{headers}Request-Id: r-1\r\nConnection: close\r\nContent-Length: {}", body.len());
    let head = format!("HTTP/1.1 {status} X\r\n{head}\r\n\r\n");
    // A client that is stopped does not read on.
    _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
}

async fn receive(stream: &mut TcpStream) -> Received {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let header = |name: &str| {
                let mut lines = head.lines().filter_map(|line| line.split_once(": "));
                lines.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).unwrap_or_default()
            };
            if body.len() >= header("content-length").parse().unwrap_or(0) {
                assert_eq!(header("authorization").starts_with("Basic "), !head.starts_with("GET /static/"));
                let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
                return Received {
                    line,
                    key: header("idempotency-key"),
                    body: serde_json::from_str(body).unwrap_or_default(),
                };
            }
        }
        let mut buffer = vec![0; 65_536];
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the request is incomplete");
        bytes.extend_from_slice(&buffer[..read]);
    }
}

impl State {
    fn response(&mut self, received: &Received) -> (u16, Value) {
        if let Some(list) = self.lists.get(&received.line.replace("/v1/spaces/spa_demo/", "")) {
            let status = list["status"].as_u64().map_or(200, |status| u16::try_from(status).unwrap());
            return (status, list.clone());
        }
        if let Some(response) = self.segment_response(received) {
            return response;
        }
        let (method, path) = received.line.split_once(' ').unwrap();
        let path: Vec<&str> = path.trim_start_matches("/v1/spaces/spa_demo/").split('/').collect();
        match (method, path.as_slice()) {
            ("POST", ["deletion_jobs"]) => self.create(received),
            ("POST", ["deletion_jobs", id, "rows"]) => self.rows(id, &received.body),
            ("POST", ["deletion_jobs", id, "execute"]) => self.execute(id, &received.body),
            ("POST", ["deletion_jobs", id, verb]) => self.control(id, verb, &received.body),
            ("GET", ["deletion_jobs", id]) => self.status(id),
            ("GET", ["deletion_jobs", id, list]) if list.starts_with("outcomes?") => self.outcomes(id, list),
            ("DELETE", ["collections", "users", "profiles", _]) => self.delete_profile(),
            _ => (404, json!({"error": {"code": "not_found", "message": "There is nothing at this path."}})),
        }
    }

    fn create(&mut self, received: &Received) -> (u16, Value) {
        if let Some(response) = self.keys.get(&received.key) {
            return (202, response.clone());
        }
        let rows = received.body["rows"].as_array().unwrap();
        let rejected = rejected(rows);
        let is_open = received.body["open"] == true;
        let plan = (received.body["dry_run"] == true).then(|| self.plan_of(rows.len() as u64, 7));
        let id = format!("job_{}", self.jobs.len() + 1);
        let state = if is_open { "open" } else { "completed" };
        let job = json!({
            "id": id, "action": received.body["action"], "state": state, "rows": rows.len(), "remaining": rows.len(),
            "counts": {}, "group": received.body["group"], "created_at": null, "plan": plan, "start_at": received.body["start_at"],
            "dry_run": received.body["dry_run"] == true,
        });
        self.pages.extend((!rows.is_empty()).then(|| ((id.clone(), 0), received.body["rows"].clone())));
        self.jobs.insert(id.clone(), job.clone());
        if !is_open {
            // What the response shows is not what a later request shows.
            let job = self.jobs.get_mut(&id).unwrap();
            let counts = json!({"invalid": rejected.len(), "deleted": rows.len() - rejected.len()});
            (job["counts"], job["remaining"]) = (counts, 0.into());
        }
        let response = json!({"job": job, "accepted": rows.len() - rejected.len(), "rejected": rejected,
            "rejected_total": rejected.len(), "plan": plan.filter(|_| !is_open)});
        self.keys.insert(received.key.clone(), response.clone());
        (if is_open { 202 } else { 200 }, response)
    }

    pub(crate) fn plan_of(&self, rows: u64, profiles: u64) -> Value {
        let mut plan = json!({"rows": rows, "profiles": profiles});
        plan.as_object_mut().unwrap().extend(self.plan.as_object().cloned().unwrap_or_default());
        plan
    }

    fn rows(&mut self, id: &str, body: &Value) -> (u16, Value) {
        let page = (id.to_owned(), body["page"].as_u64().unwrap());
        let rows = body["rows"].clone();
        if self.pages.get(&page).is_some_and(|stored| *stored != rows) {
            return (409, json!({"error": {"code": "page_conflict", "message": "Other rows."}}));
        }
        let list = rows.as_array().unwrap();
        let rejected = rejected(list);
        if self.pages.insert(page, rows.clone()).is_none() {
            let job = self.jobs.get_mut(id).unwrap();
            job["rows"] = (job["rows"].as_u64().unwrap() + list.len() as u64).into();
            job["counts"]["invalid"] = (job["counts"]["invalid"].as_u64().unwrap_or(0) + rejected.len() as u64).into();
            job["remaining"] = (job["rows"].as_u64().unwrap() - job["counts"]["invalid"].as_u64().unwrap()).into();
        }
        (202, json!({"accepted": list.len() - rejected.len(), "rejected": rejected, "rejected_total": rejected.len()}))
    }

    fn control(&mut self, id: &str, verb: &str, body: &Value) -> (u16, Value) {
        let approval_over = self.approval_over;
        let Some(job) = self.jobs.get_mut(id) else {
            return (404, json!({"error": {"code": "not_found", "message": "No such job."}}));
        };
        let state = match verb {
            "start" if approval_over.is_some_and(|most| job["rows"].as_u64() > Some(most)) => "awaiting_approval",
            "start" | "approve" if !(job["start_at"].is_null() && body["start_at"].is_null()) => "scheduled",
            "start" | "resume" | "redrive" | "approve" => "running",
            "pause" => "paused",
            _ => "cancelled",
        };
        job["state"] = state.into();
        (202, json!({"job": job}))
    }

    /// Makes a job of the rows of a dry run.
    fn execute(&mut self, plan: &str, body: &Value) -> (u16, Value) {
        let mut job = self.jobs[plan].clone();
        let awaits = self.approval_over.is_some_and(|most| job["rows"].as_u64() > Some(most));
        let id = format!("job_{}", self.jobs.len() + 1);
        (job["id"], job["dry_run"], job["plan"]) = (id.clone().into(), false.into(), Value::Null);
        (job["counts"], job["remaining"]) = (json!({}), job["rows"].clone());
        job["state"] = if awaits { "awaiting_approval" } else { "running" }.into();
        job["start_at"] = body["start_at"].clone();
        self.jobs.insert(id, job.clone());
        (202, json!({"job": job}))
    }

    /// A running job is completed after the first request for it.
    fn status(&mut self, id: &str) -> (u16, Value) {
        let (failing, missing, endless) = (self.failing, self.missing, self.endless);
        let Some(job) = self.jobs.get_mut(id) else {
            return (404, json!({"error": {"code": "not_found", "message": "No such job."}}));
        };
        let before = job.clone();
        if let Some(deleted) = self.pause_after.filter(|_| job["state"] == "running") {
            let remaining = job["remaining"].as_u64().unwrap();
            let deleted = deleted.min(remaining);
            (job["state"], job["counts"]["deleted"]) = ("paused".into(), deleted.into());
            job["remaining"] = (remaining - deleted).into();
            return (200, json!({"job": before}));
        }
        if job["state"] == "running" && !endless {
            job["state"] = "completed".into();
            let remaining = job["remaining"].take().as_u64().unwrap();
            let deleted = job["counts"]["deleted"].as_u64().unwrap_or(0);
            job["counts"]["deleted"] = (deleted + remaining - failing - missing).into();
            job["counts"]["not_found"] = missing.into();
            job["counts"]["failed"] = failing.into();
            job["remaining"] = 0.into();
            if job["action"] == "delete_segment" {
                job["verdict"] = if failing > 0 { "partial" } else { "complete" }.into();
                (job["phase"], job["members_left"]) = (Value::Null, failing.into());
            }
            if job["dry_run"] == true {
                let rows = job["rows"].as_u64().unwrap();
                let mut plan = self.plan_of(rows, 9);
                plan["not_found"] = missing.into();
                self.jobs.get_mut(id).unwrap()["plan"] = plan;
            }
        }
        (200, json!({"job": before}))
    }

    /// Deletes the profile at once, or by a job if `failing` is set.
    fn delete_profile(&mut self) -> (u16, Value) {
        if self.failing == 0 {
            let receipt = json!({"request_id": "r", "job_id": "job_1", "deleted_at": "2026-01-01T00:00:00.000Z",
                "counts": {"external_ids": 3, "memberships": 1, "merges": 0, "traits": 2}});
            return (200, json!({"receipt": receipt}));
        }
        let job = json!({"id": "job_1", "action": "delete_profile", "state": "running", "rows": 1, "remaining": 1,
            "counts": {}, "group": null, "created_at": null});
        self.jobs.insert("job_1".to_owned(), job.clone());
        (202, json!({"job": job}))
    }
}

/// Whether a row is an object, an array or `key:value`.
pub(crate) fn is_good(row: &Value) -> bool {
    row.is_object() || row.is_array() || row.as_str().is_some_and(|text| text.contains(':'))
}

/// The rejections of the other rows.
fn rejected(rows: &[Value]) -> Vec<Value> {
    let bad = rows.iter().enumerate().filter(|(_, row)| !is_good(row));
    bad.map(|(at, _)| json!({"row": at, "code": "invalid_row", "message": "No good."})).collect()
}
