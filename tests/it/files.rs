//! Pages as real files and systems make them, through the workflow's endpoint and `deletion_jobs`: every line becomes a
//! row with its own outcome, or the page is rejected and nothing is deleted. `core::rows` has the tests of each format.

use std::io::Write as _;

use efface_core::role::Role;
use efface_tests::{Req, TestApp, app::SPACE, jobs::summary};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

const PEOPLE: [&str; 3] = ["a", "b", "c"];

async fn people() -> TestApp {
    let app = TestApp::start().await;
    for name in PEOPLE {
        app.profile(&[&format!("user_id:{name}"), &format!("email:{name}@x")]).await;
    }
    // A person whose user_id is the name of a type.
    app.profile(&["user_id:email"]).await;
    app
}

fn page(body: &[u8]) -> Req {
    let mut request = Req::post("/internal/bulk-delete-internal", &Value::Null);
    request.body = body.to_vec();
    request.header("x-reactor-instance-name", "demo")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn every_line_of_a_file_has_an_outcome() {
    for (body, expected) in [
        ("bob@x\nemail:a@x\n", "completed: 1 deleted, 1 invalid"),
        ("email:a@x\remail:b@x", "completed: 2 deleted"),
        ("email:a@x\r\r\nemail:b@x\r\r\n", "completed: 2 deleted"),
        ("key, value\nemail,a@x\n", "completed: 1 deleted"),
        ("key;value\r\nemail;a@x\r\nemail;b@x\r\n", "completed: 2 deleted"),
        ("sep=;\nemail;a@x\n", "completed: 1 deleted"),
        ("key\tvalue\nemail\ta@x\n", "completed: 1 deleted"),
        ("key,value,note\nemail,a@x,gone\nemail,b@x,\nemail,c@x,,\n", "completed: 3 deleted"),
        ("key,value,note\nemail,a@x,gone\nemail,b@x", "completed: 1 deleted, 1 invalid"),
        ("email:a@x\u{a0}\nemail:b@x\n", "completed: 1 deleted, 1 not_found"),
        ("\u{feff}email:a@x\n", "completed: 1 deleted"),
    ] {
        let app = people().await;
        let reply = app.send(page(body.as_bytes())).await;
        assert_eq!(reply.status, 202, "{body:?}: {}", reply.body);
        app.work().await;
        assert_eq!(app.job_summary(reply.body["job_id"].as_str().unwrap()).await, expected, "{body:?}");
        for name in PEOPLE {
            // The row of `a` with a no-break space names nobody.
            let names = |separator: char| body.contains(&format!("{separator}{name}@x"));
            let is_named = [':', ',', ';', '\t'].into_iter().any(names) && !body.contains(&format!("{name}@x\u{a0}"));
            let is_cut_off = body.ends_with("\nemail,b@x") && name == "b";
            let left = app.send(Req::read(SPACE, "user_id", name, "traits")).await.status;
            assert_eq!(left, if is_named && !is_cut_off { 404 } else { 200 }, "{name} {body:?}");
        }
    }
}

#[tokio::test]
async fn a_page_that_is_no_page_is_rejected_and_nothing_is_deleted() {
    let app = people().await;
    let before = app.db.dump().await;
    let zip = b"PK\x03\x04\x14\0\0\0\0\0people.csvemail:a@x\nemail:b@x\n";
    let twice = gzip(&gzip(b"email:a@x\n"));
    let in_gzip = gzip(zip);
    for (body, text) in [
        (&b"null"[..], "single JSON value"),
        (b"123", "single JSON value"),
        (b"<html><body>502 Bad Gateway</body></html>\n", "HTML"),
        (b"ERROR: relation \"people\" does not exist\n", "No line of the page is a row"),
        (b"rows=email%3Aa%40x&dry_run=true", "No line of the page is a row"),
        (b"{\"error\":\"not found\"}", "no row"),
        (b"key,value\n", "a header and no rows"),
        (b"key,value\nemail,\"a@x\n\"\nemail,b@x\n", "Line 2 has a quoted cell"),
        (b"{\"rows\":[\"email:a@x\"],\"data\":[[\"email:b@x\"]],\"column_names\":[\"c\"]}", "both `rows` and `data`"),
        (b"{\"rows\":[\"email:a@x\"],\"rows\":[\"email:b@x\"]}", "twice"),
        (b"user_id,email\na,a@x\n", "named by types"),
        (b"user_id,phone\na,1\nb,2\n", "named by types"),
        (b"key,value,note\nemail,a@x,\"wrote:\nemail,b@x\nis \"new\".\"\n", "Line 2 has a quoted cell"),
        (b"{\"dry_run\":true,\"rows\":[\"email:a@x\"]}", "a field of a job"),
        (b"email;a@x\nemail;b@x\n", "separated by `;`"),
        (b"email:a@x\nemail:\0\n", "NUL byte"),
        (b"\xff\xfee\0:\0", "UTF-16"),
        (zip, "ZIP"),
        (&twice, "gzip within gzip"),
        (&in_gzip, "ZIP"),
        (b"%PDF-1.7\nemail:a@x\n", "PDF"),
    ] {
        let reply = app.send(page(body)).await;
        let message = reply.body["error"]["message"].as_str().unwrap_or_default();
        assert_eq!((reply.status, message.contains(text)), (400, true), "{text}: {}", reply.body);
    }
    app.work().await;
    let mut after = app.db.dump().await;
    after.retain(|(pk, _), _| !pk.starts_with("R#"));
    assert_eq!(after, before, "nothing but the count of requests");
}

/// A space's own types make a header of types, too; and a header that names the columns makes any value possible.
#[tokio::test]
async fn a_header_of_the_spaces_own_types_is_rejected_and_a_named_value_is_not() {
    let app = people().await;
    app.space("spa_sizes", json!({ "identifier_types": ["shoe_size"] })).await;
    let token = app.new_token("spa_sizes", Role::WorkspaceOwner).await;
    let jobs = |rows: Value| {
        let body = json!({ "action": "delete_profile", "rows": rows });
        Req::post("/v1/spaces/spa_sizes/deletion_jobs", &body).token(&token)
    };
    assert_eq!(app.send_raw(&jobs(json!([["user_id", "shoe_size"], ["a", "44"]]))).await.status, 400);
    assert_eq!(app.send_raw(&jobs(json!([["user_id", "shoe_colour"]]))).await.status, 202);
    let reply = app.send(page(b"key,value\nuser_id,email\n")).await;
    app.work().await;
    assert_eq!(app.job_summary(reply.body["job_id"].as_str().unwrap()).await, "completed: 1 deleted");
}

/// `deletion_jobs` takes JSON only, and says the same of what is none.
#[tokio::test]
async fn a_body_of_deletion_jobs_is_checked_alike() {
    let app = people().await;
    let body = br#"{"action":"delete_profile","rows":["email:a@x","email: b@x"],"dry_run":true}"#;
    let jobs = |body: Vec<u8>| {
        let mut request = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs"), &Value::Null);
        request.body = body;
        request
    };
    for (body, text) in [
        (b"PK\x03\x04\x14\0".to_vec(), "ZIP"),
        (gzip(&gzip(body)), "gzip within gzip"),
        (b"\xff\xfe{\0".to_vec(), "UTF-16"),
        (br#"{"action":"delete_profile","rows":[],"rows":[]}"#.to_vec(), "duplicate field `rows`"),
        (br#"{"action":"delete_profile","rows":[["user_id","email"]]}"#.to_vec(), "named by types"),
    ] {
        let reply = app.send(jobs(body)).await;
        let message = reply.body["error"]["message"].as_str().unwrap_or_default();
        assert_eq!((reply.status, message.contains(text)), (400, true), "{text}: {}", reply.body);
    }
    let reply = app.send(jobs([&b"\xef\xbb\xbf"[..], body].concat())).await;
    assert_eq!((reply.status, &reply.body["plan"]["other_form"]), (200, &json!(1)), "{}", reply.body);
    let rows = "user_id,type,id,note\na,email,a@x,gone\nb,email,b@x\nc,email,c@x,,\n";
    let reply = app.send(page(rows.as_bytes())).await;
    app.work().await;
    let status = app.job_status(reply.body["job_id"].as_str().unwrap()).await;
    assert_eq!(summary(&status), "completed: 3 invalid", "this endpoint deletes profiles");
    let rejected = &reply.body["rejected"][0];
    assert_eq!(rejected["code"], "invalid_row");
    assert!(!rejected["message"].as_str().unwrap().contains("object"), "{rejected}");
}

/// Each format that a page may have, and gzip, through the bulk endpoint.
#[tokio::test]
async fn pages_of_every_format() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:a,b\"c@x"]).await;
    let table = r#"{"column_names":["_col0"],"column_types":["varchar"],"data":[["user_id:x"],["email:y"]]}"#;
    let bodies: [(&str, Vec<u8>); 9] = [
        ("application/json", table.into()),
        ("application/json", r#"["user_id:x","email:y"]"#.into()),
        ("application/json", r#"[{"c":"user_id:x"},{"key":"email","value":"y"}]"#.into()),
        ("", r#"{"rows":["user_id:x",{"key":"email","value":"y"}]}"#.into()),
        ("application/x-ndjson", "\"user_id:x\"\n\n{\"key\":\"email\",\"value\":\"y\"}\n".into()),
        ("text/csv", "key,value\r\nuser_id,x\r\nemail,y\r\n".into()),
        ("text/csv; charset=utf-8", "profile\nuser_id:x\n\"email:y\"\n".into()),
        ("text/plain", "user_id:x\nemail:y".into()),
        ("application/gzip", gzip(table.as_bytes())),
    ];
    for (media_type, body) in bodies {
        let mut request = Req::post("/internal/bulk-delete-internal", &Value::Null);
        request.headers.clear();
        request.body = body;
        let request = request.header("Content-Type", media_type).header("x-reactor-instance-name", "demo");
        let reply = app.send(request).await;
        assert_eq!((reply.status, &reply.body["accepted"]), (202, &json!(2)), "{media_type}: {}", reply.body);
    }
    let csv = "key,value\nemail,\"a,b\"\"c@x\"\nbad row\n";
    let mut request = Req::post("/internal/bulk-delete-internal", &Value::Null);
    request.body = csv.into();
    let reply = app.send(request.header("x-reactor-instance-name", "demo")).await;
    assert_eq!((&reply.body["accepted"], &reply.body["rejected"][0]["row"]), (&json!(1), &json!(1)));
    app.work().await;
    assert_eq!(app.send(Req::read(SPACE, "user_id", "u", "metadata")).await.status, 404);
}

#[tokio::test]
async fn pages_that_are_too_large() {
    let app = TestApp::start().await;
    app.leave_messages();
    let post = |body: Vec<u8>| {
        let mut request = Req::post("/internal/bulk-delete-internal", &Value::Null);
        request.body = body;
        request.header("x-reactor-instance-name", "demo")
    };
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![b'\n'; 33 << 20]).unwrap();
    let bomb = bomb.finish().unwrap();
    for (what, body) in
        [("as sent", vec![b' '; (4 << 20) + 1]), ("inflated", bomb), ("rows", b"user_id:x\n".repeat(100_001))]
    {
        let reply = app.send(post(body)).await;
        assert_eq!((reply.status, &reply.body["error"]["code"]), (413, &json!("payload_too_large")), "{what}");
    }
    for path in ["/internal/bulk-delete-internal".to_owned(), format!("/v1/spaces/{SPACE}/deletion_jobs")] {
        let mut damaged = Req::post(path, &Value::Null).header("x-reactor-instance-name", "demo");
        damaged.body = b"\x1f\x8b\x08damaged".to_vec();
        let reply = app.send(damaged.header("Content-Encoding", "gzip")).await;
        assert_eq!((reply.status, &reply.body["error"]["code"]), (400, &json!("bad_request")), "{}", reply.body);
    }
    let reply = app.send(post(b"x".to_vec()).header("Content-Type", "image/png")).await;
    assert_eq!(reply.status, 415);
    let reply = app.send(post(br#"{"a":1,"b":[}"#.to_vec())).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    let most = app.send(post(b"user_id:x\n".repeat(100_000))).await;
    assert_eq!((most.status, &most.body["accepted"]), (202, &json!(100_000)));
}
