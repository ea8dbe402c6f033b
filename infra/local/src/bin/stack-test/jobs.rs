//! Jobs of many deletions: pages in through API Gateway, over the queue to the worker, counts out.

use std::time::Duration;

use efface_local::{error::LocalError, http::Answer, seeding::DEMO_SPACE};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{gateway::Gateway, queues::Queues, report::Report};

const GLANCE: Duration = Duration::from_millis(500);
/// A lost message would take the visibility timeout; here none is lost.
const PATIENCE: Duration = Duration::from_mins(2);
/// A message may lead to others.
const RECONCILIATIONS: usize = 4;

/// Two of the demo's profiles go, one by each way in: one by the worker, one by the reconciler.
pub(crate) async fn check(
    gateway: &Gateway,
    queues: &Queues<'_>,
    token: &str,
    report: &mut Report,
) -> Result<(), LocalError> {
    by_space(gateway, token, report).await?;
    queues.deliver(false).await?;
    by_workflow(gateway, queues, token, report).await?;
    queues.deliver(true).await
}

/// `user_003`, with the profile that was merged into it.
async fn by_space(gateway: &Gateway, token: &str, report: &mut Report) -> Result<(), LocalError> {
    let rows = ["user_id:user_003", "anonymous_id:a9d8c7", "email:nobody@example.com", "nonsense"];
    let body = json!({ "action": "delete_profile", "rows": rows }).to_string();
    let path = format!("/v1/spaces/{DEMO_SPACE}/deletion_jobs");
    let posted = gateway.send("POST", &path, Some(token), &body).await?;
    let answer = posted.json();
    let accepted = posted.status == 202 && answer["accepted"] == 3 && answer["rejected_total"] == 1;
    report.check("a page of rows is taken", accepted, told(&posted));
    report.check("the row that is none is named", answer["rejected"][0]["row"] == 3, told(&posted));
    let job = ended(gateway, token, &answer["job"]["id"]).await?;
    report.check("its job is completed", job["state"] == "completed", &job);
    let counts = json!({ "deleted": 1, "duplicate": 1, "not_found": 1, "invalid": 1, "protected": 0, "failed": 0 });
    let exact = job["counts"] == counts && job["rows"] == 4 && job["remaining"] == 0;
    report.check("each row has its outcome", exact, &job);
    for profile in ["user_id:user_003", "anonymous_id:a9d8c7"] {
        gone(gateway, token, profile, report).await?;
    }
    Ok(())
}

/// As the seed's workflow sends a page: its own scheme, a table of one column, and the name of the instance. No message
/// of its job ever reaches the worker.
async fn by_workflow(
    gateway: &Gateway,
    queues: &Queues<'_>,
    token: &str,
    report: &mut Report,
) -> Result<(), LocalError> {
    let page = json!({ "column_names": ["_col0"], "column_types": ["string"], "data": [["user_id:user_002"]] });
    let authorization = format!("TD1 {token}");
    let headers = |instance| [("authorization", authorization.as_str()), ("x-reactor-instance-name", instance)];
    let path = "/internal/bulk-delete-internal";
    let other = gateway.send_with("POST", path, &headers("elsewhere"), &page.to_string()).await?;
    let refused = other.status == 404 && other.json()["error"]["code"] == "instance_not_found";
    report.check("an instance of no space: 404 instance_not_found", refused, told(&other));
    let posted = gateway.send_with("POST", path, &headers("demo"), &page.to_string()).await?;
    let answer = posted.json();
    let accepted = posted.status == 202 && answer["accepted"] == 1 && answer["rejected_total"] == 0;
    report.check("the workflow's page is taken", accepted, told(&posted));
    let mut job = job(gateway, token, &answer["job_id"]).await?;
    for _ in 0..RECONCILIATIONS {
        queues.bury().await?;
        queues.reconcile().await?;
        job = self::job(gateway, token, &answer["job_id"]).await?;
    }
    let ended = job["state"] == "completed" && job["counts"]["deleted"] == 1 && job["remaining"] == 0;
    report.check("the reconciler ends a job whose messages are dead letters", ended, &job);
    gone(gateway, token, "user_id:user_002", report).await
}

async fn job(gateway: &Gateway, token: &str, id: &Value) -> Result<Value, LocalError> {
    let path = format!("/v1/spaces/{DEMO_SPACE}/deletion_jobs/{}", id.as_str().unwrap_or_default());
    Ok(gateway.get(&path, Some(token)).await?.json()["job"].take())
}

/// The job, when it has ended; as it is then, where it does not end.
async fn ended(gateway: &Gateway, token: &str, id: &Value) -> Result<Value, LocalError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let job = job(gateway, token, id).await?;
        if job["state"] == "completed" || Instant::now() > deadline {
            return Ok(job);
        }
        sleep(GLANCE).await;
    }
}

async fn gone(gateway: &Gateway, token: &str, profile: &str, report: &mut Report) -> Result<(), LocalError> {
    for list in ["external_ids", "traits", "metadata"] {
        let path = format!("/v1/spaces/{DEMO_SPACE}/collections/users/profiles/{profile}/{list}");
        let answer = gateway.get(&path, Some(token)).await?;
        report.check(&format!("{list} of {profile} are gone"), answer.status == 404, told(&answer));
    }
    Ok(())
}

fn told(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.text)
}
