//! The cost of each operation in round trips and capacity units, as the table in `docs/architecture.md` states it.

use efface_core::role::Role;
use efface_tests::{Req, TestApp, app::SPACE, fault_proxy::Cost};
use serde_json::json;

/// A cost, in the order of the table's columns.
fn cost(round_trips: usize, writes: f64, reads: f64) -> (usize, f64, f64) {
    (round_trips, writes, reads)
}

/// Sends a request as the workspace owner and returns its cost.
async fn measure(app: &TestApp, request: Req, status: u16) -> (usize, f64, f64) {
    let token = app.token(Role::WorkspaceOwner).to_owned();
    let (reply, Cost { round_trips, writes, reads, .. }) =
        app.db.proxy.cost(app.send_raw(&request.token(&token))).await;
    assert_eq!(reply.status, status, "{}", reply.line());
    (round_trips, writes, reads)
}

/// An app whose cache holds the token and the space.
async fn warm() -> TestApp {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "user_id:v", "email:e1", "email:e2", "email:e3", "email:e4"]).await;
    app.delete("u", "email:nobody").await;
    app
}

fn delete(id_type: &str, id: &str) -> Req {
    Req::delete(SPACE, "u", id_type, id)
}

/// The rows of the table. Each includes one write of the limit's counter.
#[tokio::test]
async fn single_deletions() {
    let app = warm().await;
    assert_eq!(measure(&app, delete("email", "e1"), 200).await, cost(2, 2.0, 1.0), "an identifier");
    assert_eq!(measure(&app, delete("email", "e2").key("k"), 200).await, cost(2, 3.0, 1.0), "with a key");
    assert_eq!(measure(&app, delete("email", "e2").key("k"), 200).await, cost(2, 3.0, 1.0), "the key again");
    assert_eq!(measure(&app, delete("user_id", "v"), 200).await, cost(2, 5.0, 1.0), "a user_id");
    app.profile(&["user_id:w1", "user_id:w2"]).await;
    let keyed = Req::delete(SPACE, "w1", "user_id", "w2").key("k2");
    assert_eq!(measure(&app, keyed, 200).await, cost(2, 6.0, 1.0), "a user_id with a key");
    assert_eq!(measure(&app, Req::delete(SPACE, "nobody", "email", "e3"), 404).await, cost(1, 1.0, 1.0), "no profile");
    assert_eq!(measure(&app, delete("email", "nobody"), 404).await, cost(2, 2.0, 1.0), "no identifier");
}

#[tokio::test]
async fn deletions_through_a_merge() {
    let app = warm().await;
    let mut leaf = efface_tests::app::profile_line(SPACE, &["user_id:leaf", "email:leaf"]);
    leaf["merged_into"] = json!({ "type": "user_id", "id": "u" });
    app.try_load(&leaf).await.unwrap();
    assert_eq!(measure(&app, delete("email", "leaf"), 200).await, cost(4, 3.0, 3.0));
    assert_eq!(
        measure(&app, delete("email", "leaf").key("k"), 404).await,
        cost(2, 3.0, 1.0),
        "deleted before, with a key"
    );
    assert_eq!(measure(&app, delete("user_id", "leaf"), 200).await, cost(4, 9.0, 3.0), "a user_id");
}

#[tokio::test]
async fn errors_before_the_store_cost_nothing() {
    let app = warm().await;
    let none = cost(0, 0.0, 0.0);
    assert_eq!(measure(&app, delete("nothing", "e"), 400).await, none);
    assert_eq!(measure(&app, Req::get("/nowhere"), 404).await, none);
    let reader = app.token(Role::ProfileReader).to_owned();
    app.send_raw(&delete("email", "e3").token(&reader)).await;
    let (reply, spent) = app.db.proxy.cost(app.send_raw(&delete("email", "e3").token(&reader))).await;
    assert_eq!((reply.status, spent.requests), (403, 0));
    let (reply, spent) = app.db.proxy.cost(app.send_raw(&delete("email", "e3").token("junk"))).await;
    assert_eq!((reply.status, spent.requests), (401, 0));
}

/// Conditions that the table of single deletions does not include.
#[tokio::test]
async fn deletions_under_other_conditions() {
    let app = warm().await;
    app.clock.advance(60_000);
    assert_eq!(measure(&app, delete("email", "e1"), 200).await, cost(3, 2.0, 5.0), "a cold cache: one more batch read");
    app.space(SPACE, json!({ "deletions_per_second": 200 })).await;
    app.clock.advance(60_000);
    app.delete("u", "email:nobody").await;
    assert_eq!(measure(&app, delete("email", "e2"), 200).await, cost(4, 3.0, 2.0), "a raised limit");

    let app = warm().await;
    app.space("spa_new", json!({})).await;
    let token = app.new_token("spa_new", Role::WorkspaceOwner).await;
    app.try_load(&efface_tests::app::profile_line("spa_new", &["user_id:u", "email:e"])).await.unwrap();
    let first = Req::delete("spa_new", "u", "email", "e").token(&token);
    let (reply, spent) = app.db.proxy.cost(app.send_raw(&first)).await;
    assert_eq!(
        (reply.status, spent.round_trips, spent.writes, spent.reads),
        (200, 4, 4.0, 5.0),
        "the first use of a space attaches its source, that of a token is kept"
    );

    let long = "x".repeat(2_048);
    app.profile(&[&format!("user_id:{long}"), &format!("email:{long}")]).await;
    let request = Req::delete(SPACE, &long, "email", &long);
    assert_eq!(measure(&app, request, 200).await, cost(2, 4.0, 1.0), "values of 2 KB");
}

/// An activation writes its generation and its commitment with the identifier: two units for each item of the
/// transaction, and no request beside it.
#[tokio::test]
async fn activations() {
    let app = warm().await;
    let mut line = efface_tests::app::profile_line(SPACE, &["user_id:w", "email:w"]);
    let (loaded, spent) = Box::pin(app.db.proxy.cost(app.try_load(&line))).await;
    assert_eq!((loaded.unwrap().stored, spent.writes), (2, 10.0), "the head, two identifiers and their edges");
    assert_eq!(app.delete("w", "email:w").await.status, 200);
    line["timestamp"] = json!("2027-01-01T00:00:00Z");
    let (loaded, spent) = Box::pin(app.db.proxy.cost(app.try_load(&line))).await;
    assert_eq!(
        (loaded.unwrap().stored, spent.writes),
        (1, 8.0),
        "the head, one again with its edge, the other's event"
    );
}

#[tokio::test]
async fn reads() {
    let app = warm().await;
    let read = |what: &str| Req::read(SPACE, "user_id", "u", what);
    assert_eq!(measure(&app, read("external_ids"), 200).await, cost(4, 0.0, 9.0), "lookup, head, edges, 6 identifiers");
    assert_eq!(measure(&app, read("traits"), 200).await, cost(3, 0.0, 3.0), "lookup, head, traits");
    assert_eq!(measure(&app, read("metadata"), 200).await, cost(3, 0.0, 3.0), "lookup, head, heads");
    assert_eq!(measure(&app, Req::deletion(SPACE, "email", "e1"), 404).await, cost(1, 0.0, 1.0), "a record");
    assert_eq!(measure(&app, Req::get("/health"), 200).await, cost(0, 0.0, 0.0));
}
