//! Searches of the journal, compared with a filter of all entries.

use std::collections::BTreeMap;

use efface_core::{
    journal::{Entry, Noun},
    role::Role,
};
use efface_tests::{Audited, Req, app::SPACE, audited::hash, publisher::soon};
use serde_json::{Value, json};

use crate::journal::story::{PLANTED, later, story};

fn path(query: &str) -> String {
    format!("/v1/spaces/{SPACE}/audit_events?{query}")
}

/// All that a search finds, read in pages of so many, and how many pages were empty.
async fn found(test: &Audited, query: &str, limit: usize) -> (Vec<Value>, usize) {
    let (mut all, mut next, mut empty) = (Vec::new(), String::new(), 0);
    loop {
        let reply = test.app.send(Req::get(path(&format!("limit={limit}&next={next}{query}")))).await;
        assert_eq!(reply.status, 200, "{query}: {}", reply.line());
        let data = reply.body["data"].as_array().unwrap();
        assert!(data.len() <= limit);
        empty += usize::from(data.is_empty());
        all.extend(data.clone());
        let cursor = &reply.body["cursor"];
        cursor["next"].as_str().unwrap().clone_into(&mut next);
        assert_eq!(cursor["has_more"], !next.is_empty());
        if next.is_empty() {
            return (all, empty);
        }
    }
}

fn leaf(entry: &Entry) -> Value {
    serde_json::from_str(entry.leaf_json().as_str()).unwrap()
}

/// What the response has of an entry.
fn told(index: usize, entry: &Entry) -> Value {
    let leaf = leaf(entry);
    let names =
        ["time", "event", "id_type", "subject", "token_id", "request_id", "job_id", "segment_id", "reason", "counts"];
    let mut told = json!({ "index": index });
    for name in names {
        told[name] = leaf[name].clone();
    }
    told
}

/// Asserts that a search finds the entries for which this is true, the last one first.
async fn check(test: &Audited, entries: &[Entry], query: &str, fits: impl Fn(&Value, &Entry) -> bool) -> usize {
    let numbered = entries.iter().enumerate().rev();
    let expected: Vec<Value> =
        numbered.filter(|(_, entry)| fits(&leaf(entry), entry)).map(|(index, entry)| told(index, entry)).collect();
    for limit in [3, 100] {
        assert_eq!(found(test, query, limit).await.0, expected, "{query} {limit}");
    }
    expected.len()
}

/// An app in which much has happened, and its entries.
async fn told_story() -> (Audited, Vec<Entry>) {
    let mut test = Audited::start().await;
    story(&test.app).await;
    test.log().await;
    let entries = test.journal.entries(SPACE).await;
    (test, entries)
}

/// The values of a member of the leaves, with how many have it.
fn values(entries: &[Entry], name: &str) -> BTreeMap<String, usize> {
    let mut values = BTreeMap::new();
    for entry in entries {
        if let Some(value) = leaf(entry)[name].as_str() {
            *values.entry(value.to_owned()).or_default() += 1;
        }
    }
    values
}

#[tokio::test]
async fn every_filter_finds_what_fits() {
    let (test, entries) = told_story().await;
    assert_eq!(check(&test, &entries, "", |_, _| true).await, entries.len());
    for name in ["event", "token_id", "job_id", "request_id", "segment_id"] {
        let values = values(&entries, name);
        assert!(!values.is_empty(), "{name}");
        for (value, count) in values.into_iter().take(8) {
            let query = format!("&{name}={value}");
            assert_eq!(check(&test, &entries, &query, |leaf, _| leaf[name] == value).await, count, "{query}");
        }
    }
    for (query, nothing) in [
        ("&event=hold.placed", "no such event"),
        ("&token_id=tok_0", "no such token"),
        ("&job_id=job_00000000232871018101010101010101", "no such job"),
        ("&request_id=00000000-2328-7101-8101-010101010101", "no such request"),
        ("&segment_id=nothing", "no such segment"),
        ("&identifier=email:nobody", "nobody"),
        ("&identifier=shoe_size:1", "no such type"),
        ("&from=2100-01-01T00:00:00Z", "the future"),
        ("&to=1970-01-01T00:00:00Z", "the past"),
    ] {
        assert_eq!(found(&test, query, 100).await.0, [] as [Value; 0], "{nothing}");
    }
}

#[tokio::test]
async fn filters_are_combined() {
    let (test, entries) = told_story().await;
    let (job, _) = values(&entries, "job_id").into_iter().max_by_key(|(_, count)| *count).unwrap();
    let is_of = |leaf: &Value, event: &str| leaf["job_id"] == job && leaf["event"] == event;
    let removed = "identifier.removed";
    let query = format!("&job_id={job}&event={removed}");
    check(&test, &entries, &query, |leaf, _| is_of(leaf, removed)).await;
    let mut times: Vec<String> = entries.iter().map(|entry| entry.id().time.to_string()).collect();
    times.sort();
    for (from, to) in [(0, times.len() - 1), (times.len() / 3, times.len() / 2), (times.len() / 2, times.len() / 2 + 1)]
    {
        let (from, to) = (times[from].as_str(), times[to].as_str());
        if from == to {
            continue;
        }
        let fits = |leaf: &Value| leaf["time"].as_str().unwrap() >= from && leaf["time"].as_str().unwrap() < to;
        check(&test, &entries, &format!("&from={from}&to={to}"), |leaf, _| fits(leaf)).await;
        let query = format!("&from={from}&to={to}&event={removed}");
        check(&test, &entries, &query, |leaf, _| fits(leaf) && leaf["event"] == removed).await;
        let query = format!("&from={from}&job_id={job}");
        check(&test, &entries, &query, |leaf, _| leaf["time"].as_str().unwrap() >= from && leaf["job_id"] == job).await;
    }
}

/// An identifier's entries are in the order of its lives, the last one first, whatever their numbers are.
#[tokio::test]
async fn an_identifier_is_told_life_by_life() {
    let mut test = Audited::start().await;
    test.app.profile(&["user_id:u", "email:e"]).await;
    test.app.delete("u", "email:e").await;
    let early = test.journal.stream.take().await;
    test.app.try_load(&later(&["user_id:u", "email:e"])).await.unwrap();
    test.app.delete("u", "email:e").await;
    let late = test.journal.stream.take().await;
    // What happened later is captured first.
    test.journal.hand_over(&late).await;
    test.journal.hand_over(&early).await;
    let (all, _) = found(&test, "&identifier=email:e", 100).await;
    let events: Vec<&str> = all.iter().map(|entry| entry["event"].as_str().unwrap()).collect();
    let (created, removed) = ("identifier.created", "identifier.removed");
    assert_eq!(events, [removed, created, removed, created]);
    for limit in [1, 3] {
        assert_eq!(found(&test, "&identifier=email:e", limit).await.0, all, "{limit}");
    }
    let (of_kind, _) = found(&test, "&identifier=email:e&event=identifier.created", 1).await;
    assert_eq!(of_kind, [all[1].clone(), all[3].clone()]);
    let entries = test.journal.entries(SPACE).await;
    let of = |entry: &&Entry| entry.id().noun == Noun::Identifier(hash("email:e"));
    assert_eq!(all.len(), entries.iter().filter(of).count());
}

/// A long journal is searched a part at a time. Counts of days end a search that has a first day.
#[tokio::test]
async fn a_page_looks_at_a_part_of_the_journal() {
    let mut test = Audited::start().await;
    test.app.profile(&["user_id:first"]).await;
    test.follow().await;
    let entry = |number: u64| efface_tests::publisher::entry(&SPACE.parse().unwrap(), number, "");
    for from in (0..6_000).step_by(100) {
        test.journal.writer().capture((from..from + 100).map(entry), soon()).await.unwrap();
    }
    let (found_first, empty) = found(&test, "&event=identifier.created", 100).await;
    assert_eq!((found_first.len(), &found_first[0]["event"]), (1, &json!("identifier.created")));
    assert!(empty >= 2, "{empty}");
    // The entries of `entry` are of 2026-01-01; nothing of the event is on the day that is asked for.
    test.journal.proxy.take();
    let (none, empty) =
        found(&test, "&event=identifier.created&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", 100).await;
    assert_eq!((none.len(), empty), (0, 1));
    assert_eq!(test.journal.proxy.take().len(), 2, "the head and the counts tell that there is nothing");
    let (some, _) = found(&test, "&from=2026-01-01T00:00:05.990Z&to=2026-01-02T00:00:00Z", 100).await;
    assert_eq!(some.len(), 10);
}

#[tokio::test]
async fn a_cursor_is_of_its_search() {
    let (test, _) = told_story().await;
    let first = test.app.send(Req::get(path("limit=1&event=identifier.removed"))).await;
    let next = first.body["cursor"]["next"].as_str().unwrap();
    assert_eq!(first.body["cursor"]["url"], format!("/v1/spaces/{SPACE}/audit_events"));
    for query in ["", "&event=identifier.created", "&event=identifier.removed&identifier=email:e"] {
        let reply = test.app.send(Req::get(path(&format!("limit=1&next={next}{query}")))).await;
        assert!(reply.status == 400 && reply.line().contains("`next`"), "{query}: {}", reply.line());
    }
    let same = test.app.send(Req::get(path(&format!("limit=2&next={next}&event=identifier.removed")))).await;
    assert_eq!(same.status, 200);
}

#[tokio::test]
async fn lines_are_the_same_entries() {
    let (test, entries) = told_story().await;
    let (mut lines, mut next) = (Vec::new(), Some(path("limit=20&from=2020-01-01T00:00:00%2B00:00")));
    while let Some(path) = next {
        let reply = test.app.send(Req::get(path).header("Accept", "text/html, application/x-ndjson;q=0.9")).await;
        assert_eq!((reply.status, reply.headers["content-type"].as_str()), (200, "application/x-ndjson"));
        let page = reply.body.as_str().unwrap_or_default();
        lines.extend(page.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        let link = reply.headers.get("link");
        next = link.map(|link| link.trim_start_matches('<').trim_end_matches(">; rel=\"next\"").to_owned());
    }
    let expected: Vec<Value> = entries.iter().enumerate().rev().map(|(at, entry)| told(at, entry)).collect();
    assert_eq!(lines, expected);
}

/// The log is told of as it is published, which may be less than is found.
#[tokio::test]
async fn the_log_is_told_of_as_it_is_published() {
    let mut test = Audited::start().await;
    let log = async |test: &Audited| test.app.send(Req::get(path(""))).await.body["log"].clone();
    test.app.profile(&["user_id:u", "email:e"]).await;
    test.follow().await;
    assert_eq!(log(&test).await, json!({ "size": 0, "root": null }));
    test.publish_space(SPACE).await;
    let published = log(&test).await;
    let note = test.app.send(Req::get(format!("/v1/spaces/{SPACE}/log/checkpoint"))).await;
    let lines: Vec<&str> = note.body.as_str().unwrap().lines().collect();
    assert_eq!(published, json!({ "size": lines[1].parse::<u64>().unwrap(), "root": lines[2] }));
    assert_eq!(found(&test, "", 100).await.0.len(), 3);
}

/// No value, name or trait of a person is in a response, nor in what was sent.
#[tokio::test]
async fn no_value_is_told() {
    let (test, entries) = told_story().await;
    let mut told: Vec<String> = found(&test, "", 100).await.0.iter().map(Value::to_string).collect();
    for job in values(&entries, "job_id").into_keys() {
        for list in ["receipt", "receipts"] {
            let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/{list}");
            let reply = test.app.send_raw(&Req::get(path).token(test.app.token(Role::Auditor))).await;
            told.push(reply.body.to_string());
        }
    }
    for (path, bytes) in test.objects.all() {
        told.push(format!("{path} {}", String::from_utf8_lossy(&bytes)));
    }
    told.extend(test.journal.publisher.sent());
    assert!(told.len() > entries.len());
    assert!(told.iter().all(|text| !text.contains(PLANTED)));
}

/// Who has a job end before its end is told when its last chunk has ended, which nobody asks for.
#[tokio::test]
async fn whoever_cancels_a_job_is_told() {
    let mut test = Audited::start().await;
    test.app.profile(&["user_id:u"]).await;
    let job = test.app.job(json!({ "action": "delete_profile", "rows": ["user_id:u"] })).await;
    let cancel = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/cancel"), &json!({}));
    let reply = test.app.send_raw(&cancel.token(test.app.token(Role::PrivacyAdmin))).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    test.app.work().await;
    test.app.reconcile().await;
    test.log().await;
    let query = format!("&job_id={job}");
    let (told, _) = found(&test, &query, 100).await;
    let of = |event: &str| told.iter().find(|entry| entry["event"] == event).unwrap()["token_id"].as_str().unwrap();
    assert_ne!(of("job.created"), of("job.cancelled"));
    let (of_token, _) = found(&test, &format!("&token_id={}", of("job.cancelled")), 100).await;
    assert!(of_token.iter().any(|entry| entry["event"] == "job.cancelled"), "{of_token:?}");
}
