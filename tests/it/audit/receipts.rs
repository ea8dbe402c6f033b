//! Receipts for deleted identifiers, and how far a deletion has come.

use efface_core::{
    journal::{Entry, EventKind, Noun},
    log::{LogKey, verify::Fault},
};
use efface_engine::journal::reconcile::Asked;
use efface_tests::{
    Audited, Reply, Req, TestApp, Via,
    app::{self, SPACE},
    audited::{hash, receipt_path},
    faults::Fault as Injected,
    publisher::soon,
    stream::event,
};
use serde_json::{Value, json};

use crate::journal::{
    reconcile::{run_in, settle},
    story::later,
};

const LATE: &str = "409 not_logged_yet It is not in the log yet; ask again after as many seconds as Retry-After says.";
const NONE: &str = "404 not_found Receipt was not found.";

/// An app with a profile, all of which is captured and published.
async fn app() -> Audited {
    let mut test = Audited::start().await;
    test.app.profile(&["user_id:u", "email:e", "email:f"]).await;
    test.log().await;
    test
}

fn text(reply: &Reply) -> &str {
    assert_eq!(reply.status, 200, "{}", reply.line());
    assert_eq!(reply.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(reply.headers["cache-control"], "no-store");
    reply.body.as_str().unwrap()
}

#[tokio::test]
async fn a_deletion_has_a_receipt_that_others_verify() {
    let mut test = app().await;
    assert_eq!(test.get_receipt("email:e", "").await.line(), NONE, "it was not deleted");
    assert_eq!(test.app.delete("u", "email:e").await.status, 200);
    test.log().await;
    let reply = test.get_receipt("email:e", "").await;
    let receipt = text(&reply);
    let (index, event) = test.verify(receipt, Some("email:e")).await.unwrap();
    assert_eq!((index, event.as_str()), (4, "identifier.removed"));
    assert_eq!(test.verify(receipt, Some("email:f")).await, Err(Fault::OtherIdentifier));
    assert!(matches!(test.verify(receipt, Some("user_id:e")).await, Err(Fault::Type { .. })));
    let changed = receipt.replace("index 4", "index 3");
    assert_ne!(changed, receipt);
}

#[tokio::test]
async fn what_is_not_in_the_log_yet_is_asked_for_again_and_hastens_it() {
    let mut test = app().await;
    test.app.delete("u", "email:e").await;
    let urgent = |test: &Audited| {
        let sent = test.journal.publisher.sent();
        sent.iter().filter(|body| **body == r#"{"v":1,"space":"spa_demo","urgent":true,"size":5}"#).count()
    };
    let reply = test.get_receipt("email:e", "").await;
    assert_eq!((reply.line().as_str(), reply.headers["retry-after"].as_str()), (LATE, "2"));
    assert_eq!(urgent(&test), 0, "the journal does not have it: the publisher could do nothing");
    test.follow().await;
    let reply = test.get_receipt("email:e", "").await;
    assert_eq!((reply.line().as_str(), reply.headers["retry-after"].as_str()), (LATE, "2"));
    assert_eq!(urgent(&test), 1);
    test.journal.publisher.down(true);
    assert_eq!(test.get_receipt("email:e", "").await.line(), LATE, "the queue is not needed for the response");
    test.journal.publisher.down(false);
    test.publish_space(SPACE).await;
    test.verify(text(&test.get_receipt("email:e", "").await), Some("email:e")).await.unwrap();
    assert_eq!(urgent(&test), 1);
}

/// A capture that dies between its commit and the index leaves an entry that no index has.
#[tokio::test]
async fn an_entry_without_its_index_is_not_there_yet() {
    let mut test = app().await;
    test.app.delete("u", "email:e").await;
    let records = test.journal.stream.take().await;
    test.journal.proxy.plan(|passed| match passed.operation.as_str() {
        "BatchWriteItem" => Injected::Refuse,
        _ => Injected::None,
    });
    assert!(test.journal.capture().handle(event(&records), soon()).await.is_err());
    test.journal.proxy.heal();
    test.publish_space(SPACE).await;
    assert_eq!(test.get_receipt("email:e", "").await.line(), LATE);
    let by_index = test.get_receipt("email:e", "?index=4").await;
    test.verify(text(&by_index), Some("email:e")).await.unwrap();
    test.journal.hand_over(&records).await;
    test.verify(text(&test.get_receipt("email:e", "").await), Some("email:e")).await.unwrap();
}

#[tokio::test]
async fn each_life_of_an_identifier_has_its_receipt() {
    let mut test = app().await;
    test.app.delete("u", "email:e").await;
    test.log().await;
    let first = test.get_receipt("email:e", "").await;
    // It comes back: the receipt stays.
    test.app.try_load(&later(&["user_id:u", "email:e"])).await.unwrap();
    assert_eq!(text(&test.get_receipt("email:e", "").await), text(&first));
    test.log().await;
    let (index, _) = test.verify(text(&test.get_receipt("email:e", "").await), Some("email:e")).await.unwrap();
    assert_eq!(index, 4);
    // It is deleted again: the earlier receipt is not that of the latest deletion.
    assert_eq!(test.app.delete("u", "email:e").await.status, 200);
    assert_eq!(test.get_receipt("email:e", "").await.line(), LATE);
    test.log().await;
    let second = test.get_receipt("email:e", "").await;
    let (index, event) = test.verify(text(&second), Some("email:e")).await.unwrap();
    assert!(index > 4 && event == "identifier.removed");
    let subject = |reply: &Reply| {
        let receipt: efface_core::log::receipt::Receipt = text(reply).parse().unwrap();
        serde_json::from_str::<Value>(receipt.leaf.as_str()).unwrap()["subject"].clone()
    };
    assert_ne!(subject(&first), subject(&second), "nobody can link the two lives");
    let created = async |identifier: &str| {
        let noun = Noun::Identifier(hash(identifier));
        let entries = test.journal.entries(SPACE).await;
        let is_wanted = |entry: &Entry| entry.id().noun == noun && entry.id().kind == EventKind::IdentifierCreated;
        entries.iter().position(is_wanted).unwrap() as u64
    };
    for (index, expected) in [
        (4, Ok("identifier.removed")),
        (index, Ok("identifier.removed")),
        (created("email:e").await, Ok("identifier.created")),
        (created("email:f").await, Err(NONE)),
        (1_000, Err(NONE)),
        (u64::MAX, Err(NONE)),
    ] {
        let query = format!("?index={index}");
        let reply = test.get_receipt("email:e", &query).await;
        match expected {
            Ok(event) => assert_eq!(test.verify(text(&reply), Some("email:e")).await.unwrap().1, event, "{query}"),
            Err(line) => assert_eq!(reply.line(), line, "{query}"),
        }
    }
}

/// The stream has told nobody of deletions, one of which was undone since. A reconcile makes up for it: they are in the log, and
/// can be proved.
#[tokio::test]
async fn what_an_outage_has_swallowed_has_a_receipt_after_a_reconcile() {
    let mut test = app().await;
    for identifier in ["email:e", "email:f"] {
        assert_eq!(test.app.delete("u", identifier).await.status, 200);
    }
    test.app.clock.advance(1_000);
    test.app.try_load(&later(&["user_id:u", "email:e"])).await.unwrap();
    test.journal.stream.take().await;
    settle(&test.app);
    test.log().await;
    assert_eq!(test.get_receipt("email:f", "").await.line(), LATE);
    let asked = Asked { log_key: Some(app::log_key()), ..Asked::default() };
    let (counts, _) = run_in(&test.app, &test.journal, asked, 7).await;
    assert_eq!((counts.gaps, counts.unreadable, counts.without_item), (0, 0, 0), "{counts:?}");
    test.log().await;
    for identifier in ["email:e", "email:f"] {
        let reply = test.get_receipt(identifier, "").await;
        assert_eq!(test.verify(text(&reply), Some(identifier)).await.unwrap().1, "identifier.removed");
    }
}

#[tokio::test]
async fn with_another_log_key_there_is_no_receipt() {
    let mut test = app().await;
    test.app.delete("u", "email:e").await;
    test.log().await;
    let other = test.instance(LogKey::from_base64("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=").unwrap());
    let token = test.app.token(efface_core::role::Role::Auditor);
    let reply = app::send(&other, &Req::get(receipt_path(SPACE, "email:e")).token(token), Via::Rest).await;
    assert_eq!((reply.status, reply.body["error"]["code"].as_str()), (409, Some("other_log_key")), "{}", reply.line());
}

/// An identifier from before commitments is named by its keyed hash: the receipt cannot tie the entry to a value.
#[tokio::test]
async fn an_identifier_without_a_commitment_has_a_receipt_without_a_nonce() {
    let mut test = app().await;
    test.without_attributes("email:e", &["generation", "commitment", "normalisation"]).await;
    test.app.delete("u", "email:e").await;
    test.log().await;
    let reply = test.get_receipt("email:e", "").await;
    assert_eq!(test.verify(text(&reply), Some("email:e")).await, Err(Fault::Keyed));
    assert_eq!(test.verify(text(&reply), None).await.unwrap().1, "identifier.removed");
}

#[tokio::test]
async fn any_value_has_a_receipt() {
    let mut test = Audited::start().await;
    let long = "é🦀".repeat(341);
    let values = ["a/b?c#d%25&e=f", "user_id:x", " \u{202e}\u{0}\n", "receipts/email:e", &long];
    for (at, value) in values.iter().enumerate() {
        let (user, email) = (format!("user_id:u{at}"), format!("email:{value}"));
        test.app.profile(&[&user, &email]).await;
        assert_eq!(test.app.delete(&format!("u{at}"), &email).await.status, 200, "{value:?}");
    }
    test.log().await;
    for value in values {
        let email = format!("email:{value}");
        let receipt = test.get_receipt(&email, "").await;
        test.verify(text(&receipt), Some(&email)).await.unwrap();
        // The record of the deletion leads to the same.
        let record = test.app.send(Req::deletion(SPACE, "email", value)).await;
        let url = record.body["deletion"]["receipt_url"].as_str().unwrap();
        assert_eq!(text(&test.app.send(Req::get(url)).await), text(&receipt), "{value:?}");
    }
}

/// State, time and index of the log, as the record of a deletion has them.
async fn propagation(test: &Audited, identifier: &str) -> Value {
    let (id_type, value) = identifier.split_once(':').unwrap();
    let record = test.app.send(Req::deletion(SPACE, id_type, value)).await;
    assert_eq!(record.status, 200, "{}", record.line());
    let deletion = &record.body["deletion"];
    assert_eq!(deletion["receipt_url"], receipt_path(SPACE, identifier));
    assert_eq!(deletion["propagation"]["store"], json!({ "state": "done", "at": deletion["deleted_at"] }));
    deletion["propagation"]["log"].clone()
}

#[tokio::test]
async fn the_record_of_a_deletion_tells_how_far_it_has_come() {
    let mut test = app().await;
    test.app.delete("u", "email:e").await;
    assert_eq!(propagation(&test, "email:e").await, json!({ "state": "pending", "at": null, "index": null }));
    test.follow().await;
    assert_eq!(propagation(&test, "email:e").await, json!({ "state": "pending", "at": null, "index": 4 }));
    test.publish_space(SPACE).await;
    let done = propagation(&test, "email:e").await;
    assert_eq!((&done["state"], &done["index"]), (&json!("done"), &json!(4)));
    assert!(done["at"].is_string(), "{done}");
}

#[tokio::test]
async fn without_a_journal_the_log_is_off() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e"]).await;
    app.delete("u", "email:e").await;
    let record = app.send(Req::deletion(SPACE, "email", "e")).await;
    let deletion = &record.body["deletion"];
    assert_eq!(deletion["receipt_url"], Value::Null);
    assert_eq!(deletion["propagation"]["log"], json!({ "state": "off", "at": null, "index": null }));
    let receipt = app.send(Req::delete_profile(SPACE, "user_id", "u")).await.body["receipt"].clone();
    assert_eq!((&receipt["receipt_url"], &receipt["propagation"]["log"]["state"]), (&Value::Null, &json!("off")));
}

#[tokio::test]
async fn the_receipt_of_a_profile_leads_to_that_of_its_job() {
    let mut test = app().await;
    let reply = test.app.send(Req::delete_profile(SPACE, "user_id", "u")).await;
    let receipt = &reply.body["receipt"];
    assert_eq!(receipt["propagation"]["store"], json!({ "state": "done", "at": receipt["gone_at"] }));
    assert_eq!(receipt["propagation"]["log"], json!({ "state": "pending", "at": null, "index": null }));
    let url = receipt["receipt_url"].as_str().unwrap();
    assert_eq!(test.app.send(Req::get(url)).await.line(), LATE);
    test.log().await;
    let proof = test.app.send(Req::get(url)).await;
    assert_eq!(test.verify(text(&proof), None).await.unwrap().1, "job.completed");
    for identifier in ["user_id:u", "email:e", "email:f"] {
        test.verify(text(&test.get_receipt(identifier, "").await), Some(identifier)).await.unwrap();
    }
}

/// The log's files and the journal are compared before a receipt is handed out.
#[tokio::test]
async fn a_log_that_was_changed_makes_no_receipt() {
    let mut test = app().await;
    test.app.delete("u", "email:e").await;
    test.log().await;
    let paths: Vec<String> = test.objects.all().into_keys().filter(|path| path.contains("tile/entries")).collect();
    for path in paths {
        test.objects.change(&path, |bytes| {
            let last = bytes.len() - 3;
            bytes[last] ^= 1;
        });
    }
    let reply = test.get_receipt("email:e", "").await;
    assert_eq!((reply.status, reply.body["error"]["code"].as_str()), (500, Some("internal_error")));
}

#[tokio::test]
async fn a_type_that_the_space_does_not_know_has_no_receipt() {
    let test = app().await;
    assert_eq!(test.get_receipt("shoe_size:e", "").await.line(), NONE);
}
