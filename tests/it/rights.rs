//! The requests that each function sends, compared with the permissions of its role in the template. No emulator checks
//! permissions, so without these tests a missing one would first show on AWS.

use std::collections::BTreeSet;

use efface_aws::store::key_check::KeyCheckError;
use efface_tests::{
    Req, TestApp, TestStore,
    app::SPACE,
    fault_proxy::Passed,
    rights::{Access, accesses, needed, of},
};
use serde_json::{Value, json};

use crate::iam::Policy;

/// 32 bytes that are not the tests' key.
const OTHER_KEY: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

const ROLES: [&str; 3] = ["ApiRole", "BulkWorkerRole", "JobReconcilerRole"];

/// Asserts that a role of the template allows all of the requests.
fn assert_allows(role: &str, passed: &[Passed]) {
    let policy = Policy::store(role);
    let denied = accesses(passed).into_iter().filter(|access| !policy.allows(access));
    let denied: BTreeSet<String> = denied.map(|access| access.to_string()).collect();
    assert!(denied.is_empty(), "{role} denies {denied:#?}");
}

/// A single write, of which IAM decides.
fn write(operation: &str, request: &Value) -> Access {
    of(operation, request).remove(0)
}

/// An update of a space's item.
fn update_of_space(expression: &str) -> Access {
    let key = json!({ "pk": { "S": "S#spa_demo" }, "sk": { "S": "-" } });
    let names = json!({ "#source": "source" });
    write(
        "UpdateItem",
        &json!({ "Key": key, "UpdateExpression": expression, "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeNames": names }),
    )
}

/// The first deletion attaches the source, and says when and with which token. Limits, types and the switch are the
/// operator's, and so are the tokens in the same partition.
#[test]
fn no_function_changes_a_space_except_for_its_source() {
    let api = Policy::store("ApiRole");
    assert!(api.allows(&update_of_space("SET #source = :source")));
    let with_author = "SET #source = :source, changed_at = :at, changed_by = :token ADD version :one";
    assert!(api.allows(&update_of_space(with_author)));
    for expression in ["SET activated = :a", "SET #source = :source, deletions_per_second = :n", "REMOVE revoked_at"] {
        for role in ROLES {
            assert!(!Policy::store(role).allows(&update_of_space(expression)), "{role} allows {expression}");
        }
    }
    for role in ["BulkWorkerRole", "JobReconcilerRole"] {
        assert!(!Policy::store(role).allows(&update_of_space("SET #source = :source")), "{role}");
    }
}

/// An update of a token's item.
fn update_of_token(expression: &str) -> Access {
    let key = json!({ "pk": { "S": "T#hash" }, "sk": { "S": "-" } });
    write(
        "UpdateItem",
        &json!({ "Key": key, "UpdateExpression": expression, "ConditionExpression": "attribute_exists(pk)" }),
    )
}

/// The HTTP function keeps when a token was used. Roles and ends are the operator's.
#[test]
fn no_function_changes_a_token_except_for_its_last_use() {
    assert!(Policy::store("ApiRole").allows(&update_of_token("SET last_used_at = :at")));
    let changes =
        ["SET expires_at = :at", "SET last_used_at = :at, role = :role", "REMOVE revoked_at", "SET label = :l"];
    for role in ROLES {
        for expression in changes {
            assert!(!Policy::store(role).allows(&update_of_token(expression)), "{role} allows {expression}");
        }
    }
    for role in ["BulkWorkerRole", "JobReconcilerRole"] {
        assert!(!Policy::store(role).allows(&update_of_token("SET last_used_at = :at")), "{role}");
    }
}

/// Who replaces the check value could start the functions with a key under which everything looks deleted.
#[test]
fn no_function_writes_the_check_value_of_a_key() {
    let item = |name: &str| json!({ "pk": { "S": format!("C#{name}") }, "sk": { "S": "-" } });
    let items = [item("identifier-key"), item("log-key")];
    let writes_of = |item: &Value| {
        [
            write("PutItem", &json!({ "Item": item })),
            write("UpdateItem", &json!({ "Key": item, "UpdateExpression": "SET check = :c" })),
            write("DeleteItem", &json!({ "Key": item })),
            write("BatchWriteItem", &json!({ "RequestItems": { "t": [{ "PutRequest": { "Item": item } }] } })),
        ]
    };
    let writes: Vec<Access> = items.iter().flat_map(writes_of).collect();
    for role in ROLES {
        for access in &writes {
            assert!(!Policy::store(role).allows(access), "{role} allows {access}");
        }
    }
}

/// `ForAllValues` alone also holds for a request in which IAM finds no key.
#[test]
fn a_request_without_keys_is_denied() {
    for role in ROLES {
        let policy = Policy::store(role);
        for action in policy.actions() {
            let access = Access { action, context: [("dynamodb:Attributes", ["pk".to_owned()].into())].into() };
            assert!(!policy.allows(&access), "{role} allows {access}");
        }
    }
    let source = update_of_space("SET #source = :source");
    let keys_only = Access {
        context: source.context.into_iter().filter(|(key, _)| *key == "dynamodb:LeadingKeys").collect(),
        ..source
    };
    assert!(!Policy::store("ApiRole").allows(&keys_only), "{keys_only}");
}

/// Only those who set a table up write its check value. A function that starts before that fails, and changes nothing.
#[tokio::test]
async fn a_function_reads_the_check_value_and_does_not_write_it() {
    let db = TestStore::start().await;
    let (key, other) = (efface_tests::app::master(), efface_core::key::MasterKey::from_base64(OTHER_KEY).unwrap());
    let error = db.store.verify_key(&key).await.unwrap_err();
    assert!(error.to_string().contains("efface admin space create"), "{error}");
    assert!(db.dump().await.is_empty());
    db.store.set_or_verify_key(&key).await.unwrap();
    db.store.set_or_verify_key(&key).await.unwrap();
    db.store.verify_key(&key).await.unwrap();
    let before = db.dump().await;
    let errors = [db.store.verify_key(&other).await, db.store.set_or_verify_key(&other).await];
    assert!(errors.iter().all(|error| matches!(error, Err(KeyCheckError::WrongKey))), "{errors:?}");
    assert_eq!(db.dump().await, before);
}

/// The first load keeps which log key the table has. Of many at once, with different keys, one is kept.
#[tokio::test]
async fn a_table_has_one_log_key() {
    let db = TestStore::start().await;
    let other = efface_core::log::LogKey::from_base64(OTHER_KEY).unwrap();
    let (key, store) = (efface_tests::app::log_key(), &db.store);
    let done = futures::join!(store.set_or_verify_log_key(&key), store.set_or_verify_log_key(&other));
    assert!(done.0.is_ok() != done.1.is_ok(), "{done:?}");
    let (kept, rejected) = if done.0.is_ok() { (&key, &other) } else { (&other, &key) };
    let before = db.dump().await;
    assert_eq!(before.len(), 1, "{before:?}");
    store.set_or_verify_log_key(kept).await.unwrap();
    let error = store.set_or_verify_log_key(rejected).await.unwrap_err();
    assert!(matches!(error, KeyCheckError::WrongLogKey), "{error}");
    assert!(error.to_string().contains("Set the log key that the table has"), "{error}");
    assert_eq!(db.dump().await, before);
    let dump = format!("{before:?}");
    assert!(!dump.contains(OTHER_KEY) && !dump.contains("CAgI"), "{dump}");
    // The identifier key has a check value of its own.
    assert!(matches!(store.verify_key(&efface_tests::app::master()).await, Err(KeyCheckError::NoCheck)));
}

#[tokio::test]
async fn the_role_of_the_api_allows_all_its_requests() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "user_id:v", "email:e", "email:f"]).await;
    let mut leaf = efface_tests::app::profile_line(SPACE, &["user_id:leaf", "email:leaf"]);
    leaf["merged_into"] = json!({ "type": "user_id", "id": "u" });
    app.try_load(&leaf).await.unwrap();
    // The first deletion in a space attaches its source.
    app.space("spa_new", json!({})).await;
    let mut line = efface_tests::app::profile_line("spa_new", &["user_id:n", "email:n"]);
    line["traits"] = json!({ "plan": "pro" });
    app.try_load(&line).await.unwrap();
    let token = app.new_token("spa_new", efface_core::role::Role::WorkspaceOwner).await;
    app.db.store.set_or_verify_key(&efface_tests::app::master()).await.unwrap();
    app.db.proxy.take();
    app.db.store.verify_key(&efface_tests::app::master()).await.unwrap();
    for target in ["email:e", "user_id:v", "email:leaf", "email:nobody"] {
        app.delete("u", target).await;
    }
    app.send(Req::delete(SPACE, "u", "email", "f").key("k")).await;
    app.send_raw(&Req::delete("spa_new", "n", "email", "n").token(&token)).await;
    for list in ["external_ids", "traits", "metadata"] {
        app.send(Req::read(SPACE, "user_id", "u", list)).await;
    }
    app.send(Req::get(format!("/v1/spaces/{SPACE}/deletions/email:e"))).await;
    let passed = app.db.proxy.take();
    let seen = needed(&passed);
    for right in [
        "dynamodb:UpdateItem on S#*",
        "dynamodb:UpdateItem on T#*",
        "dynamodb:ConditionCheckItem on I#*",
        "dynamodb:PutItem on K#*",
    ] {
        assert!(seen.contains(right), "{right} was not exercised: {seen:?}");
    }
    assert_allows("ApiRole", &passed);
}

/// Asserts that a role allows all requests since the last call, and adds the permissions they need to `seen`.
fn check_role(app: &TestApp, role: &str, seen: &mut BTreeSet<String>) {
    let passed = app.db.proxy.take();
    assert_allows(role, &passed);
    seen.extend(needed(&passed).into_iter().map(|right| format!("{role} {right}")));
}

fn profiles(rows: [&str; 3]) -> Value {
    json!({ "action": "delete_profile", "rows": rows })
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

/// A plan that is executed, by the worker and by the reconciler; jobs that wait for their time, and for an approval.
async fn plans_and_jobs_that_wait(app: &TestApp, seen: &mut BTreeSet<String>) {
    let plan = app.create_job(with(profiles(["user_id:u10", "x", "x"]), "dry_run", json!(true))).await;
    let plan = plan.body["job"]["id"].as_str().unwrap().to_owned();
    let execute = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{plan}/execute"), &json!({}));
    app.send(execute.clone()).await;
    check_role(app, "ApiRole", seen);
    app.work().await;
    check_role(app, "BulkWorkerRole", seen);
    // The reconciler makes the rows of another, whose message gets lost.
    app.send(execute).await;
    app.queue.take();
    app.db.proxy.take();
    app.reconcile().await;
    check_role(app, "JobReconcilerRole", seen);
    app.work().await;
    check_role(app, "BulkWorkerRole", seen);
    let later = efface_core::time::Time::from_millis(app.clock.peek().millis() + 3_600_000).unwrap();
    app.job(with(profiles(["x", "x", "x"]), "start_at", json!(later))).await;
    app.space(SPACE, json!({ "approval_over": 1 })).await;
    app.clock.advance(31_000);
    for group in ["g", "h"] {
        let waits = app.job(with(json!({ "action": "delete_profile", "rows": ["x"] }), "group", json!(group))).await;
        app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?group={group}&until=settled"))).await;
        let token = app.token(efface_core::role::Role::PrivacyAdmin).to_owned();
        let approve = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{waits}/approve"), &json!({}));
        app.send_raw(&approve.token(&token)).await;
    }
    app.space(SPACE, json!({ "approval_over": null })).await;
    app.clock.advance(31_000);
    app.db.proxy.take();
}

/// Jobs of each kind, in each state, with messages that fail. One long test: the rights of a role are compared with all
/// that its function did on one table.
#[tokio::test]
async fn the_roles_allow_all_requests_of_jobs() {
    let app = TestApp::start().await;
    let mut seen = BTreeSet::new();
    for i in 0..14 {
        let ids = [format!("user_id:u{i}"), format!("user_id:v{i}"), format!("email:e{i}")];
        let mut line = efface_tests::app::profile_line(SPACE, &ids.each_ref().map(String::as_str));
        line["segments"] = json!(["seg_vip"]);
        line["traits"] = json!({ "plan": "pro" });
        app.try_load(&line).await.unwrap();
    }
    app.db.proxy.take();
    let row = |user: &str, id_type: &str, id: &str| json!({ "user_id": user, "type": id_type, "id": id });
    app.create_job(with(profiles(["user_id:u0", "email:e1", "user_id:no"]), "dry_run", json!(true))).await;
    app.job(with(profiles(["user_id:u0", "email:e1", "user_id:no"]), "group", json!("g"))).await;
    app.job(with(profiles(["user_id:u2", "user_id:u3", "email:e3"]), "max_deletions", json!(1))).await;
    let identifiers = [row("u4", "user_id", "v4"), row("v4", "email", "e4"), row("u5", "email", "e5")];
    app.job(json!({ "action": "delete_identifier", "rows": identifiers })).await;
    let open = app.job(with(profiles(["user_id:u6", "user_id:u7", "x"]), "open", json!(true))).await;
    let pages = json!({ "page": 1, "rows": ["email:e8"] });
    app.send(Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{open}/rows"), &pages)).await;
    for verb in ["start", "pause", "resume"] {
        assert_eq!(app.control(&open, verb).await.status, 202);
    }
    app.send(Req::delete_profile(SPACE, "user_id", "u9").key("k")).await;
    app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{open}/events"))).await;
    let dry = with(with(profiles(["user_id:u13", "x", "x"]), "dry_run", json!(true)), "open", json!(true));
    let dry = app.job(dry).await;
    app.control(&dry, "start").await;
    let soon = efface_core::time::Time::from_millis(app.clock.peek().millis() + 1_000).unwrap();
    let by_message = app.job(with(profiles(["x", "x", "x"]), "start_at", json!(soon))).await;
    app.clock.advance(1_000);
    check_role(&app, "ApiRole", &mut seen);
    app.work().await;
    check_role(&app, "BulkWorkerRole", &mut seen);
    assert_eq!(app.job_status(&by_message).await["state"], "completed");
    plans_and_jobs_that_wait(&app, &mut seen).await;
    let dead = app.job(profiles(["user_id:u10", "email:e10", "user_id:u11"])).await;
    for body in app.queue.take() {
        app.dead.put(body);
    }
    app.outcomes(&open, "").await;
    for query in ["group=g", "state=running", "state=open&group=g", "state=completed"] {
        let reply = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?{query}"))).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    let planned =
        app.job(with(with(profiles(["user_id:u12", "email:e8", "x"]), "dry_run", json!(true)), "open", json!(true)));
    let planned = planned.await;
    app.control(&planned, "start").await;
    check_role(&app, "ApiRole", &mut seen);
    // The messages that the reconciler sends end in the dead-letter queue, too.
    for _ in 0..3 {
        app.reconcile().await;
        for body in app.queue.take() {
            app.dead.put(body);
        }
    }
    for _ in 0..4 {
        app.clock.advance(3_600_000);
        app.reconcile().await;
        check_role(&app, "JobReconcilerRole", &mut seen);
        app.work().await;
        check_role(&app, "BulkWorkerRole", &mut seen);
    }
    assert_eq!(app.job_status(&dead).await["state"], "completed");
    for (job, verb) in [(&dead, "redrive"), (&open, "cancel")] {
        app.control(job, verb).await;
    }
    check_role(&app, "ApiRole", &mut seen);
    app.work().await;
    check_role(&app, "BulkWorkerRole", &mut seen);
    for right in [
        "BulkWorkerRole dynamodb:BatchWriteItem on M#*",
        "JobReconcilerRole dynamodb:DeleteItem on N#*",
        "ApiRole dynamodb:Query on E#*",
        "ApiRole dynamodb:PutItem on E#*",
        "BulkWorkerRole dynamodb:PutItem on E#*",
        "JobReconcilerRole dynamodb:PutItem on E#*",
        "ApiRole dynamodb:PutItem on F#*",
        "ApiRole dynamodb:Query on F#*",
        "ApiRole dynamodb:DeleteItem on N#*",
        "BulkWorkerRole dynamodb:PutItem on F#*",
        "BulkWorkerRole dynamodb:Query on F#*",
        "BulkWorkerRole dynamodb:PutItem on J#*",
        "BulkWorkerRole dynamodb:PutItem on Q#*",
        "JobReconcilerRole dynamodb:PutItem on F#*",
        "JobReconcilerRole dynamodb:Query on F#*",
        "JobReconcilerRole dynamodb:PutItem on J#*",
        "JobReconcilerRole dynamodb:PutItem on Q#*",
    ] {
        assert!(seen.contains(right), "{right} was not exercised: {seen:#?}");
    }
}

/// What only segments need: gates that a change has left, turns, pages of members, sweeps, the end.
#[tokio::test]
async fn the_roles_allow_all_requests_of_segments() {
    let app = TestApp::start().await;
    let mut seen = BTreeSet::new();
    app.space(SPACE, json!({ "settling_seconds": 0 })).await;
    for user in ["user_id:a", "user_id:b", "user_id:c"] {
        app.profile(&[user]).await;
    }
    app.db.proxy.take();
    let segment = |rest: &str, body: Value| Req::post(format!("/v1/spaces/{SPACE}/segments{rest}"), &body);
    for id in ["a", "b", "c"] {
        let made = json!({ "id": id, "name": id, "kind": "manual_segment" });
        assert_eq!(app.send(segment("", made)).await.status, 201);
        app.send(segment(&format!("/{id}/members"), json!({ "rows": [format!("user_id:{id}")] }))).await;
    }
    for verb in ["disable", "enable", "members/remove"] {
        app.send(segment(&format!("/a/{verb}"), json!({ "rows": ["user_id:a"] }))).await;
    }
    for get in ["", "/b?count=true", "/b/members"] {
        assert_eq!(app.send(Req::get(format!("/v1/spaces/{SPACE}/segments{get}"))).await.status, 200);
    }
    app.send(Req::get(format!("/v1/spaces/{SPACE}/segments/a")).method("DELETE")).await;
    let dry = app.send(segment("/b/delete_users", json!({ "dry_run": true }))).await;
    let dry = dry.body["job"]["id"].as_str().unwrap().to_owned();
    app.send(Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{dry}/execute"), &json!({}))).await;
    app.send(segment("/c/delete_users", json!({ "confirm": true, "auto_enable": true }))).await;
    check_role(&app, "ApiRole", &mut seen);
    app.work().await;
    check_role(&app, "BulkWorkerRole", &mut seen);
    // The next ones are the reconciler's, and one is cancelled by a client.
    let loaded = crate::segments::load_member(&app, "u1", "c").await;
    assert_eq!((loaded.stored, loaded.not_joined), (1, 0), "it was enabled again");
    for auto_enable in [true, false] {
        app.db.proxy.take();
        let job = app.send(segment("/c/delete_users", json!({ "confirm": true, "auto_enable": auto_enable }))).await;
        let job = job.body["job"]["id"].as_str().unwrap().to_owned();
        check_role(&app, "ApiRole", &mut seen);
        // The messages of the first two runs get lost; the third one sends the chunks.
        for _ in 0..3 {
            app.queue.take();
            app.reconcile().await;
            app.clock.advance(200_000);
        }
        check_role(&app, "JobReconcilerRole", &mut seen);
        if !auto_enable {
            app.control(&job, "cancel").await;
            check_role(&app, "ApiRole", &mut seen);
        }
        app.work().await;
        check_role(&app, "BulkWorkerRole", &mut seen);
    }
    for right in [
        "ApiRole dynamodb:ConditionCheckItem on M#*",
        "ApiRole dynamodb:PutItem on P#*",
        "ApiRole dynamodb:DeleteItem on P#*",
        "ApiRole dynamodb:DeleteItem on M#*",
        "BulkWorkerRole dynamodb:PutItem on G#*",
        "BulkWorkerRole dynamodb:PutItem on M#*",
        "BulkWorkerRole dynamodb:DeleteItem on G#*",
        "BulkWorkerRole dynamodb:DeleteItem on M#*",
        "BulkWorkerRole dynamodb:Query on M#*",
        "JobReconcilerRole dynamodb:PutItem on G#*",
        "JobReconcilerRole dynamodb:PutItem on M#*",
        "JobReconcilerRole dynamodb:Query on M#*",
    ] {
        assert!(seen.contains(right), "{right} was not exercised: {seen:#?}");
    }
}
