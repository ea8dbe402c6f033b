//! Metrics: the line of an invocation, for events as Lambda passes them on. `functions/aws/src/metrics/` writes it.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use aws_sdk_dynamodb::types::AttributeValue;
use efface_api::{App, event::EventSource};
use efface_aws::{
    clock::Clock,
    metrics::{Meter, Metric, Sink},
};
use efface_bulk_worker::Worker;
use efface_core::{role::Role, time::Time};
use efface_job_reconciler::Reconciler;
use efface_tests::{Req, TestApp, TestJournal, Via, app, app::SPACE, faults::Fault, publisher::soon, store::TABLE};
use serde_json::{Value, json};

use crate::{event_sources::recorded, template::read};

/// The lines of the functions of one test.
#[derive(Default, Clone)]
struct Lines(Arc<Mutex<Vec<Value>>>);

impl Lines {
    /// A meter of a function whose lines are kept here. Its clock shows the first millisecond of 2026.
    fn meter(&self, function: &'static str, level: &str) -> Meter {
        let lines = Arc::clone(&self.0);
        let sink: Sink = Arc::new(move |line| {
            assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1), "it is one line");
            lines.lock().unwrap().push(serde_json::from_slice(line).unwrap());
        });
        let lookup = |name: &str| match name {
            "EFFACE_METRICS_NAMESPACE" => Some("Efface/efface-test".to_owned()),
            "AWS_LAMBDA_LOG_LEVEL" => Some(level.to_owned()),
            _ => None,
        };
        let clock = Clock::new(|| Time::parse("2026-01-01T00:00:00.001Z").unwrap());
        Meter::from_lookup(&lookup, function, clock, sink)
    }

    /// The lines since the last call, of which there must be one for each invocation.
    fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The metrics of the one line since the last call, without what every line has.
    fn one(&self) -> Value {
        let lines = self.take();
        let [line] = lines.as_slice() else { panic!("not one line: {lines:?}") };
        numbers(line)
    }
}

/// The metrics of a line. That is all that the line may hold beside its function, time and level.
fn numbers(line: &Value) -> Value {
    let mut rest = line.as_object().unwrap().clone();
    for name in ["_aws", "timestamp", "level", "Function"] {
        rest.remove(name).unwrap_or_else(|| panic!("no {name}: {line}"));
    }
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    let mut declared: Vec<&str> =
        directive["Metrics"].as_array().unwrap().iter().map(|metric| metric["Name"].as_str().unwrap()).collect();
    declared.sort_unstable();
    let mut there: Vec<&str> = rest.keys().map(String::as_str).collect();
    there.sort_unstable();
    assert_eq!(declared, there, "{line}");
    let is_numeric =
        |value: &Value| value.is_u64() || value.as_array().is_some_and(|all| all.iter().all(Value::is_u64));
    assert!(rest.values().all(is_numeric), "a metric is nothing but numbers: {line}");
    rest.into()
}

/// The HTTP function on the table of a test.
fn api(test: &TestApp, source: EventSource, meter: Meter) -> App {
    let store = test.db.store.clone();
    App::new(store, test.queue.queue(), app::keys(), test.clock.clock(), source).with_meter(meter)
}

fn reconciler(test: &TestApp, lines: &Lines) -> Reconciler {
    let reconciler = Reconciler::new(test.engine(), test.dead.queue());
    reconciler.with_meter(lines.meter("job-reconciler", "INFO"))
}

async fn reconcile(reconciler: &Reconciler) {
    reconciler.handle(SystemTime::now() + Duration::from_mins(10)).await;
}

#[tokio::test]
async fn a_recorded_event_has_exactly_this_line() {
    let (test, lines) = (TestApp::start_patient().await, Lines::default());
    test.profile(&["user_id:user_001", "email:example@gmail.com"]).await;
    let api = api(&test, EventSource::Decoding, lines.meter("api", "INFO"));
    let event = recorded("ministack_rest_delete", test.token(Role::WorkspaceOwner));
    test.db.proxy.take();
    api.handle(serde_json::from_value(event).unwrap()).await;
    let requests = test.db.proxy.take().len();
    assert_eq!(requests, 5, "token and space, the token's use, limiter, lookup, deletion");
    let expected = json!({
        "_aws": {
            "CloudWatchMetrics": [{
                "Namespace": "Efface/efface-test",
                "Dimensions": [["Function"]],
                "Metrics": [{ "Name": "StoreRequests", "Unit": "Count" }],
            }],
            "Timestamp": 1_767_225_600_001_u64,
        },
        "timestamp": "2026-01-01T00:00:00.001Z", "level": "INFO", "Function": "api", "StoreRequests": requests,
    });
    assert_eq!(lines.take(), [expected]);
}

#[tokio::test]
async fn denials_and_throttles_are_counted() {
    let (test, lines) = (TestApp::start_patient().await, Lines::default());
    test.clock.step(0);
    let api = api(&test, EventSource::Rest, lines.meter("api", "INFO"));
    let deletion = Req::delete(SPACE, "nobody", "email", "e@x");
    let owner = deletion.clone().token(test.token(Role::WorkspaceOwner));
    app::send(&api, &Req::get("/health"), Via::Rest).await;
    assert_eq!(lines.take(), [] as [Value; 0], "nothing is counted");
    app::send(&api, &deletion, Via::Rest).await;
    assert_eq!(lines.one(), json!({ "Unauthorized": 1 }));
    app::send(&api, &deletion.clone().token(test.token(Role::Auditor)), Via::Rest).await;
    assert_eq!(lines.one(), json!({ "StoreRequests": 2, "Forbidden": 1 }), "the token, and its use");
    for _ in 0..100 {
        assert_eq!(app::send(&api, &owner, Via::Rest).await.status, 404);
    }
    assert_eq!(lines.take().len(), 100, "one line for each invocation");
    while app::send(&api, &owner, Via::Rest).await.status != 429 {}
    assert_eq!(app::send(&api, &owner, Via::Rest).await.status, 429);
    assert_eq!(numbers(&lines.take().pop().unwrap()), json!({ "RateLimited": 1 }));
    test.clock.advance(1_000);
    let read = Req::read(SPACE, "user_id", "nobody", "external_ids").token(test.token(Role::WorkspaceOwner));
    test.db.proxy.plan(|_| Fault::Throttle);
    assert_eq!(app::send(&api, &read, Via::Rest).await.status, 503);
    test.db.proxy.heal();
    assert_eq!(lines.one(), json!({ "StoreRequests": 3, "StoreThrottles": 3 }), "the SDK tries three times");
}

#[tokio::test]
async fn rows_are_counted_by_outcome_and_action_where_they_are_decided() {
    let (test, lines) = (TestApp::start_patient().await, Lines::default());
    test.profile(&["user_id:a", "email:a@x"]).await;
    test.profile(&["user_id:b", "email:b@x"]).await;
    let api = api(&test, EventSource::Rest, lines.meter("api", "INFO"));
    let worker = Worker::new(test.engine()).with_meter(lines.meter("bulk-worker", "INFO"));
    let create = async |body: Value| {
        let request = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs"), &body);
        app::send(&api, &request.token(test.token(Role::WorkspaceOwner)), Via::Rest).await
    };
    let work = async |expected: &[Value]| {
        test.db.proxy.take();
        for body in test.queue.take() {
            assert!(test.deliver(&worker, &[body]).await.is_empty());
        }
        let requests = test.db.proxy.take().len() as u64;
        let (mut sum, mut found) = (0, Vec::new());
        for line in lines.take() {
            let mut metrics = numbers(&line);
            sum += metrics["StoreRequests"].take().as_u64().unwrap();
            if !metrics["ChunkTime"].is_null() {
                assert!(metrics["ChunkTime"].take().is_u64(), "{line}");
            }
            let rest = metrics.as_object().unwrap().iter().filter(|(_, number)| !number.is_null());
            found.push(rest.map(|(name, number)| (name.clone(), number.clone())).collect::<Value>());
        }
        assert_eq!((sum, found.as_slice()), (requests, expected), "every request to the table is counted");
    };
    let rows = json!(["user_id:a", "email:a@x", "email:nobody", "nonsense"]);
    create(json!({ "action": "delete_profile", "rows": rows, "dry_run": true })).await;
    let planned = numbers(&lines.take().pop().unwrap());
    assert_eq!(planned["DryRunRows"], 4, "a dry run that is planned at once deletes nothing: {planned}");
    assert!(!planned.to_string().contains("Delete"), "{planned}");
    create(json!({ "action": "delete_profile", "rows": rows })).await;
    assert_eq!(numbers(&lines.take().pop().unwrap())["DeleteProfileInvalid"], 1);
    work(&[json!({})]).await;
    let decided = json!({ "DeleteProfileDeleted": 1, "DeleteProfileDuplicate": 1, "DeleteProfileNotFound": 1 });
    work(&[decided]).await;
    let row = |id_type: &str, id: &str| json!({ "user_id": "b", "type": id_type, "id": id });
    create(json!({ "action": "delete_identifier", "rows": [row("email", "b@x"), row("email", "none")] })).await;
    lines.take();
    work(&[json!({})]).await;
    work(&[json!({ "DeleteIdentifierDeleted": 1, "DeleteIdentifierNotFound": 1 })]).await;
    test.queue.put("unreadable");
    assert_eq!(test.deliver(&worker, &test.queue.take()).await.len(), 1);
    assert_eq!(lines.take(), [] as [Value; 0], "nothing is counted");
}

/// Makes an identifier unreadable, so that its row fails.
async fn damage(test: &TestApp, id_type: &str, id: &str) {
    let hash = app::master().space_key(&SPACE.parse().unwrap()).identifier(&id_type.parse().unwrap(), id);
    let update = test.db.client.update_item().table_name(TABLE);
    let update =
        update.key("pk", AttributeValue::S(format!("I#{SPACE}#{hash}"))).key("sk", AttributeValue::S("-".into()));
    let update = update.update_expression("SET profile_id = :bad");
    update.expression_attribute_values(":bad", AttributeValue::S("use_damaged".into())).send().await.unwrap();
}

#[tokio::test]
async fn the_reconciler_tells_what_is_left_and_which_rows_failed() {
    let (test, lines) = (TestApp::start_patient().await, Lines::default());
    test.profile(&["user_id:a", "user_id:a2"]).await;
    let (reconciler, idle) =
        (reconciler(&test, &lines), json!({ "JobsLive": 0, "RowsRemaining": 0, "OldestChunk": 0 }));
    reconcile(&reconciler).await;
    let mut found = lines.one();
    assert!(found["StoreRequests"].take().as_u64() > Some(0));
    assert_eq!(found["ReconcilerRuns"].take(), 1);
    let rest = found.as_object().unwrap().iter().filter(|(_, number)| !number.is_null());
    assert_eq!(rest.map(|(name, number)| (name.clone(), number.clone())).collect::<Value>(), idle);

    let job = test.job(json!({ "action": "delete_profile", "rows": ["user_id:a", "email:nobody"] })).await;
    let dispatch = test.queue.take();
    test.deliver(&test.worker(), &dispatch).await;
    let chunk = test.queue.take();
    damage(&test, "user_id", "a").await;
    assert_eq!(test.deliver(&test.worker(), &chunk).await, chunk);
    test.clock.advance(40_000);
    reconcile(&reconciler).await;
    let found = lines.one();
    assert_eq!((&found["JobsLive"], &found["RowsRemaining"]), (&json!(1), &json!(1)), "{found}");
    let seconds = found["OldestChunk"].as_u64().unwrap();
    assert!((40..60).contains(&seconds), "a chunk is silent since its worker failed: {found}");
    for body in chunk {
        test.dead.put(body);
    }
    reconcile(&reconciler).await;
    let found = lines.one();
    assert_eq!((&found["RowsFailed"], &found["DeleteProfileFailed"]), (&json!(1), &json!(1)), "{found}");
    assert_eq!(test.job_summary(&job).await, "completed: 1 not_found, 1 failed");
}

#[tokio::test]
async fn the_capture_tells_entries_lag_and_records_that_were_put_aside() {
    let (test, lines) = (TestApp::start_patient().await, Lines::default());
    let journal = TestJournal::start(&test).await;
    let capture = journal.capture().with_meter(lines.meter("change-capture", "INFO"));
    let mut event: Value = serde_json::from_str(include_str!("../events/dynamodb_stream.json")).unwrap();
    event["Records"].as_array_mut().unwrap().push(json!({}));
    test.clock.step(0);
    capture.handle(serde_json::from_value(event).unwrap(), soon()).await.unwrap();
    let mut found = lines.one();
    assert!(found["StoreRequests"].take().as_u64() > Some(5));
    let newest = Time::parse("2026-01-01T00:00:05Z").unwrap();
    let seconds = (test.clock.peek().millis() - newest.millis()) / 1_000;
    assert_eq!(
        found,
        json!({ "StoreRequests": null, "JournalEntries": 3, "JournalLag": seconds, "RecordsPutAside": 1 })
    );
}

/// Lambda drops lines below the stack's level, and takes a line that names none for one of the level INFO.
#[tokio::test]
async fn a_line_is_kept_at_every_level_of_the_log() {
    let (test, lines) = (TestApp::start().await, Lines::default());
    for (setting, level) in [("INFO", "INFO"), ("DEBUG", "INFO"), ("WARN", "FATAL"), ("ERROR", "FATAL")] {
        let api = api(&test, EventSource::Rest, lines.meter("api", setting));
        app::send(&api, &Req::deletion(SPACE, "email", "e@x"), Via::Rest).await;
        assert_eq!(lines.take()[0]["level"], level, "{setting}");
    }
}

#[test]
fn without_a_namespace_nothing_is_measured() {
    let sink: Sink = Arc::new(|_| panic!("a line"));
    let meter = Meter::from_lookup(&|_| None, "api", Clock::system(), sink);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(meter.measure(async { efface_aws::metrics::add(Metric::StoreRequests, 1) }));
}

/// The page that explains the metrics has them all, and the dashboard shows them.
#[test]
fn every_metric_is_explained_and_shown() {
    let (runbook, template) = (read("docs/operations.md"), read("infra/template.yaml"));
    let (_, body) = template.split_once("DashboardBody:").unwrap();
    for metric in Metric::all() {
        let name = metric.name();
        let is_explained = match metric {
            Metric::Rows(..) => runbook.contains("`DeleteProfileNotFound`"),
            _ => runbook.contains(&format!("| `{name}` |")),
        };
        assert!(is_explained, "docs/operations.md does not explain {name}");
        assert!(body.contains(&format!("\"{name}\", \"Function\"")), "the dashboard does not show {name}");
    }
}
