//! Jobs in tests: posted over HTTP, delivered to the worker as SQS would.

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use efface_bulk_worker::Worker;
use efface_engine::{Deadline, Engine, Reconciled, ScanCursor};
use serde_json::{Value, json};

use crate::{
    app::{Reply, SPACE, TestApp},
    events::Req,
};

/// A batch as SQS hands it to a function.
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
    /// An engine of one's own on the same table and queue.
    pub fn engine(&self) -> Engine {
        Engine::new(self.db.store.clone(), self.queue.queue(), self.clock.clock())
    }

    /// A worker of one's own on the same table and queue.
    pub fn worker(&self) -> Worker {
        Worker::new(self.engine(), self.queue.queue())
    }

    /// Delivers messages until none waits. Those that fail come back, and after five times are dead.
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
                if *received == 5 { self.dead.put(body) } else { self.queue.put(body) }
            }
        }
    }

    /// Delivers a batch; the messages that failed.
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

    /// Runs the reconciler once, with time for everything.
    pub async fn reconcile(&self) -> Reconciled {
        self.reconcile_within(Duration::from_mins(10), &ScanCursor::default()).await
    }

    /// Runs the reconciler once, with little time.
    pub async fn reconcile_within(&self, time: Duration, round: &ScanCursor) -> Reconciled {
        self.engine().reconcile(&self.dead.queue(), round, Deadline::after(time)).await.unwrap()
    }

    /// Posts a new job.
    pub async fn create_job(&self, body: Value) -> Reply {
        self.send(Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs"), &body)).await
    }

    /// Makes a job that must be taken; its id.
    pub async fn job(&self, body: Value) -> String {
        let reply = self.create_job(body).await;
        assert_eq!(reply.status, 202, "{}", reply.body);
        reply.body["job"]["id"].as_str().unwrap().to_owned()
    }

    /// Where a job stands.
    pub async fn job_status(&self, job: &str) -> Value {
        let reply = self.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}"))).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let status = reply.body["job"].clone();
        let counts: i64 = status["counts"].as_object().unwrap().values().map(|count| count.as_i64().unwrap()).sum();
        assert_eq!(counts + status["remaining"].as_i64().unwrap(), status["rows"].as_i64().unwrap(), "{status}");
        status
    }

    /// Starts, pauses, resumes, cancels or redrives a job.
    pub async fn control(&self, job: &str, verb: &str) -> Reply {
        self.send(Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/{verb}"), &json!({}))).await
    }

    /// All outcomes of a job, by page and row.
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

/// `state deleted duplicate not_found invalid protected failed remaining` of a job.
pub fn line(job: &Value) -> String {
    let counts = &job["counts"];
    let count = |name: &str| counts[name].as_i64().unwrap();
    format!(
        "{} {} {} {} {} {} {} {}",
        job["state"].as_str().unwrap(),
        count("deleted"),
        count("duplicate"),
        count("not_found"),
        count("invalid"),
        count("protected"),
        count("failed"),
        job["remaining"]
    )
}
