//! Rows of jobs: their outcomes in any order, plans, and listings of outcomes.

use std::time::Duration;

use efface_api::{App, event::EventSource};
use efface_core::role::Role;
use efface_tests::{
    Req, TestApp, Via,
    app::{SPACE, keys, profile_line, send},
    jobs::summary,
    store::{changed, is_profile_item},
};
use serde_json::{Value, json};

fn row(user_id: &str, target: &str) -> Value {
    let (id_type, id) = target.split_once(':').unwrap();
    json!({ "user_id": user_id, "type": id_type, "id": id })
}

/// Runs a job that deletes identifiers and returns its summary and outcomes.
async fn identifiers(app: &TestApp, rows: &[Value]) -> (String, Vec<String>) {
    let job = app.job(json!({ "action": "delete_identifier", "rows": rows })).await;
    app.work().await;
    let outcomes = app.outcomes(&job, "").await.into_iter().map(|(_, _, outcome)| outcome).collect();
    (app.job_summary(&job).await, outcomes)
}

/// A profile's identifiers, the rows as lookup and target, and the outcome of each row.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a [&'a str]);

/// Rows delete the lookups of other rows: each row has the same outcome in every order.
#[tokio::test]
async fn outcomes_do_not_depend_on_the_order_of_rows() {
    let cases: [Case; 5] = [
        // A lookup that the same job deletes still finds its profile.
        (&["user_id:a", "user_id:b", "email:e"], &[("a", "email:e"), ("b", "user_id:a")], &["deleted", "deleted"]),
        // A chain: `a` stays and is the guard identifier. A row whose target is its own lookup is protected.
        (
            &["user_id:a", "user_id:b", "user_id:c"],
            &[("a", "user_id:b"), ("b", "user_id:c"), ("c", "user_id:c")],
            &["deleted", "deleted", "protected"],
        ),
        // A cycle over all `user_id`s: none may be deleted.
        (&["user_id:a", "user_id:b"], &[("a", "user_id:b"), ("b", "user_id:a")], &["protected", "protected"]),
        // A cycle that leaves a `user_id`.
        (&["user_id:a", "user_id:b", "user_id:c"], &[("a", "user_id:b"), ("b", "user_id:a")], &["deleted", "deleted"]),
        (&["user_id:a", "email:e"], &[("a", "email:x"), ("b", "email:e"), ("a", "user_id:b")], &["not_found"; 3]),
    ];
    for (ids, rows, expected) in cases {
        for order in permutations(rows.len()) {
            let app = TestApp::start().await;
            app.profile(ids).await;
            let shuffled: Vec<Value> = order.iter().map(|at| row(rows[*at].0, rows[*at].1)).collect();
            let (_, outcomes) = identifiers(&app, &shuffled).await;
            let expected: Vec<&str> = order.iter().map(|at| expected[*at]).collect();
            assert_eq!(outcomes, expected, "{rows:?} in the order {order:?}");
            let left = app.db.dump().await;
            let user_ids = left
                .values()
                .filter(|item| item.get("type").is_some_and(|t| t.contains("user_id")) && item.contains_key("value"));
            assert!(user_ids.count() >= 1, "a profile keeps a user_id");
        }
    }
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(n - 1);
    let insert = |order: &Vec<usize>, at: usize| {
        let mut order = order.clone();
        order.insert(at, n - 1);
        order
    };
    shorter.iter().flat_map(|order| (0..n).map(move |at| insert(order, at))).collect()
}

/// The same for rows in different pages of an open job.
#[tokio::test]
async fn outcomes_do_not_depend_on_the_order_of_pages() {
    for flipped in [false, true] {
        let app = TestApp::start().await;
        app.profile(&["user_id:a", "user_id:b"]).await;
        let job = app.job(json!({ "action": "delete_identifier", "open": true })).await;
        for (page, rows) in [[row("a", "user_id:b")], [row("b", "user_id:a")]].into_iter().enumerate() {
            let page = if flipped { 1 - page } else { page };
            let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/rows");
            app.send(Req::post(path, &json!({ "page": page, "rows": rows }))).await;
        }
        app.control(&job, "start").await;
        app.work().await;
        assert_eq!(app.job_summary(&job).await, "completed: 2 protected");
    }
}

#[tokio::test]
async fn jobs_do_not_affect_other_spaces() {
    let app = TestApp::start().await;
    app.space("spa_other", json!({ "reactor_instances": ["other"] })).await;
    let token = app.new_token("spa_other", Role::WorkspaceOwner).await;
    app.profile(&["user_id:u"]).await;
    let job = app.job(json!({ "action": "delete_profile", "rows": ["user_id:nobody"] })).await;
    let theirs = Req::post(
        "/v1/spaces/spa_other/deletion_jobs",
        &json!({
            "action": "delete_profile", "rows": ["user_id:u"], "group": "g",
        }),
    );
    let reply = app.send_raw(&theirs.clone().token(&token)).await;
    let their_job = reply.body["job"]["id"].as_str().unwrap().to_owned();
    app.work().await;
    assert_eq!(app.external_ids("user_id:u").await, ["user_id:u"]);
    let read = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{their_job}"))).await;
    assert_eq!(read.line(), "404 not_found Job was not found.");
    let cross = app.send_raw(&Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}")).token(&token)).await;
    assert_eq!(cross.status, 401);
    let list = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?group=g"))).await;
    assert_eq!(list.body["jobs"], 0);
    let mut page = Req::post("/internal/bulk-delete-internal", &json!(["user_id:u"])).token(&token);
    page = page.header("x-reactor-instance-name", "demo");
    assert_eq!(app.send_raw(&page).await.body["error"]["code"], "instance_not_found", "not of this token's space");
}

#[tokio::test]
async fn bodies_of_jobs_are_read_strictly() {
    let app = TestApp::start().await;
    for (body, message) in [
        (json!([]), "The request body: expected an object."),
        (json!({}), "The request body: missing field `action`."),
        (
            json!({ "action": "x" }),
            "The request body at `action`: unknown variant `x`, expected `delete_profile` or `delete_identifier`.",
        ),
        (json!({ "action": "delete_profile", "rows": 7 }), "The request body at `rows`: expected a sequence."),
        (
            json!({ "action": "delete_profile", "row": [] }),
            "The request body at `row`: unknown field `row`, expected one of `action`, `rows`, `dry_run`, `group`, `open`, `max_deletions`, `start_at`.",
        ),
        (
            json!({ "action": "delete_profile", "group": " a" }),
            "The request body at `group`: a group is 1 to 128 printable ASCII characters, without spaces around them.",
        ),
    ] {
        let reply = app.create_job(body).await;
        assert_eq!(reply.line(), format!("400 bad_request {message}"));
    }
    for query in ["state=x", "group=", "limit=0", "next=junk", "x=1", "state=open&state=open"] {
        let reply = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?{query}"))).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.body);
    }
    let rejected =
        app.create_job(json!({ "action": "delete_profile", "rows": [1, null, {}, "a", "group_id:g"] })).await;
    assert_eq!((&rejected.body["accepted"], &rejected.body["rejected_total"]), (&json!(0), &json!(5)));
    app.work().await;
    let job = rejected.body["job"]["id"].as_str().unwrap();
    assert_eq!(app.job_summary(job).await, "completed: 5 invalid");
}

#[tokio::test]
async fn outcomes_come_as_csv() {
    let app = TestApp::start().await;
    let job = app.job(json!({ "action": "delete_profile", "rows": ["user_id:x", "junk", "user_id:y"] })).await;
    app.work().await;
    let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/outcomes");
    let reply = app.send(Req::get(format!("{path}?limit=2")).header("Accept", "text/csv")).await;
    assert_eq!(reply.headers["content-type"], "text/csv; charset=utf-8");
    let text = reply.body.as_str().unwrap();
    assert!(text.starts_with("page,row,outcome,code,message,dry_run\r\n0,0,not_found,not_found,"), "{text}");
    let next = reply.headers["link"].strip_prefix('<').unwrap().split('>').next().unwrap().to_owned();
    let reply = app.send(Req::get(next).header("Accept", "text/csv")).await;
    assert!(reply.body.as_str().unwrap().contains("\r\n0,2,not_found,"), "{}", reply.body);
    assert!(!reply.headers.contains_key("link"));
}

async fn demo() -> TestApp {
    let app = TestApp::start().await;
    let mut line = profile_line(SPACE, &["user_id:u", "email:e@x"]);
    line["segments"] = json!(["a", "b"]);
    app.try_load(&line).await.unwrap();
    let mut merged = profile_line(SPACE, &["anonymous_id:m"]);
    merged["merged_into"] = json!({ "type": "user_id", "id": "u" });
    app.try_load(&merged).await.unwrap();
    app.profile(&["user_id:v"]).await;
    app
}

/// A dry run changes no profile, and the job then has exactly the planned outcomes. Long, because it compares the same rows in a
/// plan, a dry run that is a job, and the job.
#[tokio::test]
async fn a_plan_changes_nothing_and_matches_the_job() {
    let app = demo().await;
    let rows = [
        "user_id:u",
        "anonymous_id:m",
        "user_id:v",
        "user_id:V",
        "email:E@X",
        "user_id:nobody",
        "junk",
        "user_id:v\u{a0}",
        "email: E@X\u{200b}",
    ];
    let before = app.db.dump().await;
    let reply = app.create_job(json!({ "action": "delete_profile", "rows": rows, "dry_run": true })).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let mut plan = reply.body["plan"].clone();
    assert!(plan["estimated_seconds"].as_i64().unwrap() >= 1 && plan["estimated_cost_usd"].as_f64().unwrap() > 0.0);
    for name in ["estimated_seconds", "estimated_cost_usd", "digest", "consequences"] {
        plan.as_object_mut().unwrap().remove(name);
    }
    let codes = [(3, "other_case"), (4, "other_case"), (7, "other_form"), (8, "other_form")];
    let expected = json!({
        "rows": 9, "invalid": 1, "profiles": 2, "not_found": 5, "duplicates": 1, "protected": 0, "merges": 1,
        "identifiers": 4, "memberships": 2, "other_case": 2, "other_form": 2,
    });
    let near_misses = codes.map(|(row, code)| json!({ "row": row, "code": code }));
    assert_eq!(plan["near_misses"].take(), Value::from(near_misses.to_vec()));
    plan.as_object_mut().unwrap().remove("near_misses");
    assert_eq!(plan, expected);
    let touched = changed(&before, &app.db.dump().await);
    let own =
        |pk: &String| ["J#", "E#", "F#", "L#", "N#", "O#", "Q#", "R#", "X#"].iter().any(|kind| pk.starts_with(kind));
    assert!(touched.iter().all(|(pk, _)| own(pk)), "a dry run changes its own items only: {touched:?}");
    // An open dry run is a job, which may have any size.
    let job = app.job(json!({ "action": "delete_profile", "rows": rows, "dry_run": true, "open": true })).await;
    app.control(&job, "start").await;
    app.work().await;
    let status = app.job_status(&job).await;
    assert_eq!(summary(&status), "completed: 2 deleted, 1 duplicate, 5 not_found, 1 invalid");
    let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/outcomes?outcome=not_found");
    let outcomes = app.send(Req::get(path)).await.body;
    let listed = outcomes["data"].as_array().unwrap().iter().filter(|row| row["code"] != "not_found");
    let listed: Vec<_> = listed.map(|row| (row["row"].clone(), row["code"].clone())).collect();
    assert_eq!(listed, codes.map(|(row, code)| (json!(row), json!(code))));
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&status["plan"][name], value, "{name}");
    }
    let touched = changed(&before, &app.db.dump().await);
    assert!(touched.iter().all(|(pk, _)| !is_profile_item(pk)), "{touched:?}");
    let real = app.job(json!({ "action": "delete_profile", "rows": rows })).await;
    app.work().await;
    assert_eq!(app.job_summary(&real).await, "completed: 2 deleted, 1 duplicate, 5 not_found, 1 invalid");
}

#[tokio::test]
async fn a_plan_of_identifiers() {
    let app = demo().await;
    let rows = [row("v", "email:e"), row("v", "user_id:v")];
    let plan = app.create_job(json!({ "action": "delete_identifier", "rows": rows, "dry_run": true })).await;
    assert_eq!((&plan.body["plan"]["not_found"], &plan.body["plan"]["protected"]), (&json!(1), &json!(1)));
}

/// Requests with the same key create one job.
#[tokio::test]
async fn a_key_creates_one_job() {
    let app = demo().await;
    let path = format!("/v1/spaces/{SPACE}/deletion_jobs");
    let request = Req::post(&path, &json!({ "action": "delete_profile", "rows": ["user_id:u"] })).key("k");
    let (a, b) = tokio::join!(app.send(request.clone()), app.send(request.clone()));
    assert_eq!((a.status, b.status), (202, 202));
    assert_eq!(a.body["job"]["id"], b.body["job"]["id"]);
    app.work().await;
    let later = app.send(request).await;
    assert_eq!((later.status, &later.body["job"]["id"]), (202, &a.body["job"]["id"]));
    let other = Req::post(&path, &json!({ "action": "delete_profile", "rows": ["user_id:v"] })).key("k");
    assert_eq!(app.send(other).await.body["error"]["code"], "idempotency_conflict");
    assert_eq!(app.send(Req::get(&path)).await.body["jobs"], 1);
}

/// An old line does not bring a deleted profile back; a later one creates a new profile.
#[tokio::test]
async fn a_deleted_profile_stays_deleted() {
    let app = demo().await;
    assert_eq!(app.send(Req::delete_profile(SPACE, "user_id", "u")).await.status, 200);
    let again = app.try_load(&profile_line(SPACE, &["user_id:u", "email:e@x"])).await.unwrap();
    assert_eq!((again.stored, again.blocked), (0, 2), "an old line brings nothing back");
    let mut later = profile_line(SPACE, &["user_id:u", "email:new@x"]);
    later["timestamp"] = json!("2027-01-01T00:00:00Z");
    assert_eq!(app.try_load(&later).await.unwrap().stored, 2);
    assert_eq!(app.external_ids("user_id:u").await, ["email:new@x", "user_id:u"]);
    assert_eq!(
        app.send(Req::delete_profile(SPACE, "segment_id", "use_x")).await.body["error"]["code"],
        "unsupported_eid_type"
    );
    assert_eq!(
        app.send(Req::delete_profile(SPACE, "user_id", "")).await.line(),
        "400 bad_request Missing required parameters in URL."
    );
    let reader = app.token(Role::IdentityAdmin).to_owned();
    assert_eq!(app.send_raw(&Req::delete_profile(SPACE, "user_id", "u").token(&reader)).await.status, 403);
}

/// Clients can make cursors up: one that no list can have given is a 400, and no list goes on elsewhere.
#[tokio::test]
async fn a_cursor_with_a_huge_row_is_rejected() {
    let app = TestApp::start().await;
    let job = app.job(json!({ "action": "delete_profile", "rows": ["x", "user_id:nobody"] })).await;
    app.work().await;
    for (page, row, status) in [
        (json!(0), json!(0), 200),
        (json!(9_999_999), json!(99_999), 200),
        (json!(0), json!(100_000), 400),
        (json!(0), json!(u64::MAX), 400),
        (json!(10_000_000), json!(0), 400),
        (json!(u32::MAX), json!(0), 400),
        (json!(u64::MAX), json!(0), 400),
        (json!(-1), json!(0), 400),
    ] {
        let next = efface_core::list::encode_cursor(&json!({ "page": page, "row": row }));
        let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/outcomes?next={next}");
        assert_eq!(app.send(Req::get(path)).await.status, status, "{page} {row}");
    }
}

/// Outcomes are looked for only where there are some, and a list whose time has ended returns what it has.
#[tokio::test]
async fn a_filtered_list_of_outcomes_is_bounded() {
    let app = TestApp::start_patient().await;
    let job = app.job(json!({ "action": "delete_profile", "rows": [], "open": true })).await;
    let rows = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/rows");
    for page in 1..=203 {
        let row = if [1, 203].contains(&page) { "x" } else { "user_id:nobody" };
        assert_eq!(app.send(Req::post(&rows, &json!({ "page": page, "rows": [row] }))).await.status, 202);
    }
    app.db.proxy.take();
    assert_eq!(app.outcomes(&job, "&outcome=deleted").await, []);
    let requests = app.db.proxy.take();
    assert!(requests.len() <= 2, "the job's counts tell that there are none: {}", requests.len());
    let hasty = App::new(app.db.store.clone(), app.queue.queue(), keys(), app.clock.clock(), EventSource::Rest)
        .with_list_time(Duration::ZERO);
    let mut next = String::new();
    let mut pages = Vec::new();
    loop {
        let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/outcomes?outcome=invalid&next={next}");
        let list = Req::get(path).token(app.token(Role::Auditor));
        let reply = send(&hasty, &list, Via::Rest).await;
        pages.push(reply.body["data"].as_array().unwrap().iter().map(|row| row["page"].clone()).collect::<Vec<_>>());
        if reply.body["cursor"]["has_more"] == json!(false) {
            break;
        }
        reply.body["cursor"]["next"].as_str().unwrap().clone_into(&mut next);
    }
    assert_eq!(pages, [vec![json!(1)], vec![json!(203)]], "a hundred pages at a time, and on until something is found");
}
