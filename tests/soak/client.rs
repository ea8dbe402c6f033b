//! The client: creates jobs, posts their pages, retries failed requests, and reads statuses and outcomes.

use std::{sync::Arc, time::Duration};

use efface_api::{App, event::EventSource};
use efface_aws::{Store, clock::Clock};
use efface_core::{
    job::{Counts, Outcome},
    role::Role,
    space::SpaceId,
    time::Time,
};
use efface_tests::{
    Reply, Req, Via,
    app::{SPACE, keys, send},
    store::{TABLE, client},
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    population::People,
    queue::FaultyQueue,
    rows::{Expected, Plan},
};

/// Pages of a job that are posted at the same time.
const AT_ONCE: usize = 3;

/// A client with the workspace owner's token. It calls the HTTP function in this process.
#[derive(Clone)]
pub(crate) struct Client {
    app: Arc<App>,
    token: String,
    /// The token of who approves what the first one has made.
    approver: String,
}

/// How the rows of a job are posted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Post<'a> {
    pub(crate) page_rows: usize,
    pub(crate) key: &'a str,
    pub(crate) dry_run: bool,
}

/// The status of a job.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub(crate) state: String,
    pub(crate) counts: Counts,
    pub(crate) rows: i64,
    /// The verdict, and how many members a segment has left.
    pub(crate) ended: String,
    pub(crate) is_verified: bool,
}

impl Client {
    /// Creates the space and a token through the endpoint `direct`, and a function that uses the endpoint `url`.
    pub(crate) async fn start(direct: &str, url: &str, queue: FaultyQueue, now: Time) -> Self {
        let store = Store::new(client(direct), TABLE);
        let space = SpaceId::parse(SPACE).unwrap();
        let change = json!({ "source": "attached", "reactor_instances": ["demo"], "settling_seconds": 5 });
        let change = serde_json::from_value(change).unwrap();
        store.create_space(&space, &change, now).await.unwrap();
        let (token, _) = store.create_token(&space, Role::WorkspaceOwner, now, None).await.unwrap();
        let (approver, _) = store.create_token(&space, Role::WorkspaceOwner, now, None).await.unwrap();
        let queue = efface_aws::queue::Queue::new(queue);
        let app = App::new(Store::new(client(url), TABLE), queue, keys(), Clock::system(), EventSource::Rest);
        let [token, approver] = [token, approver].map(|token| token.expose().to_owned());
        Self { app: Arc::new(app), token, approver }
    }

    /// Sends a request, and repeats it while the response is 429 or 5xx. Panics for another status than the expected one.
    async fn send(&self, request: Req, status: u16) -> Reply {
        let request = request.token(&self.token);
        let mut attempt = 0;
        loop {
            let reply = send(&self.app, &request, Via::Rest).await;
            if reply.status == status {
                return reply;
            }
            attempt += 1;
            assert!(matches!(reply.status, 429 | 500..) && attempt < 40, "{}: {}", reply.status, reply.body);
            tokio::time::sleep(Duration::from_millis(50 * attempt)).await;
        }
    }

    /// Creates a job, posts all rows of a plan and starts it. Returns its id.
    pub(crate) async fn post(&self, plan: &Plan, people: &People, post: &Post<'_>) -> String {
        let &Post { page_rows, key, dry_run } = post;
        let jobs = format!("/v1/spaces/{SPACE}/deletion_jobs");
        let body = json!({ "action": plan.action.as_str(), "open": true, "dry_run": dry_run });
        let created = self.send(Req::post(&jobs, &body).key(key), 202).await;
        let job = created.body["job"]["id"].as_str().unwrap().to_owned();
        let path = format!("{jobs}/{job}");
        let page = |number: usize| {
            let (this, path) = (self.clone(), path.clone());
            let rows = number * page_rows..((number + 1) * page_rows).min(plan.len());
            let expected = rows.len();
            let body = format!(r#"{{"page":{number},"rows":{}}}"#, plan.json(rows, people));
            async move {
                let mut request = Req::post(format!("{path}/rows"), &Value::Null);
                request.body = body.into_bytes();
                let reply = this.send(request, 202).await;
                let count = |name: &str| usize::try_from(reply.body[name].as_u64().unwrap()).unwrap();
                assert_eq!(count("accepted") + count("rejected_total"), expected, "{}", reply.body);
            }
        };
        stream::iter(0..plan.len().div_ceil(page_rows)).map(page).buffer_unordered(AT_ONCE).collect::<()>().await;
        self.send(Req::post(format!("{path}/start"), &json!({})), 202).await;
        job
    }

    /// Executes a dry run. Returns the id of the job.
    pub(crate) async fn execute(&self, dry_run: &str, key: &str) -> String {
        let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{dry_run}/execute");
        let created = self.send(Req::post(path, &json!({})).key(key), 202).await;
        created.body["job"]["id"].as_str().unwrap().to_owned()
    }

    /// Creates the job that deletes the members of a segment: so many. Returns its id.
    pub(crate) async fn delete_users(&self, segment: &str, members: usize) -> String {
        let path = format!("/v1/spaces/{SPACE}/segments/{segment}/delete_users");
        let asked = self.send(Req::post(&path, &json!({})), 409).await;
        assert_eq!(asked.body["plan"]["members"], members, "{}", asked.body);
        let body = json!({ "confirm": true, "expected_members": members });
        let created = self.send(Req::post(path, &body).key(segment), 202).await;
        created.body["job"]["id"].as_str().unwrap().to_owned()
    }

    /// Approves a job of a segment with so many members.
    pub(crate) async fn approve(&self, job: &str, members: i64) {
        let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/approve");
        let approver = Self { token: self.approver.clone(), ..self.clone() };
        approver.send(Req::post(path, &json!({ "expected_members": members })), 202).await;
    }

    pub(crate) async fn status(&self, job: &str) -> Status {
        let reply = self.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}")), 200).await;
        let job = &reply.body["job"];
        let counts: Counts = serde_json::from_value(job["counts"].clone()).unwrap();
        let rows = job["rows"].as_i64().unwrap();
        // The contract: counts and `remaining` always add up to the rows.
        assert_eq!(counts.total() + job["remaining"].as_i64().unwrap(), rows, "{job}");
        let state = job["state"].as_str().unwrap().to_owned();
        let ended = format!("{} {}", job["verdict"], job["members_left"]);
        Status { state, counts, rows, ended, is_verified: job["verified_at"].is_string() }
    }

    /// The outcome of each row, by its index over all pages.
    pub(crate) async fn outcomes(&self, job: &str, rows: usize, page_rows: usize) -> Vec<Option<Outcome>> {
        let mut outcomes = vec![None; rows];
        let mut next = String::new();
        loop {
            let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/outcomes?limit=100&next={next}");
            let reply = self.send(Req::get(path), 200).await;
            for row in reply.body["data"].as_array().unwrap() {
                let number = |name: &str| usize::try_from(row[name].as_u64().unwrap()).unwrap();
                let at = number("page") * page_rows + number("row");
                // Of a job that makes its rows itself, other pages than the last one may be short.
                outcomes.resize(outcomes.len().max(at + 1), None);
                let slot = &mut outcomes[at];
                assert!(slot.is_none(), "a row is listed twice: {row}");
                *slot = Some(row["outcome"].as_str().unwrap().parse().unwrap());
            }
            reply.body["cursor"]["next"].as_str().unwrap().clone_into(&mut next);
            if reply.body["cursor"]["has_more"] == json!(false) {
                return outcomes;
            }
        }
    }

    /// Compares the outcome of each row with the model. Returns the differences, and for each group the row that deleted
    /// its target. `again`: the rows were posted before.
    pub(crate) async fn check_outcomes(
        &self,
        job: &str,
        plan: &Plan,
        page_rows: usize,
        again: bool,
    ) -> (Vec<String>, Vec<usize>) {
        let mut faults = Vec::new();
        let mut actors = vec![None; plan.targets.len()];
        for (row, outcome) in self.outcomes(job, plan.len(), page_rows).await.into_iter().enumerate() {
            let expected = plan.expected(row);
            let is_right = match (expected, outcome) {
                (Expected::Group(group), Some(Outcome::Deleted)) if !again => {
                    actors[usize::try_from(group).unwrap()].replace(row).is_none()
                }
                (Expected::Group(_), Some(Outcome::Duplicate)) => !again,
                (Expected::Group(_), Some(Outcome::NotFound)) => again,
                (Expected::Always(expected), Some(outcome)) => expected == outcome,
                _ => false,
            };
            if !is_right {
                faults.push(format!("row {row} of {job} should be {expected:?}, but is {outcome:?}"));
            }
        }
        let missing = actors.iter().filter(|actor| actor.is_none()).count();
        if missing > 0 && !again {
            faults.push(format!("{missing} targets of {job} were deleted by no row"));
        }
        (faults, actors.into_iter().map(|actor| actor.unwrap_or(usize::MAX)).collect())
    }
}
