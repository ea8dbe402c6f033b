//! The list of the jobs that a token has made itself: for roles that may not read those of others.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use efface_api::{App, event::EventSource};
use efface_aws::store::{Item, Key, keys::ALL_JOBS};
use efface_core::{id::RequestId, job::JobId, role::Role, space::SpaceId, time::Time};
use efface_tests::{Reply, Req, TestApp, Via, app, app::SPACE};
use serde_json::{Value, json};

fn path(query: &str) -> String {
    format!("/v1/spaces/{SPACE}/deletion_jobs{query}")
}

async fn list(app: &TestApp, token: &str, query: &str) -> Reply {
    app.send_raw(&Req::get(path(query)).token(token)).await
}

fn ids(reply: &Reply) -> Vec<String> {
    let jobs = reply.body["data"].as_array().unwrap_or_else(|| panic!("{}", reply.body));
    jobs.iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
}

/// A job that deletes an identifier which is not there.
async fn job(app: &TestApp, token: &str, more: Value) -> String {
    let mut body = json!({ "action": "delete_identifier", "rows": [{ "user_id": "u", "type": "email", "id": "e" }] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let reply = app.send_raw(&Req::post(path(""), &body).token(token)).await;
    assert!(reply.status < 300, "{}", reply.body);
    reply.body["job"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_lists_its_own_jobs_and_no_others() {
    let app = TestApp::start().await;
    app.leave_messages();
    let identity = app.token(Role::IdentityAdmin).to_owned();
    let other = app.new_token(SPACE, Role::IdentityAdmin).await;
    let first = job(&app, &identity, json!({})).await;
    job(&app, &other, json!({})).await;
    let second = job(&app, &identity, json!({ "group": "g", "open": true })).await;
    let own = list(&app, &identity, "?created_by=me").await;
    assert_eq!(ids(&own), [second, first], "newest first");
    assert_eq!((&own.body["jobs"], &own.body["rows"], &own.body["is_complete"]), (&json!(2), &json!(2), &json!(true)));
    let all = list(&app, app.token(Role::Auditor), "").await;
    assert_eq!(ids(&all).len(), 3);
}

/// Who may make jobs may list their own, and who may read all jobs may, too.
#[tokio::test]
async fn the_role_decides() {
    let app = TestApp::start().await;
    let forbidden = "403 forbidden The token's role may not read jobs.";
    for (role, all, own) in [
        (Role::WorkspaceOwner, true, true),
        (Role::IdentityAdmin, false, true),
        (Role::UnifyEngageAdmin, false, true),
        (Role::PrivacyAdmin, true, true),
        (Role::Administrator, false, true),
        (Role::ProfileReader, false, false),
        (Role::Auditor, true, true),
    ] {
        for (query, may) in
            [("", all), ("?state=running", all), ("?created_by=me", own), ("?created_by=me&limit=1", own)]
        {
            let line = list(&app, app.token(role), query).await.line();
            assert_eq!(line, if may { "200 -" } else { forbidden }, "{role} {query}");
        }
    }
}

/// Puts so many jobs of another token into the list of the space's jobs, made at this time. There is nothing else of them.
async fn list_others(app: &TestApp, jobs: u32, at: Time, by: Option<&str>) {
    let space = SpaceId::parse(SPACE).unwrap();
    let entries = (0..jobs).map(|number| {
        let mut random = [0; 10];
        random[6..].copy_from_slice(&number.to_be_bytes());
        let mut item =
            Item::from(Key::listed_job(&space, None, ALL_JOBS, JobId::of_request(RequestId::new(at, random))));
        item.extend(by.map(|by| ("token_id".to_owned(), AttributeValue::S(by.to_owned()))));
        item
    });
    app.db.put(&entries.collect::<Vec<_>>()).await;
}

/// The list says who made a job, so that the jobs of others cost a small part of a read. What is older than the token is
/// not looked at.
#[tokio::test]
async fn many_jobs_of_others_cost_few_requests() {
    let app = TestApp::start_patient().await;
    app.leave_messages();
    list_others(&app, 5_000, Time::parse("2026-01-01T00:00:00Z").unwrap(), Some("tok_other")).await;
    let identity = app.token(Role::IdentityAdmin).to_owned();
    let own = job(&app, &identity, json!({ "open": true })).await;
    let count = async |query: &str| {
        app.db.proxy.take();
        let page = list(&app, &identity, query).await;
        assert_eq!((page.status, ids(&page)), (200, vec![own.clone()]), "{query}");
        (app.db.proxy.take().len(), page.body["cursor"]["has_more"].clone())
    };
    assert_eq!(count("?created_by=me").await, (3, json!(false)), "what is older than the token is not looked at");
    app.clock.advance(1_000);
    list_others(&app, 3_000, app.clock.peek(), Some("tok_other")).await;
    let (requests, _) = count("?created_by=me").await;
    assert!(requests <= 7, "3,000 newer jobs of others take {requests} requests");
    // Entries of an earlier version, which do not say who made the job, and are nobody's here.
    list_others(&app, 300, app.clock.peek().plus_seconds(60), None).await;
    count("?created_by=me").await;
}

/// A page ends when its time is up, but never without a job while the list goes on.
#[tokio::test]
async fn no_page_is_empty_where_the_list_goes_on() {
    let app = TestApp::start_patient().await;
    app.leave_messages();
    let identity = app.token(Role::IdentityAdmin).to_owned();
    let mut own = vec![job(&app, &identity, json!({ "open": true })).await];
    for _ in 0..2 {
        app.clock.advance(1_000);
        list_others(&app, 2_500, app.clock.peek(), Some("tok_other")).await;
        app.clock.advance(1_000);
        own.push(job(&app, &identity, json!({ "open": true })).await);
    }
    own.reverse();
    let (db, keys) = (app.db.store.clone(), app::keys());
    let hasty =
        App::new(db, app.queue.queue(), keys, app.clock.clock(), EventSource::Rest).with_list_time(Duration::ZERO);
    let (mut listed, mut next) = (Vec::new(), String::new());
    loop {
        let request = Req::get(path(&format!("?created_by=me{next}"))).token(&identity);
        let page = app::send(&hasty, &request, Via::Rest).await;
        let has_more = page.body["cursor"]["has_more"] == true;
        assert!(!has_more || !ids(&page).is_empty(), "{}", page.body);
        listed.extend(ids(&page));
        if !has_more {
            break;
        }
        next = format!("&next={}", page.body["cursor"]["next"].as_str().unwrap());
    }
    assert_eq!(listed, own);
}

/// A page reads as much for a token with few jobs among those of others as for one alone, and is only empty at the end.
#[tokio::test]
async fn a_page_has_as_many_jobs_as_were_asked_for() {
    let app = TestApp::start_patient().await;
    app.leave_messages();
    app.clock.step(0);
    let identity = app.token(Role::IdentityAdmin).to_owned();
    let mut own = Vec::new();
    for i in 0..210 {
        app.clock.advance(20);
        if i % 70 == 0 {
            own.push(job(&app, &identity, json!({ "open": true })).await);
        } else {
            app.create_job(json!({ "action": "delete_profile", "open": true })).await;
        }
    }
    own.reverse();
    list(&app, &identity, "?created_by=me").await;
    let (mut listed, mut next) = (Vec::new(), String::new());
    loop {
        app.db.proxy.take();
        let page = list(&app, &identity, &format!("?created_by=me&limit=1{next}")).await;
        let requests = app.db.proxy.take().len();
        assert!(requests <= 4, "a list, heads, and where they stand: {requests} requests");
        assert_eq!(ids(&page).len(), 1, "a page is not empty");
        assert_eq!((&page.body["jobs"], &page.body["is_complete"]), (&json!(1), &json!(false)), "sums of the page");
        listed.extend(ids(&page));
        if page.body["cursor"]["has_more"] == false {
            break;
        }
        next = format!("&next={}", page.body["cursor"]["next"].as_str().unwrap());
    }
    assert_eq!(listed, own);
}

#[tokio::test]
async fn what_it_does_not_go_with_is_rejected() {
    let app = TestApp::start().await;
    let token = app.token(Role::WorkspaceOwner);
    for query in [
        "?created_by=tok_1",
        "?created_by=",
        "?created_by=me&state=open",
        "?created_by=me&group=g",
        "?created_by=me&group=g&until=settled",
        "?created_by=me&created_by=me",
        "?created_by=me&next=x",
    ] {
        let reply = list(&app, token, query).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.body);
    }
}

/// Every way to make a job puts it into its maker's list: a workflow's page, a deleted profile, a segment, an executed
/// plan.
#[tokio::test]
async fn every_job_is_in_the_list_of_its_maker() {
    let app = TestApp::start().await;
    app.leave_messages();
    app.profile(&["user_id:a"]).await;
    app.profile(&["user_id:b"]).await;
    let owner = app.token(Role::WorkspaceOwner).to_owned();
    let page = Req::post("/internal/bulk-delete-internal", &json!(["user_id:x"]));
    assert_eq!(app.send(page.header("x-reactor-instance-name", "demo")).await.status, 202);
    assert_eq!(app.send(Req::delete_profile(SPACE, "user_id", "a")).await.status, 200);
    let plan = json!({ "action": "delete_profile", "rows": ["user_id:b"], "dry_run": true });
    let plan = app.send(Req::post(path(""), &plan)).await.body["job"]["id"].as_str().unwrap().to_owned();
    assert_eq!(app.send(Req::post(path(&format!("/{plan}/execute")), &json!({}))).await.status, 202);
    let segment = json!({ "id": "seg", "name": "Seg", "kind": "manual_segment" });
    app.send(Req::post(format!("/v1/spaces/{SPACE}/segments"), &segment)).await;
    let delete = json!({ "confirm": true, "expected_members": 0 });
    let made = app.send(Req::post(format!("/v1/spaces/{SPACE}/segments/seg/delete_users"), &delete)).await;
    assert_eq!(made.status, 202, "{}", made.body);
    let (own, all) = (list(&app, &owner, "?created_by=me").await, list(&app, &owner, "").await);
    assert_eq!((ids(&own).len(), ids(&own)), (5, ids(&all)));
}
