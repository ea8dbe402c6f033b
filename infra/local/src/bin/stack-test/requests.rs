//! Checks the responses that a client of a deployed stack gets.

use efface_local::{error::LocalError, http::HttpResponse, seeds::DEMO_SPACE};

use crate::{gateway::Gateway, report::Report};

/// The request's body.
const BODY: &str = r#"{"delete_external_ids":[{"id":"example@gmail.com","type":"email"}]}"#;
const SUCCESS: &str = r#"{"code":"success","message":"External identifier has been deleted."}"#;

pub(crate) fn profile(user: &str, rest: &str) -> String {
    format!("/v1/spaces/{DEMO_SPACE}/collections/users/profiles/user_id:{user}/{rest}")
}

/// Checks which commit was deployed, where the build says it, one deletion, what that changes, and API errors.
pub(crate) async fn check(
    gateway: &Gateway,
    commit: Option<String>,
    token: &str,
    report: &mut Report,
) -> Result<(), LocalError> {
    let token = Some(token);
    let delete = profile("user_001", "external_ids/delete");
    let health = gateway.get("/health", None).await?;
    report.check("GET /health", health.status == 200, &health.text);
    if let Some(commit) = commit {
        report.check("GET /health names the commit", health.json()["commit"] == commit, &health.text);
    }
    let response = gateway.send("POST", &delete, token, BODY).await?;
    report.check(
        "a request deletes the identifier",
        response.status == 200 && response.text == SUCCESS,
        describe(&response),
    );
    check_error(report, "the same again", &gateway.send("POST", &delete, token, BODY).await?, 404, "eid_not_found");
    let rest = gateway.get(&profile("user_001", "external_ids"), token).await?;
    let left = rest.text.contains("ada@example.com") && !rest.text.contains("example@gmail.com");
    report.check("the profile keeps its other identifiers", rest.status == 200 && left, describe(&rest));
    let record = gateway.get(&format!("/v1/spaces/{DEMO_SPACE}/deletions/email:example@gmail.com"), token).await?;
    let recorded = record.json()["deletion"]["request_id"] == header(&response, "request-id");
    report.check("the deletion has a record", record.status == 200 && recorded, describe(&record));
    let put = gateway.send("PUT", &delete, token, BODY).await?;
    report.check("405 lists the allowed methods", header(&put, "allow").contains("POST"), describe(&put));
    check_error(report, "another method", &put, 405, "method_not_allowed");
    check_error(report, "no token", &gateway.send("POST", &delete, None, BODY).await?, 401, "unauthorized");
    let unknown = gateway.get("/unknown", token).await?;
    report.check(
        "the gateway's own responses have a request id",
        !header(&unknown, "request-id").is_empty(),
        describe(&unknown),
    );
    check_error(report, "a path that the gateway does not know", &unknown, 404, "not_found");
    check_error(
        report,
        "a path that the function does not know",
        &gateway.get("/v1/unknown", token).await?,
        404,
        "not_found",
    );
    Ok(())
}

/// Checks that two stacks in one account and region share nothing.
pub(crate) async fn check_isolation(
    first: &Gateway,
    second: &Gateway,
    token: &str,
    report: &mut Report,
) -> Result<(), LocalError> {
    for (name, gateway) in [("first", first), ("second", second)] {
        let health = gateway.get("/health", None).await?;
        report.check(&format!("the {name} of two stacks responds"), health.status == 200, describe(&health));
    }
    let path = profile("user_001", "external_ids");
    let foreign = second.get(&path, Some(token)).await?;
    check_error(report, "a token of the other stack", &foreign, 401, "unauthorized");
    let own = first.get(&path, Some(token)).await?;
    report.check("the first stack keeps its data", own.status == 200, describe(&own));
    Ok(())
}

fn check_error(report: &mut Report, what: &str, response: &HttpResponse, status: u16, code: &str) {
    let holds = response.status == status && response.json()["error"]["code"] == code;
    report.check(&format!("{what}: {status} {code}"), holds, describe(response));
}

fn describe(response: &HttpResponse) -> String {
    format!("{} {}", response.status, response.text)
}

fn header<'a>(response: &'a HttpResponse, name: &str) -> &'a str {
    response.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
