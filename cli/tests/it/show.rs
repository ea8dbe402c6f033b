//! What would otherwise need curl: the token, a profile, the record of a deletion, one's own jobs. Values are any text.

use serde_json::{Value, json};

use crate::{efface, fake_api::FakeApi};

fn list(data: &Value, next: &str) -> Value {
    json!({"data": data, "cursor": {"has_more": !next.is_empty(), "next": next}})
}

#[tokio::test]
async fn whoami_shows_the_token_and_the_space() {
    let api = FakeApi::start().await;
    let answer = json!({"token": {"id": "tok_1", "label": "nightly", "role": "identity_admin",
        "permissions": ["delete_identifiers"], "created_at": "T0", "expires_at": "T1"},
        "space": {"id": "spa_demo", "activated": true, "identifier_types": [], "limits": {}}});
    api.state().lists.insert("GET token".to_owned(), answer.clone());
    let output = api.run(&["whoami"]).await.unwrap();
    assert_eq!((output.exit, &output.json), (0, &answer));
    let address = api.settings()[0].1.clone();
    for text in ["spa_demo, deletions switched on", &address, "tok_1", "nightly", "delete identifiers", "T1"] {
        assert!(output.text.contains(text), "{text}: {}", output.text);
    }
    assert_eq!(api.lines(), ["GET token"]);
}

/// A value that a server could take for a part of the URL, as an argument and from standard input.
const VALUE: &str = "a b#c?d/e%f&g=é";
const ENCODED: &str = "a%20b%23c%3Fd%2Fe%25f%26g%3D%C3%A9";

#[tokio::test]
async fn a_profile_is_shown_whole() {
    let api = FakeApi::start().await;
    let path = format!("GET collections/users/profiles/email:{ENCODED}");
    let traits =
        |traits: Value, next: &str| json!({"traits": traits, "cursor": {"has_more": !next.is_empty(), "next": next}});
    for (rest, answer) in [
        ("metadata", json!({"metadata": {"segment_id": "use_1", "created_at": "T1", "expires_at": null}})),
        ("external_ids?limit=100", list(&json!([{"type": "email", "id": VALUE, "created_at": "T2"}]), "n/1")),
        ("external_ids?limit=100&next=n%2F1", list(&json!([{"type": "user_id", "id": "u", "created_at": "T3"}]), "")),
        ("traits?limit=100", traits(json!({"plan": "pro"}), "n2")),
        ("traits?limit=100&next=n2", traits(json!({"visits": 7}), "")),
    ] {
        api.state().lists.insert(format!("{path}/{rest}"), answer);
    }
    let output = api.run(&["profile", "show", &format!("email:{VALUE}")]).await.unwrap();
    assert_eq!(output.json["metadata"]["segment_id"], "use_1");
    assert_eq!(output.json["external_ids"].as_array().unwrap().len(), 2);
    assert_eq!(output.json["traits"], json!({"plan": "pro", "visits": 7}));
    for text in [VALUE, "user_id", "T3", "plan    pro\n", "visits  7"] {
        assert!(output.text.contains(text), "{text}: {}", output.text);
    }
    let run = efface(&["profile", "show", "-"], api.settings(), "email:a b#c?d/e%f&g=é\n").await;
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let error = api.run(&["profile", "show", "email:nobody"]).await.unwrap_err();
    assert_eq!((error.code(), error.exit_code()), ("not_found", 1));
}

#[tokio::test]
async fn the_record_of_a_deletion_is_shown() {
    let api = FakeApi::start().await;
    let record = json!({"deletion": {"type": "email", "status": "deleted", "deleted_at": "T1", "request_id": "r",
        "token_id": "tok_1", "reason": "job", "job_id": "job_1"}});
    api.state().lists.insert(format!("GET deletions/email:{ENCODED}"), record.clone());
    let output = api.run(&["deletion", "show", &format!("email:{VALUE}")]).await.unwrap();
    assert_eq!(output.json, record);
    assert!(output.text.contains("deleted_at  T1\nreason      job\n"), "{}", output.text);
    let run = efface(&["deletion", "show", "-"], api.settings(), "email:a b#c?d/e%f&g=é\n").await;
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let error = api.run(&["deletion", "show", "no colon"]).await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
}

fn job(id: &str, state: &str, group: &str) -> Value {
    json!({"id": id, "action": "delete_identifier", "state": state, "rows": 2, "remaining": 0,
        "counts": {"deleted": 2}, "group": group, "created_at": "T"})
}

#[tokio::test]
async fn own_jobs_are_listed_and_chosen_here() {
    let api = FakeApi::start().await;
    let mut dry = job("job_3", "completed", "g");
    dry["dry_run"] = true.into();
    let first = list(&json!([job("job_1", "completed", "g"), dry]), "n1");
    let second = list(&json!([job("job_2", "running", "h")]), "");
    let path = "GET deletion_jobs?limit";
    for (query, page) in [
        ("=25&created_by=me", &first),
        ("=23&created_by=me&next=n1", &second),
        ("=100&created_by=me", &first),
        ("=100&created_by=me&next=n1", &second),
    ] {
        api.state().lists.insert(format!("{path}{query}"), page.clone());
    }
    let ids = |json: &Value| {
        let jobs = json["data"].as_array().unwrap().iter();
        jobs.map(|job| job["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let output = api.run(&["jobs", "list", "--mine"]).await.unwrap();
    assert_eq!(ids(&output.json), ["job_1", "job_3", "job_2"]);
    assert_eq!((&output.json["counts"]["deleted"], &output.json["has_more"]), (&json!(4), &json!(false)));
    assert!(output.text.contains("Rows of these jobs, without dry runs:\n"), "{}", output.text);
    for (options, expected, has_more) in [
        (&["--state", "running"][..], &["job_2"][..], false),
        (&["--group", "g"], &["job_1", "job_3"], false),
        (&["--group", "g", "--limit", "1"], &["job_1"], true),
        (&["--group", "none"], &[], false),
    ] {
        let output = api.run(&[&["jobs", "list", "--mine"], options].concat()).await.unwrap();
        assert_eq!(
            (ids(&output.json), &output.json["has_more"]),
            (expected.iter().map(|id| (*id).to_owned()).collect(), &json!(has_more))
        );
    }
}
