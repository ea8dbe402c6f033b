//! Log lines: each says which request, or which job, page and chunk, it is about.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use efface_api::{App, event::EventSource};
use efface_aws::clock::Clock;
use efface_bulk_worker::Worker;
use efface_core::role::Role;
use efface_engine::Engine;
use efface_tests::{Req, TestApp, Via, app, app::SPACE, faults::Fault, log, store::TABLE};
use serde_json::{Value, json};

/// The lines in which a field has a value.
fn lines(field: &str, value: &str) -> Vec<Value> {
    log::lines().into_iter().filter(|line| line[field] == value).collect()
}

/// The one line of a message among lines.
fn one<'a>(lines: &'a [Value], message: &str) -> &'a Value {
    let mut found = lines.iter().filter(|line| line["message"] == message);
    let line = found.next().unwrap_or_else(|| panic!("no line `{message}`: {lines:?}"));
    assert!(found.next().is_none(), "`{message}` is logged once");
    line
}

/// A clock that panics at its second reading and at all that follow.
fn panicking_clock(app: &TestApp) -> Clock {
    let (clock, readings) = (app.clock.clone(), AtomicUsize::new(0));
    Clock::new(move || {
        assert!(readings.fetch_add(1, Ordering::SeqCst) == 0, "the second reading");
        clock.peek()
    })
}

#[tokio::test]
async fn the_id_of_a_response_leads_to_its_cause() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    let rows = json!({ "action": "delete_profile", "rows": ["user_id:u"] });
    app.queue.down(true);
    let waits = app.create_job(rows).await;
    app.queue.down(false);
    app.db.proxy.plan(|_| Fault::Throttle);
    let throttled = app.send(Req::deletion(SPACE, "email", "e@x")).await;
    app.db.proxy.heal();
    let clock = panicking_clock(&app);
    let broken = App::new(app.db.store.clone(), app.queue.queue(), app::keys(), clock, EventSource::Rest);
    let delete = Req::delete_profile(SPACE, "user_id", "u").token(app.token(Role::PrivacyAdmin));
    let panicked = app::send(&broken, &delete, Via::Rest).await;
    for (reply, status, cause) in
        [(waits, 202, "the job waits for the reconciler"), (throttled, 503, "store"), (panicked, 500, "panic")]
    {
        assert_eq!(reply.status, status, "{}", reply.body);
        let of_request = lines("request_id", &reply.headers["request-id"]);
        let line = one(&of_request, "request");
        assert_eq!(line["status"], status);
        for name in ["route", "space_id", "token_id"] {
            assert!(line[name].is_string(), "{name}: {line}");
            assert_eq!(one(&of_request, cause)[name], line[name], "{name} of the cause");
        }
    }
}

#[tokio::test]
async fn the_lines_of_a_message_name_job_page_and_chunk() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u"]).await;
    let hash = app::master().space_key(&SPACE.parse().unwrap()).identifier(&"user_id".parse().unwrap(), "u");
    let update = app.db.client.update_item().table_name(TABLE);
    let update =
        update.key("pk", AttributeValue::S(format!("I#{SPACE}#{hash}"))).key("sk", AttributeValue::S("-".into()));
    let update = update.update_expression("SET profile_id = :bad");
    update.expression_attribute_values(":bad", AttributeValue::S("use_damaged".into())).send().await.unwrap();
    let job = app.job(json!({ "action": "delete_profile", "rows": ["user_id:u"] })).await;
    let engine = Engine::new(app.db.store.clone(), app.queue.queue(), panicking_clock(&app));
    let worker = Worker::new(engine);
    // The message to dispatch the job, and the message of its one chunk.
    for _ in 0..2 {
        for failed in app.deliver(&worker, &app.queue.take()).await {
            app.queue.put(failed);
        }
    }
    app.work().await;
    app.reconcile().await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 1 failed");
    let of_job = lines("job_id", &job);
    for message in ["panic", "a row has failed", "message"] {
        let about_chunks = of_job.iter().filter(|line| line["message"] == message && line["result"].is_null());
        let places: Vec<_> = about_chunks.map(|line| [&line["space_id"], &line["page"], &line["chunk"]]).collect();
        assert!(!places.is_empty(), "no line `{message}`");
        assert!(places.iter().all(|place| *place == [&json!(SPACE), &json!(0), &json!(0)]), "{message}: {places:?}");
    }
    app.queue.put("unreadable");
    let worker = app.worker();
    app.deliver(&worker, &app.queue.take()).await;
    assert!(lines("message_id", "message-0").iter().any(|line| line["error"] == "the message is not one of Efface"));
}

/// Whatever the tests of this process have logged: no line is without a request, a job or a message, but those that are
/// about none.
#[tokio::test]
async fn every_line_names_what_it_is_about() {
    let app = TestApp::start().await;
    app.send_raw(&Req::get("/nowhere")).await;
    let about_none = [
        "reconciled",
        "a live job cannot be read",
        "a part of the list of live jobs cannot be read",
        "the cursor of the list of live jobs cannot be read or kept",
        "the dead-letter queue cannot be read",
        "a message of the dead-letter queue cannot be read",
        "changes captured",
        "changes not captured",
        "records not put aside",
        // Of what is no record of a stream, there is no number.
        "record put aside",
        "spaces that wait for the log",
        "the list of spaces that wait for the log cannot be read",
        "panic",
    ];
    let (mut seen, ids) = (0, ["request_id", "job_id", "message_id", "space_id", "sequence_number"]);
    for line in log::all().lines() {
        let parsed: Value = serde_json::from_str(line).unwrap();
        if parsed["operation"].is_string() {
            continue; // The emulator's own line.
        }
        let message = parsed["message"].as_str().unwrap();
        assert!(about_none.contains(&message) || ids.iter().any(|id| parsed[id].is_string()), "{line}");
        for id in ids {
            assert!(line.matches(&format!("\"{id}\":")).count() < 2, "a field twice: {line}");
        }
        seen += 1;
    }
    assert!(seen > 0);
}
