//! Checks segments through API Gateway: one is made, filled, renamed, emptied by the worker, and enabled again.

use std::time::Duration;

use efface_local::{error::LocalError, http::HttpResponse, seeds::DEMO_SPACE};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    gateway::{Gateway, basic},
    queues::Queues,
    report::Report,
};

const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// How long a job may take. No message is lost here.
const JOB_TIMEOUT: Duration = Duration::from_mins(2);
const SEGMENT: &str = "seg_stack";

/// Requests about one segment.
struct Segment<'a> {
    gateway: &'a Gateway,
    token: &'a str,
}

/// Fills a segment with the people that [`crate::efface::Efface::set_up`] has loaded for it, and empties it.
pub(crate) async fn check(
    gateway: &Gateway,
    queues: &Queues<'_>,
    token: &str,
    report: &mut Report,
) -> Result<(), LocalError> {
    let segment = Segment { gateway, token };
    segment.fill(report).await?;
    let job = segment.delete_users(report).await?;
    let done = segment.wait(&job, |job| job["state"] == "completed").await?;
    let counts = done["counts"]["deleted"] == 3 && done["counts"]["duplicate"] == 0 && done["rows"] == 3;
    let is_complete = done["verdict"] == "complete" && done["members_left"] == 0;
    report.check("the job of a segment is completed", counts && is_complete, &done);
    queues.reconcile().await?;
    let verified = segment.wait(&job, |job| job["verified_at"].is_string()).await?;
    report.check("the job of a segment is verified", verified["verified_at"].is_string(), &verified);
    segment.enable(report).await
}

impl Segment<'_> {
    async fn send(&self, method: &str, rest: &str, body: &Value) -> Result<HttpResponse, LocalError> {
        let path = format!("/v1/spaces/{DEMO_SPACE}/segments{rest}");
        self.gateway.send(method, &path, Some(self.token), &body.to_string()).await
    }

    /// Sends a request about the segment itself.
    async fn post(&self, rest: &str, body: &Value) -> Result<HttpResponse, LocalError> {
        self.send("POST", &format!("/{SEGMENT}/{rest}"), body).await
    }

    /// Makes the segment, renames it, and adds members as JSON and as CSV.
    async fn fill(&self, report: &mut Report) -> Result<(), LocalError> {
        let body = json!({ "id": SEGMENT, "name": "Stack", "kind": "subscriber_list" });
        let made = self.send("POST", "", &body).await?;
        report.check("a segment is made", made.status == 201, describe(&made));
        let rename = json!({ "name": "The stack's" });
        let renamed = self.send("PATCH", &format!("/{SEGMENT}"), &rename).await?;
        let is_renamed = renamed.status == 200 && renamed.json()["segment"]["name"] == "The stack's";
        report.check("a segment is renamed with PATCH", is_renamed, describe(&renamed));
        let rows = json!({ "rows": ["user_id:stack_1", "user_id:stack_2", "user_id:nobody"] });
        let added = self.post("members", &rows).await?;
        let counts = added.json()["added"] == 2 && added.json()["not_found"] == 1;
        report.check("members are added as JSON", added.status == 200 && counts, describe(&added));
        let path = format!("/v1/spaces/{DEMO_SPACE}/segments/{SEGMENT}/members");
        let basic = basic(self.token);
        let headers = [("authorization", basic.as_str()), ("content-type", "text/csv")];
        let added = self.gateway.send_with("POST", &path, &headers, "user_id:stack_2\nuser_id:stack_3\n").await?;
        let counts = added.json()["added"] == 1 && added.json()["already"] == 1;
        report.check("members are added as CSV", added.status == 200 && counts, describe(&added));
        let listed = self.send("GET", &format!("/{SEGMENT}/members"), &json!({})).await?;
        let members = listed.json()["data"].as_array().map_or(0, Vec::len);
        report.check("the members are listed", listed.status == 200 && members == 3, describe(&listed));
        Ok(())
    }

    /// Asks for the deletion of the members, and confirms it. Returns the path of the job.
    async fn delete_users(&self, report: &mut Report) -> Result<String, LocalError> {
        let asked = self.post("delete_users", &json!({})).await?;
        let answer = asked.json();
        let is_asked = answer["error"]["code"] == "confirmation_required" && answer["plan"]["members"] == 3;
        report.check("emptying a segment must be confirmed: 409", asked.status == 409 && is_asked, describe(&asked));
        let started = self.post("delete_users", &json!({ "confirm": true, "expected_members": 3 })).await?;
        report.check("the job of a segment is accepted", started.status == 202, describe(&started));
        let id = started.json()["job"]["id"].as_str().unwrap_or_default().to_owned();
        Ok(format!("/v1/spaces/{DEMO_SPACE}/deletion_jobs/{id}"))
    }

    /// Waits until something is true of a job. Returns its latest state, also after a timeout.
    async fn wait(&self, path: &str, holds: impl Fn(&Value) -> bool) -> Result<Value, LocalError> {
        let deadline = Instant::now() + JOB_TIMEOUT;
        loop {
            let job = self.gateway.get(path, Some(self.token)).await?.json()["job"].take();
            if holds(&job) || Instant::now() > deadline {
                return Ok(job);
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// The emptied segment takes nobody until it is enabled.
    async fn enable(&self, report: &mut Report) -> Result<(), LocalError> {
        let is = |reply: &HttpResponse, state: &str, members: i64| {
            let segment = reply.json()["segment"].take();
            segment["state"] == state && segment["members"] == members
        };
        let counted = format!("/{SEGMENT}?count=true");
        let emptied = self.send("GET", &counted, &json!({})).await?;
        report.check("an emptied segment is disabled", is(&emptied, "disabled", 0), describe(&emptied));
        let path = format!("/v1/spaces/{DEMO_SPACE}/collections/users/profiles/user_id:stack_3/traits");
        let gone = self.gateway.get(&path, Some(self.token)).await?;
        report.check("a member is deleted", gone.status == 404, describe(&gone));
        let rows = json!({ "rows": ["user_id:stack_4"] });
        let refused = self.post("members", &rows).await?;
        let is_refused = refused.status == 409 && refused.json()["error"]["code"] == "segment_disabled";
        report.check("nobody joins a disabled segment: 409 segment_disabled", is_refused, describe(&refused));
        let enabled = self.post("enable", &json!({})).await?;
        let is_enabled = enabled.status == 200 && enabled.json()["segment"]["state"] == "enabled";
        report.check("a segment is enabled", is_enabled, describe(&enabled));
        let added = self.post("members", &rows).await?;
        let now = self.send("GET", &counted, &json!({})).await?;
        report.check("an enabled segment takes members", is(&now, "enabled", 1), describe(&added));
        Ok(())
    }
}

fn describe(response: &HttpResponse) -> String {
    format!("{} {}", response.status, response.text)
}
