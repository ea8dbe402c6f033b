//! `efface audit search`: what is asked for, and lists with empty pages.

use serde_json::{Value, json};

use crate::{efface, fake_api::FakeApi, fake_log::Raw};

fn entry(index: u64) -> Value {
    json!({"index": index, "time": "2026-01-01T00:00:00.000Z", "event": "identifier.removed", "id_type": "email",
        "subject": "AAAA", "token_id": "tok_1", "request_id": null, "job_id": "job_1", "segment_id": null,
        "reason": "job", "counts": null})
}

fn page(entries: &[u64], next: Option<&str>) -> Raw {
    let data: Vec<Value> = entries.iter().map(|index| entry(*index)).collect();
    let cursor = json!({"has_more": next.is_some(), "next": next});
    Raw::ok(json!({"data": data, "log": {"size": 9, "root": "R"}, "cursor": cursor}).to_string())
}

#[tokio::test]
async fn empty_pages_do_not_end_a_search() {
    let api = FakeApi::start().await;
    for (path, page) in [
        ("audit_events?limit=100", page(&[8], Some("a/b"))),
        ("audit_events?limit=99&next=a%2Fb", page(&[], Some("c"))),
        ("audit_events?limit=99&next=c", page(&[5, 2], None)),
    ] {
        api.state().set(path, [page]);
    }
    let output = api.run(&["audit", "search"]).await.unwrap();
    assert_eq!(output.json["data"], json!([entry(8), entry(5), entry(2)]));
    assert_eq!((&output.json["log"]["size"], &output.json["has_more"]), (&json!(9), &json!(false)));
    assert_eq!(output.text.lines().count(), 6, "{}", output.text);
    let lines = api.run_for_text(&["audit", "search", "--ndjson"]).await.unwrap().text;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, [entry(8), entry(5), entry(2)]);
}

#[tokio::test]
async fn no_more_are_read_than_are_asked_for() {
    let api = FakeApi::start().await;
    api.state().set("audit_events?limit=3", [page(&[8, 7], Some("a"))]);
    api.state().set("audit_events?limit=1&next=a", [page(&[6], Some("b"))]);
    let output = api.run(&["audit", "search", "--limit", "3"]).await.unwrap();
    assert_eq!((output.json["data"].as_array().unwrap().len(), &output.json["has_more"]), (3, &json!(true)));
    assert!(output.text.ends_with("There are more: give a larger --limit."), "{}", output.text);
    assert_eq!(api.lines().len(), 2);
}

#[tokio::test]
async fn every_option_reaches_the_api() {
    let api = FakeApi::start().await;
    let path = "audit_events?limit=100&from=2026-01-01T00%3A00%3A00.000Z&to=2026-02-01T00%3A00%3A00.000Z\
                &event=identifier.removed&token_id=tok_1&job_id=job_1&request_id=r%2F1&segment_id=a%20b\
                &identifier=email%3Aa%26b%3Dc%23%3Ad";
    api.state().set(path, [page(&[], None)]);
    let line = [
        "audit",
        "search",
        "--from",
        "2026-01-01T00:00:00Z",
        "--to",
        "2026-02-01T00:00:00Z",
        "--event",
        "identifier.removed",
        "--token",
        "tok_1",
        "--job",
        "job_1",
        "--request",
        "r/1",
        "--segment",
        "a b",
        "--identifier",
        "email:a&b=c#:d",
    ];
    let output = api.run(&line).await.unwrap();
    assert_eq!(output.text, "Nothing was found. The log has 9 entries.");
    assert_eq!(api.lines(), [format!("GET {path}")]);
}

#[tokio::test]
async fn an_identifier_can_come_from_standard_input_and_is_never_shown() {
    let api = FakeApi::start().await;
    api.state().set("audit_events?limit=100&identifier=email%3Asecret", [page(&[], None)]);
    let run = efface(&["--verbose", "audit", "search", "--identifier", "-"], api.settings(), "email:secret\n").await;
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    assert!(!format!("{run:?}").contains("secret"), "{run:?}");
}

#[tokio::test]
async fn what_cannot_be_an_event_or_a_time_is_refused() {
    let api = FakeApi::start().await;
    for line in [["--event", "removed"], ["--from", "yesterday"], ["--limit", "0"], ["--identifier", "secret"]] {
        let run = efface(&[&["audit", "search"], &line[..]].concat(), api.settings(), "").await;
        assert_eq!(run.status.code(), Some(2), "{line:?}");
    }
    assert!(api.lines().is_empty());
}
