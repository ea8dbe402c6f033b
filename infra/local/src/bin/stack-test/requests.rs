//! What a client of a deployed stack sees.

use efface_local::{error::LocalError, http::Answer, seeding::DEMO_SPACE};

use crate::{gateway::Gateway, report::Report};

/// The seed's own request.
const BODY: &str = r#"{"delete_external_ids":[{"id":"example@gmail.com","type":"email"}]}"#;
const SUCCESS: &str = r#"{"code":"success","message":"External identifier has been deleted."}"#;

pub(crate) fn profile(user: &str, rest: &str) -> String {
    format!("/v1/spaces/{DEMO_SPACE}/collections/users/profiles/user_id:{user}/{rest}")
}

/// The whole story of one deletion, and the refusals around it.
pub(crate) async fn check(gateway: &Gateway, token: &str, report: &mut Report) -> Result<(), LocalError> {
    let token = Some(token);
    let delete = profile("user_001", "external_ids/delete");
    let health = gateway.get("/health", None).await?;
    report.check("GET /health", health.status == 200, &health.text);
    let answer = gateway.send("POST", &delete, token, BODY).await?;
    report.check(
        "the seed's request deletes the identifier",
        answer.status == 200 && answer.text == SUCCESS,
        told(&answer),
    );
    refused(report, "the same again", &gateway.send("POST", &delete, token, BODY).await?, 404, "eid_not_found");
    let rest = gateway.get(&profile("user_001", "external_ids"), token).await?;
    let left = rest.text.contains("ada@example.com") && !rest.text.contains("example@gmail.com");
    report.check("the profile keeps its other identifiers", rest.status == 200 && left, told(&rest));
    let record = gateway.get(&format!("/v1/spaces/{DEMO_SPACE}/deletions/email:example@gmail.com"), token).await?;
    let recorded = record.json()["deletion"]["request_id"] == header(&answer, "request-id");
    report.check("the deletion is on record", record.status == 200 && recorded, told(&record));
    let put = gateway.send("PUT", &delete, token, BODY).await?;
    report.check("405 names what is allowed", header(&put, "allow").contains("POST"), told(&put));
    refused(report, "another method", &put, 405, "method_not_allowed");
    refused(report, "no token", &gateway.send("POST", &delete, None, BODY).await?, 401, "unauthorized");
    let unknown = gateway.get("/unknown", token).await?;
    report.check(
        "the gateway's own answers name the request",
        !header(&unknown, "request-id").is_empty(),
        told(&unknown),
    );
    refused(report, "a path that the gateway does not know", &unknown, 404, "not_found");
    refused(
        report,
        "a path that the function does not know",
        &gateway.get("/v1/unknown", token).await?,
        404,
        "not_found",
    );
    Ok(())
}

/// Two stacks in one account and region have nothing in common.
pub(crate) async fn check_beside(
    first: &Gateway,
    second: &Gateway,
    token: &str,
    report: &mut Report,
) -> Result<(), LocalError> {
    for (name, gateway) in [("first", first), ("second", second)] {
        let health = gateway.get("/health", None).await?;
        report.check(&format!("the {name} of two stacks answers"), health.status == 200, told(&health));
    }
    let path = profile("user_001", "external_ids");
    let foreign = second.get(&path, Some(token)).await?;
    refused(report, "a token of the other stack", &foreign, 401, "unauthorized");
    let own = first.get(&path, Some(token)).await?;
    report.check("the first stack keeps its data", own.status == 200, told(&own));
    Ok(())
}

fn refused(report: &mut Report, what: &str, answer: &Answer, status: u16, code: &str) {
    let holds = answer.status == status && answer.json()["error"]["code"] == code;
    report.check(&format!("{what}: {status} {code}"), holds, told(answer));
}

fn told(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.text)
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
