//! Checks deletion jobs: rows are sent through API Gateway, processed by the worker and the reconciler, and counted.

use std::time::Duration;

use efface_local::{error::LocalError, http::HttpResponse, seeds::DEMO_SPACE};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{gateway::Gateway, queues::Queues, report::Report};

const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// How long a job may take. It is shorter than the visibility timeout, because no message is lost here.
const JOB_TIMEOUT: Duration = Duration::from_mins(2);
/// How often the reconciler runs: it sends messages, and processing those sends more.
const RECONCILIATIONS: usize = 4;

/// Deletes two profiles of the demo data: one with each endpoint, the first by the worker, the second by the
/// reconciler.
pub(crate) async fn check(
    gateway: &Gateway,
    queues: &Queues<'_>,
    token: &str,
    report: &mut Report,
) -> Result<(), LocalError> {
    public_endpoint(gateway, token, report).await?;
    plan(gateway, token, report).await?;
    queues.deliver(false).await?;
    internal_endpoint(gateway, queues, token, report).await?;
    queues.deliver(true).await
}

/// Deletes `user_003` and the profile that was merged into it, with the endpoint of the space.
async fn public_endpoint(gateway: &Gateway, token: &str, report: &mut Report) -> Result<(), LocalError> {
    let rows = ["user_id:user_003", "anonymous_id:a9d8c7", "email:nobody@example.com", "nonsense"];
    let body = json!({ "action": "delete_profile", "rows": rows }).to_string();
    let path = format!("/v1/spaces/{DEMO_SPACE}/deletion_jobs");
    let posted = gateway.send("POST", &path, Some(token), &body).await?;
    let response = posted.json();
    let accepted = posted.status == 202 && response["accepted"] == 3 && response["rejected_total"] == 1;
    report.check("a page of rows is accepted", accepted, describe(&posted));
    report.check("the invalid row is listed", response["rejected"][0]["row"] == 3, describe(&posted));
    let job = wait_for_end(gateway, token, &response["job"]["id"]).await?;
    report.check("its job is completed", job["state"] == "completed", &job);
    let counts = json!({ "deleted": 1, "duplicate": 1, "not_found": 1, "invalid": 1, "protected": 0, "failed": 0,
        "changed": 0 });
    let exact = job["counts"] == counts && job["rows"] == 4 && job["remaining"] == 0;
    report.check("each row has its outcome", exact, &job);
    for profile in ["user_id:user_003", "anonymous_id:a9d8c7"] {
        check_deleted(gateway, token, profile, report).await?;
    }
    let user = gateway.get(&format!("/api/dataset/{DEMO_SPACE}/user/user_003"), Some(token)).await?;
    let is_ours = user.status == 404 && user.text.contains("Profile was not found.");
    report.check("the paths of the older API reach the function", is_ours, describe(&user));
    Ok(())
}

/// Makes a plan that finds nothing any more, executes it, and waits for the end as a workflow does.
async fn plan(gateway: &Gateway, token: &str, report: &mut Report) -> Result<(), LocalError> {
    let path = format!("/v1/spaces/{DEMO_SPACE}/deletion_jobs");
    let body = json!({ "action": "delete_profile", "rows": ["user_id:user_003"], "dry_run": true }).to_string();
    let planned = gateway.send("POST", &path, Some(token), &body).await?;
    let response = planned.json();
    let is_plan = planned.status == 200 && response["plan"]["not_found"] == 1 && response["plan"]["digest"].is_string();
    report.check("a dry run is planned at once", is_plan, describe(&planned));
    let job = format!("{path}/{}", response["job"]["id"].as_str().unwrap_or_default());
    let executed = gateway.send("POST", &format!("{job}/execute"), Some(token), "").await?;
    report.check("its plan is executed", executed.status == 202, describe(&executed));
    let job = format!("{path}/{}", executed.json()["job"]["id"].as_str().unwrap_or_default());
    wait_for_end(gateway, token, &executed.json()["job"]["id"]).await?;
    let settled = gateway.get(&format!("{job}?until=settled&require=none_failed"), Some(token)).await?;
    let is_settled = settled.status == 200 && settled.json()["job"]["verdict"] == "nothing_matched";
    report.check("a job that has ended is waited for", is_settled, describe(&settled));
    let events = gateway.get(&format!("{job}/events"), Some(token)).await?;
    let kinds = events.json()["data"].as_array().map_or(0, Vec::len);
    report.check("its events are listed", events.status == 200 && kinds >= 3, describe(&events));
    let body = json!({ "action": "delete_profile", "open": true, "rows": ["email:nobody"] }).to_string();
    let open = gateway.send("POST", &path, Some(token), &body).await?.json();
    let open = format!("{path}/{}", open["job"]["id"].as_str().unwrap_or_default());
    let waits = gateway.get(&format!("{open}?until=settled"), Some(token)).await?;
    report.check("a job that has not ended: 408 not_settled", waits.status == 408, describe(&waits));
    let rejected = gateway.send("POST", &format!("{open}/reject"), Some(token), "").await?;
    report.check("a job that awaits no approval: 409 invalid_state", rejected.status == 409, describe(&rejected));
    gateway.send("POST", &format!("{open}/cancel"), Some(token), "").await.map(drop)
}

/// Deletes `user_002` with the internal endpoint, as a workflow does: with its own authorization scheme, a table of one
/// column, and the name of the instance. No message of the job reaches the worker.
async fn internal_endpoint(
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
    let not_found = other.status == 404 && other.json()["error"]["code"] == "instance_not_found";
    report.check("an unknown instance: 404 instance_not_found", not_found, describe(&other));
    let posted = gateway.send_with("POST", path, &headers("demo"), &page.to_string()).await?;
    let response = posted.json();
    let accepted = posted.status == 202 && response["accepted"] == 1 && response["rejected_total"] == 0;
    report.check("the workflow's page is accepted", accepted, describe(&posted));
    let mut job = job(gateway, token, &response["job_id"]).await?;
    for _ in 0..RECONCILIATIONS {
        queues.move_to_dead_letters().await?;
        queues.reconcile().await?;
        job = self::job(gateway, token, &response["job_id"]).await?;
    }
    let ended = job["state"] == "completed" && job["counts"]["deleted"] == 1 && job["remaining"] == 0;
    report.check("the reconciler completes a job whose messages are dead letters", ended, &job);
    check_deleted(gateway, token, "user_id:user_002", report).await
}

async fn job(gateway: &Gateway, token: &str, id: &Value) -> Result<Value, LocalError> {
    let path = format!("/v1/spaces/{DEMO_SPACE}/deletion_jobs/{}", id.as_str().unwrap_or_default());
    Ok(gateway.get(&path, Some(token)).await?.json()["job"].take())
}

/// Waits until a job is completed. Returns its latest state, also after a timeout.
async fn wait_for_end(gateway: &Gateway, token: &str, id: &Value) -> Result<Value, LocalError> {
    let deadline = Instant::now() + JOB_TIMEOUT;
    loop {
        let job = job(gateway, token, id).await?;
        if job["state"] == "completed" || Instant::now() > deadline {
            return Ok(job);
        }
        sleep(POLL_INTERVAL).await;
    }
}

async fn check_deleted(gateway: &Gateway, token: &str, profile: &str, report: &mut Report) -> Result<(), LocalError> {
    for list in ["external_ids", "traits", "metadata"] {
        let path = format!("/v1/spaces/{DEMO_SPACE}/collections/users/profiles/{profile}/{list}");
        let response = gateway.get(&path, Some(token)).await?;
        report.check(&format!("{list} of {profile} are not found"), response.status == 404, describe(&response));
    }
    Ok(())
}

fn describe(response: &HttpResponse) -> String {
    format!("{} {}", response.status, response.text)
}
