//! Jobs in tests: created over HTTP, their messages delivered to a worker as SQS does.

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use efface_bulk_worker::Worker;
use efface_engine::{Deadline, Engine, Reconciled};
use serde_json::{Value, json};

use crate::{
    app::{Reply, SPACE, TestApp},
    events::Req,
};

/// The event in which SQS passes messages to a function.
pub fn batch(bodies: &[String]) -> SqsEvent {
    let record = |(at, body): (usize, &String)| {
        json!({
            "messageId": format!("message-{at}"), "receiptHandle": "handle", "body": body, "attributes": {},
            "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:jobs",
        })
    };
    let records: Vec<Value> = bodies.iter().enumerate().map(record).collect();
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

impl TestApp {
    /// A new engine on the same table and queue.
    pub fn engine(&self) -> Engine {
        Engine::new(self.db.store.clone(), self.queue.queue(), self.clock.clock())
    }

    /// A new worker on the same table and queue.
    pub fn worker(&self) -> Worker {
        Worker::new(self.engine())
    }

    /// Delivers messages to one worker until none is waiting. A message that fails is delivered again; after the fifth
    /// failure it goes to the dead-letter queue.
    pub async fn work(&self) {
        let worker = self.worker();
        let mut counts: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
        loop {
            let mut bodies = self.queue.take();
            if bodies.is_empty() {
                return;
            }
            let rest = bodies.split_off(bodies.len().min(10));
            for body in rest {
                self.queue.put(body);
            }
            for body in self.deliver(&worker, &bodies).await {
                let received = counts.entry(body.clone()).or_default();
                *received += 1;
                if *received >= 5 { self.dead.put(body) } else { self.queue.put(body) }
            }
        }
    }

    /// Delivers the messages that wait now to one worker, once.
    pub async fn work_once(&self) {
        let bodies = self.queue.take();
        let failed = self.deliver(&self.worker(), &bodies).await;
        assert!(failed.is_empty(), "{failed:?}");
    }

    /// Delivers a batch to a worker and returns the messages that failed.
    pub async fn deliver(&self, worker: &Worker, bodies: &[String]) -> Vec<String> {
        let response = worker.handle(batch(bodies), Deadline::after(Duration::from_mins(10))).await.unwrap();
        let failed = response.batch_item_failures.iter();
        failed
            .map(|failure| {
                let at: usize = failure.item_identifier.strip_prefix("message-").unwrap().parse().unwrap();
                bodies[at].clone()
            })
            .collect()
    }

    /// Runs the reconciler once, with a deadline of ten minutes.
    pub async fn reconcile(&self) -> Reconciled {
        self.reconcile_within(Duration::from_mins(10)).await
    }

    /// Runs the reconciler once with a deadline.
    pub async fn reconcile_within(&self, time: Duration) -> Reconciled {
        self.engine().reconcile(&self.dead.queue(), Deadline::after(time)).await
    }

    /// Sends the request that creates a job.
    pub async fn create_job(&self, body: Value) -> Reply {
        self.send(Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs"), &body)).await
    }

    /// Creates a job and returns its id. The response must be 202.
    pub async fn job(&self, body: Value) -> String {
        let reply = self.create_job(body).await;
        assert_eq!(reply.status, 202, "{}", reply.body);
        reply.body["job"]["id"].as_str().unwrap().to_owned()
    }

    /// The `job` object of a job's status. Asserts that the counts and `remaining` add up to `rows`.
    pub async fn job_status(&self, job: &str) -> Value {
        let reply = self.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}"))).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let status = reply.body["job"].clone();
        let counts: i64 = status["counts"].as_object().unwrap().values().map(|count| count.as_i64().unwrap()).sum();
        assert_eq!(counts + status["remaining"].as_i64().unwrap(), status["rows"].as_i64().unwrap(), "{status}");
        status
    }

    /// The [`summary`] of a job's status.
    pub async fn job_summary(&self, job: &str) -> String {
        summary(&self.job_status(job).await)
    }

    /// Sends a control request: `start`, `pause`, `resume`, `cancel` or `redrive`.
    pub async fn control(&self, job: &str, verb: &str) -> Reply {
        self.send(Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/{verb}"), &json!({}))).await
    }

    /// All outcomes of a job as page, row and outcome. Reads every page of the listing. `query` is appended to the URL.
    pub async fn outcomes(&self, job: &str, query: &str) -> Vec<(u64, u64, String)> {
        let mut outcomes = Vec::new();
        let mut next = String::new();
        loop {
            let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/outcomes?limit=100&next={next}{query}");
            let reply = self.send(Req::get(path)).await;
            assert_eq!(reply.status, 200, "{}", reply.body);
            for row in reply.body["data"].as_array().unwrap() {
                let outcome = row["outcome"].as_str().unwrap().to_owned();
                outcomes.push((row["page"].as_u64().unwrap(), row["row"].as_u64().unwrap(), outcome));
            }
            reply.body["cursor"]["next"].as_str().unwrap().clone_into(&mut next);
            if reply.body["cursor"]["has_more"] == json!(false) {
                return outcomes;
            }
        }
    }
}

/// A job's status as text: `completed: 3 deleted, 1 invalid`, `open: 2 remaining`. Counts that are zero are left out;
/// without any it is `completed: no rows`.
pub fn summary(job: &Value) -> String {
    let counts = ["deleted", "duplicate", "not_found", "invalid", "protected", "failed", "changed"]
        .map(|outcome| (outcome, job["counts"][outcome].as_i64().unwrap()));
    let remaining = ("remaining", job["remaining"].as_i64().unwrap());
    let parts: Vec<String> = counts
        .into_iter()
        .chain([remaining])
        .filter(|(_, count)| *count != 0)
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    let parts = if parts.is_empty() { "no rows".to_owned() } else { parts.join(", ") };
    format!("{}: {parts}", job["state"].as_str().unwrap())
}
