//! `efface admin log rebuild`: what the command says. What it does is tested in `tests/it`.

use std::fs;

use base64::{Engine, engine::general_purpose::STANDARD};
use efface_aws::Journal;
use efface_core::{
    journal::{Details, Entry, Event, EventId, EventKind, Facts, Noun, Ordinal, Pack},
    log::LogKey,
    space::SpaceId,
    time::Time,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{fake_log, site::Site};

const LINE: [&str; 3] = ["admin", "log", "rebuild"];

const SETTINGS: [&str; 4] = ["EFFACE_JOURNAL", "EFFACE_LOG_BUCKET", "EFFACE_LOG_PARTIAL_BUCKET", "EFFACE_LOG_ORIGIN"];

/// A table with a space, which has this log key, an empty journal, and buckets at this address.
async fn site_at(buckets: &str) -> Site {
    let site = Site::start().await;
    site.run(&["admin", "space", "create", "spa_a"]).await.unwrap();
    site.store().set_or_verify_log_key(&log_key(8)).await.unwrap();
    site.create_table("journal").await;
    let settings = fs::read_to_string(site.env_file()).unwrap();
    let log = format!(
        "AWS_ENDPOINT_URL_S3={buckets}\nEFFACE_JOURNAL=journal\nEFFACE_LOG_BUCKET=log\n\
         EFFACE_LOG_PARTIAL_BUCKET=partial\nEFFACE_LOG_ORIGIN=logs.example.com/x\n"
    );
    site.file("env", &format!("{settings}{log}"));
    site
}

/// The same with buckets that nobody reaches.
async fn site() -> Site {
    site_at("http://127.0.0.1:9").await
}

/// Buckets without files, which are unavailable for each space whose id has this in it.
async fn empty_buckets(unavailable: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 16_384];
            let read = stream.read(&mut request).await.unwrap_or_default();
            let is_unavailable = String::from_utf8_lossy(&request[..read]).contains(unavailable);
            let (status, code) = if is_unavailable { (503, "SlowDown") } else { (404, "NoSuchKey") };
            let body = format!("<Error><Code>{code}</Code></Error>");
            let reply =
                format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            _ = stream.write_all(reply.as_bytes()).await;
        }
    });
    url
}

fn log_key(seed: u8) -> LogKey {
    LogKey::from_base64(&STANDARD.encode([seed; 32])).unwrap()
}

/// Changes a setting, or leaves it out.
fn set(site: &Site, name: &str, value: Option<&str>) {
    let settings = fs::read_to_string(site.env_file()).unwrap();
    let rest = settings.lines().filter(|line| !line.starts_with(&format!("{name}="))).map(ToOwned::to_owned);
    let lines: Vec<String> = rest.chain(value.map(|value| format!("{name}={value}"))).collect();
    site.file("env", &lines.join("\n"));
}

/// The scope, with the key that a run needs.
fn line<'a>(rest: &[&'a str], key: &'a str) -> Vec<&'a str> {
    [&LINE[..], rest, &["--key", key]].concat()
}

#[test]
fn it_is_said_which_journals_and_who_signs() {
    for (rest, is_taken) in [
        (&["--key", "k"][..], false),
        (&["--all"], false),
        (&["--all", "--dry-run"], true),
        (&["--all", "--key", "k"], true),
        (&["--all", "--key", "k", "--key", "l", "--without-log-key", "--allow-unreadable"], true),
        (&["--space", "spa_a", "--key", "k"], true),
        (&["--all", "--space", "spa_a", "--key", "k"], false),
        (&["--space", "a b", "--key", "k"], false),
    ] {
        assert_eq!(Site::parse(&[&LINE[..], rest].concat()).is_ok(), is_taken, "{rest:?}");
    }
}

#[tokio::test]
async fn each_setting_is_named_where_it_is_missing() {
    let (site, key) = (site().await, fake_log::key());
    let settings = fs::read_to_string(site.env_file()).unwrap();
    for name in SETTINGS.into_iter().chain(["EFFACE_LOG_KEY"]) {
        site.file("env", &settings);
        set(&site, name, None);
        let error = site.run(&line(&["--all"], &key)).await.unwrap_err();
        assert_eq!(error.exit_code(), 2, "{name}");
        assert!(error.to_string().contains(name), "{error}");
    }
    assert!(site.run(&line(&["--all"], &key)).await.unwrap_err().to_string().contains("--without-log-key"));
}

/// With the wrong key earlier lives would not be found, and be told twice.
#[tokio::test]
async fn the_log_key_must_be_that_of_the_table() {
    let (site, key) = (site_at(&empty_buckets("spa_none").await).await, fake_log::key());
    let all = line(&["--all"], &key);
    assert_eq!(site.run(&all).await.unwrap().exit, 0);
    let without = [&all[..], &["--without-log-key"]].concat();
    set(&site, "EFFACE_LOG_KEY", Some(&STANDARD.encode([9; 32])));
    for dry_run in [&[][..], &["--dry-run"]] {
        let error = site.run(&[&all[..], dry_run].concat()).await.unwrap_err();
        assert_eq!((error.exit_code(), error.code()), (2, "usage"), "{error}");
        assert!(error.to_string().contains("not the log key that this table was written with"), "{error}");
    }
    assert_eq!(site.run(&without).await.unwrap().exit, 0);
    site.remove("C#log-key").await;
    let error = site.run(&all).await.unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    assert!(error.to_string().ends_with("Give --without-log-key"), "{error}");
    set(&site, "EFFACE_LOG_KEY", None);
    assert_eq!(site.run(&without).await.unwrap().exit, 0);
    assert_eq!(site.run(&[&LINE[..], &["--all", "--dry-run"]].concat()).await.unwrap().exit, 0);
    assert!(!site.items().await.iter().any(|item| item.contains("C#log-key")), "it writes nothing to the table");
}

#[tokio::test]
async fn buckets_that_nobody_reaches_can_be_tried_again() {
    let (site, key) = (site().await, fake_log::key());
    for scope in [&["--all"][..], &["--space", "spa_a", "--dry-run"]] {
        let error = site.run(&line(scope, &key)).await.unwrap_err();
        assert_eq!((error.exit_code(), error.code()), (3, "unavailable"), "{error}");
    }
    for wrong in [&["--all", "--origin", "a b"][..], &["--all", "--key", "no/such/file"]] {
        assert_eq!(site.run(&line(wrong, &key)).await.unwrap_err().exit_code(), 2);
    }
}

/// What was done before is told.
#[tokio::test]
async fn a_bucket_that_becomes_unavailable_takes_no_report_away() {
    let (site, key) = (site_at(&empty_buckets("spa_b").await).await, fake_log::key());
    site.run(&["admin", "space", "create", "spa_b"]).await.unwrap();
    let done = site.run(&line(&["--all"], &key)).await.unwrap();
    assert_eq!((done.exit, &done.json["finished"], &done.json["spaces_total"]), (3, &json!(false), &json!(1)));
    assert_eq!(done.json["error"]["code"], "unavailable");
    assert!(done.text.starts_with("broken off: run the same command again, and it goes on. "), "{}", done.text);
}

/// As where the buckets are those of another stack.
#[tokio::test]
async fn a_journal_without_a_log_is_told() {
    let (site, key) = (site_at(&empty_buckets("spa_none").await).await, fake_log::key());
    let empty = site.run(&line(&["--all"], &key)).await.unwrap();
    assert_eq!((empty.exit, &empty.json["spaces_without_log"]), (0, &json!(0)));
    let journal = Journal::new(site.client(), "journal");
    let (space, id) = (SpaceId::parse("spa_a").unwrap(), "tok_0000000000000001".parse().unwrap());
    let facts = Facts { token_id: Some("tok_0000000000000001".parse().unwrap()), ..Facts::default() };
    let (ordinal, time) = (Ordinal::try_from(1_u64).unwrap(), Time::parse("2026-01-01T00:00:00Z").unwrap());
    let id = EventId { noun: Noun::Token(id), ordinal, time, kind: EventKind::TokenCreated };
    let entry = Entry::captured(&space, &Event { id, facts, details: Details::default() }).unwrap();
    let (head, pack) = (journal.head(&space).await.unwrap(), Pack::new(0, vec![entry]).unwrap());
    journal.put_pack(&pack).await.unwrap();
    assert!(journal.commit(&space, &head, &head.commit(&pack).unwrap()).await.unwrap());
    for dry_run in [&[][..], &["--dry-run"]] {
        let done = site.run(&[&line(&["--all"], &key)[..], dry_run].concat()).await.unwrap();
        assert_eq!((done.exit, &done.json["spaces_without_log"]), (1, &json!(1)));
        assert_eq!(
            (&done.json["spaces"][0]["whole"], &done.json["spaces"][0]["without_log"]),
            (&json!(false), &json!(true))
        );
        assert!(done.text.contains("spa_a: the journal has 1 entries, and there is no log"), "{}", done.text);
    }
}

/// A stack without spaces: nothing is asked of the buckets.
#[tokio::test]
async fn it_says_what_it_looked_at() {
    let site = site().await;
    site.remove("Z#spaces").await;
    let done = site.run(&[&LINE[..], &["--all", "--dry-run"]].concat()).await.unwrap();
    assert_eq!((done.exit, &done.json["spaces"], &done.json["spaces_total"]), (0, &json!([]), &json!(0)));
    assert!(done.text.starts_with("dry run, nothing was written."), "{}", done.text);
}
