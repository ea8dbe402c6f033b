//! The dialect of an older API: its exact bytes, and how a name without a type finds a profile.

use base64::{Engine, engine::general_purpose::STANDARD};
use efface_core::role::Role;
use efface_tests::{
    Reply, Req, TestApp,
    app::{SPACE, profile_line},
};
use serde_json::{Value, json};

/// The request that deletes the users of a file.
pub(crate) fn form(file: &str) -> Req {
    form_within(file, "xYz")
}

/// The same, with a boundary of its own.
fn form_within(file: &str, boundary: &str) -> Req {
    let text = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"users.csv\"\r\nContent-Type: text/csv\r\n\r\n\
         {file}\r\n--{boundary}--\r\n"
    );
    let mut request = Req::post(format!("/api/dataset/{SPACE}/users/delete"), &Value::Null);
    request.body = text.into_bytes();
    request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    request.header("content-type", format!("multipart/form-data; boundary={boundary}"))
}

async fn delete(app: &TestApp, file: &str) -> Reply {
    app.send(form(file)).await
}

async fn user(app: &TestApp, id: &str) -> Reply {
    app.send(Req::get(format!("/api/dataset/{SPACE}/user/{id}"))).await
}

async fn app() -> TestApp {
    let app = TestApp::start().await;
    for ids in [
        &["user_id:u1", "email:u1@x", "anonymous_id:a1"][..],
        &["user_id:u2"],
        &["user_id:u3", "anonymous_id:u2", "email:both"],
        &["user_id:u4", "ios.id:both"],
        &["user_id:u5", "email:same"],
    ] {
        app.profile(ids).await;
    }
    let mut member = profile_line(SPACE, &["ios.id:same"]);
    member["merged_into"] = json!({ "type": "user_id", "id": "u5" });
    app.try_load(&member).await.unwrap();
    app
}

#[tokio::test]
async fn users_are_deleted_and_counted() {
    let app = app().await;
    let file = "name\r\nu1\r\nu2\r\nu5\r\n";
    let reply = delete(&app, file).await;
    assert_eq!((reply.status, &reply.body), (200, &json!("Deleted 3 users (3 requested)")));
    assert_eq!(reply.headers["content-type"], "text/plain; charset=utf-8");
    let again = delete(&app, file).await;
    assert_eq!((again.status, &again.body), (200, &json!("Deleted 0 users (3 requested)")));
    for gone in ["u1", "u5"] {
        assert_eq!(user(&app, gone).await.line(), "404 not_found Profile was not found.");
    }
    assert!(app.queue.is_empty(), "all of it was done at once");
    assert_eq!(app.external_ids("user_id:u3").await.len(), 3);
}

/// The first of user_id and anonymous_id that finds a profile counts; else every other type, unless they differ.
#[tokio::test]
async fn a_name_is_looked_up_by_type_after_type() {
    let app = app().await;
    assert_eq!(user(&app, "u2").await.body["external_ids"], json!([{ "type": "user_id", "id": "u2" }]));
    assert_eq!(user(&app, "both").await.status, 404, "two profiles have it");
    assert_eq!(user(&app, "same").await.status, 200, "two members of one have it");
    let lines = "name\nu2\nboth\nsame\nnobody\n\"\"\na,b\n";
    let reply = delete(&app, lines).await;
    assert_eq!((reply.status, &reply.body), (200, &json!("Deleted 2 users (6 requested)")));
    // The name still means the one who is gone, and not who has it as an anonymous_id: a repeated request is safe.
    assert_eq!(user(&app, "u2").await.status, 404);
    let again = delete(&app, lines).await;
    assert_eq!(again.body, json!("Deleted 0 users (6 requested)"));
    assert_eq!(app.external_ids("user_id:u3").await.len(), 3);
    // Among the other types a deleted one and another person's are two, too.
    app.profile(&["user_id:u6", "email:gone"]).await;
    assert_eq!(delete(&app, "name\ngone\n").await.body, json!("Deleted 1 users (1 requested)"));
    app.profile(&["user_id:u7", "ios.id:gone"]).await;
    assert_eq!(delete(&app, "name\ngone\n").await.body, json!("Deleted 0 users (1 requested)"));
    assert_eq!(app.external_ids("user_id:u7").await.len(), 2);
    let list = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs"))).await;
    let job = list.body["data"][3]["id"].as_str().unwrap().to_owned();
    let page = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/outcomes?outcome=invalid"))).await;
    assert_eq!(page.body["data"][0]["row"], 1);
    assert!(page.body["data"][0]["message"].as_str().unwrap().contains("Several profiles"), "{}", page.body);
}

#[tokio::test]
async fn a_user_is_shown() {
    let app = app().await;
    let mut line = profile_line(SPACE, &["user_id:u1"]);
    line["timestamp"] = json!("2027-01-01T00:00:00Z");
    line["traits"] = json!({ "plan": "pro", "big": 12_345_678_901_234_567_890_u64 });
    app.try_load(&line).await.unwrap();
    let by_email = user(&app, "u1%40x").await;
    assert_eq!(by_email.status, 200, "{}", by_email.body);
    assert_eq!(by_email.body, user(&app, "u1").await.body);
    assert_eq!(by_email.body, user(&app, "a1").await.body);
    assert_eq!(by_email.body["attributes"], json!({ "plan": "pro", "big": 12_345_678_901_234_567_890_u64 }));
    assert!(by_email.body["id"].as_str().unwrap().starts_with("use_") && by_email.body["created_at"].is_string());
    assert_eq!(user(&app, "").await.status, 400);
}

/// Basic with the token's id as key and the token as secret, and the token alone; who may not delete profiles gets a 403.
#[tokio::test]
async fn clients_sign_in_as_they_know_it() {
    let app = app().await;
    let token = app.token(Role::PrivacyAdmin).to_owned();
    let get = || Req::get(format!("/api/dataset/{SPACE}/user/u1"));
    for credentials in [format!("tok_0123456789abcdef:{token}"), format!("{token}:")] {
        let request = get().header("authorization", format!("Basic {}", STANDARD.encode(credentials)));
        assert_eq!(app.send_raw(&request).await.status, 200);
    }
    for role in [Role::IdentityAdmin, Role::ProfileReader, Role::Administrator, Role::Auditor] {
        let token = app.token(role).to_owned();
        assert_eq!(app.send_raw(&get().token(&token)).await.status, 403, "{role}");
        assert_eq!(app.send_raw(&form("name\nu1\n").token(&token)).await.status, 403, "{role}");
    }
    app.space("spa_other", json!({})).await;
    let other = app.new_token("spa_other", Role::WorkspaceOwner).await;
    assert_eq!(app.send_raw(&form("name\nu1\n").token(&other)).await.status, 401);
    assert_eq!(app.external_ids("user_id:u1").await.len(), 3);
}

#[tokio::test]
async fn other_files_are_rejected_and_nothing_is_deleted() {
    let app = app().await;
    for (file, status) in [("u1\n", 400), ("", 400), ("id\nu1\n", 400), ("name,type\nu1,x\n", 400), ("name\n\0\n", 400)]
    {
        let reply = delete(&app, file).await;
        assert_eq!(reply.status, status, "{file:?}: {}", reply.body);
    }
    let many = format!("name\n{}", "x\n".repeat(10_001));
    assert_eq!(delete(&app, &many).await.status, 413);
    app.space(SPACE, json!({ "identifier_types": (0..90).map(|i| format!("type{i}")).collect::<Vec<_>>() })).await;
    app.clock.advance(31_000);
    let fewer = format!("name\n{}", "x\n".repeat(2_001));
    assert_eq!(delete(&app, &fewer).await.status, 413, "each would have to be looked up by 100 types or so");
    let mut json = form("name\nu1\n");
    json.headers.retain(|(name, _)| name != "content-type");
    assert_eq!(app.send(json.clone()).await.status, 415);
    assert_eq!(app.send(json.header("content-type", "application/json")).await.status, 415);
    let from_page = form("name\nu1\n").header("origin", "https://example.com");
    assert_eq!(app.send(from_page).await.status, 415, "a form is what any web page can send");
    assert_eq!(delete(&app, "name\n").await.body, json!("Deleted 0 users (0 requested)"));
    app.space(SPACE, json!({ "activated": false })).await;
    app.clock.advance(31_000);
    assert_eq!(delete(&app, "name\nu1\n").await.status, 403);
    assert_eq!(user(&app, "u1").await.status, 200);
}

/// The same key gets the same count, also where the first response got lost; and two requests at once delete once.
#[tokio::test]
async fn a_request_can_be_repeated() {
    let app = app().await;
    let request = form("name\nu1\nu2\n").key("k");
    let first = app.send(request.clone()).await;
    assert_eq!(first.body, json!("Deleted 2 users (2 requested)"));
    assert_eq!(app.send(request).await.body, first.body);
    let rebuilt = app.send(form_within("name\nu1\nu2\n", "another").key("k")).await;
    assert_eq!((rebuilt.status, &rebuilt.body), (200, &first.body), "clients choose the boundary at random");
    let other = app.send(form("name\nu1\n").key("k")).await;
    assert_eq!((other.status, &other.body["error"]["code"]), (409, &json!("idempotency_conflict")));
    let (a, b) = tokio::join!(delete(&app, "name\nu4\nu5\n"), delete(&app, "name\nu5\nu4\n"));
    let deleted = |reply: &Reply| reply.body.as_str().unwrap()["Deleted ".len()..][..1].parse::<u32>().unwrap();
    assert_eq!(deleted(&a) + deleted(&b), 2, "{} {}", a.body, b.body);
}

/// What awaits an approval, or takes longer, becomes a job: the text so far, and its path.
#[tokio::test]
async fn what_cannot_be_done_at_once_goes_on_as_a_job() {
    let app = app().await;
    app.space(SPACE, json!({ "approval_over": 1 })).await;
    app.clock.advance(31_000);
    let reply = delete(&app, "name\nu1\nu2\n").await;
    let (text, path) = reply.body.as_str().unwrap().split_once('\n').unwrap();
    assert_eq!((reply.status, text), (202, "Deleted 0 users (2 requested)"));
    let job = path.strip_prefix(&format!("/v1/spaces/{SPACE}/deletion_jobs/")).unwrap();
    let token = app.token(Role::PrivacyAdmin).to_owned();
    let approve = Req::post(format!("{path}/approve"), &json!({})).token(&token);
    assert_eq!(app.send_raw(&approve).await.status, 202);
    app.work().await;
    assert_eq!(app.job_summary(job).await, "completed: 2 deleted");

    // The count of a job that somebody has stopped would look as if nobody had been there.
    let request = form("name\nu4\nu5\n").key("k");
    let reply = app.send(request.clone()).await;
    let path = reply.body.as_str().unwrap().split_once('\n').unwrap().1;
    let reject = Req::post(format!("{path}/reject"), &json!({})).token(&token);
    assert_eq!(app.send_raw(&reject).await.status, 202);
    let text = "A job that is cancelled can't be carried out again; send the file with a new Idempotency-Key.";
    assert_eq!(app.send(request).await.line(), format!("409 invalid_state {text}"));
    assert_eq!(user(&app, "u4").await.status, 200);
}

/// A function that dies anywhere leaves a job that the worker completes.
#[tokio::test]
async fn a_request_that_dies_is_completed_by_the_worker() {
    for requests in 3..14 {
        let app = app().await;
        let request = form("name\nu1\nboth\n").key("k");
        app.db.proxy.dies_after(requests, true, app.send(request.clone())).await;
        app.clock.advance(100_000);
        let reply = app.send(request).await;
        assert!(matches!(reply.status, 200 | 202), "{requests} {}", reply.body);
        for _ in 0..3 {
            app.work().await;
            app.reconcile().await;
            app.clock.advance(400_000);
        }
        app.work().await;
        assert_eq!(user(&app, "u1").await.status, 404, "{requests}");
        let list = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs"))).await;
        let counts = &list.body["counts"];
        assert_eq!((&list.body["jobs"], &counts["deleted"], &counts["invalid"]), (&json!(1), &json!(1), &json!(1)));
    }
}
