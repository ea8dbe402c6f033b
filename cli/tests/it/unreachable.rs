//! Addresses at which nothing responds: the message names the address, at once. And what messages suggest can be pasted.

use std::time::{Duration, Instant};

use crate::{
    efface,
    fake_api::{FakeApi, Fault},
    site::Site,
};

/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:9";

#[tokio::test]
async fn a_wrong_address_of_the_api_is_told_at_once() {
    let api = FakeApi::start().await;
    let started = Instant::now();
    let error = api.run(&["jobs", "status", "job_1", "--api-url", NOWHERE]).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert_eq!((error.exit_code(), error.code()), (3, "unavailable"));
    let text = error.to_string();
    assert!(text.contains("no connection to http://127.0.0.1:9: ") && text.contains("refused"), "{text}");
}

/// An address that has responded is not wrong: it is asked again as often as any.
#[tokio::test]
async fn a_lost_response_names_the_address_and_is_repeated() {
    let api = FakeApi::start().await;
    for _ in 0..4 {
        api.fail("DELETE", Fault::Lost);
    }
    let output = api.run(&["profile", "delete", "email:a", "--yes"]).await.unwrap();
    assert_eq!(output.exit, 0);
    assert_eq!(api.lines().len(), 5);
}

#[tokio::test]
async fn a_wrong_address_of_the_table_is_told_at_once() {
    let site = Site::start().await;
    let started = Instant::now();
    let line = ["admin", "space", "show", "spa_a", "--endpoint-url", NOWHERE];
    let error = site.run(&line).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert_eq!((error.exit_code(), error.code()), (3, "unavailable"));
    assert!(error.to_string().starts_with("http://127.0.0.1:9: the store is unavailable"), "{error}");
}

/// The settings that were given are repeated, so that a pasted command is about the same job.
#[tokio::test]
async fn a_suggested_command_has_the_settings_that_were_given() {
    let api = FakeApi::start().await;
    let [(_, url), (_, token), _] = api.settings();
    let token_file = api.file("a token", token);
    let env_file = api.file("env", format!("EFFACE_API_URL={url}\n"));
    let file = api.file("people.csv", "email:a\n");
    let given = ["--space", "spa_demo", "--token-file", &token_file, "--env-file", &env_file];
    let line = [&["bulk", &file, "--dry-run"][..], &given].concat();
    let output = api.run(&line).await.unwrap();
    let command =
        format!("efface jobs execute job_1 --space spa_demo --token-file '{token_file}' --env-file {env_file}");
    assert!(output.text.ends_with(&command), "{}", output.text);
}

/// The same in an error, which is printed after the command has ended.
#[tokio::test]
async fn a_suggestion_of_an_error_has_the_settings_too() {
    let site = Site::start().await;
    let env_file = site.path("env").to_str().unwrap().to_owned();
    let settings = FakeApi::start().await.settings();
    let line: Vec<&str> = vec!["admin", "token", "list", "spa_none", "--env-file", &env_file];
    let output = efface(&line, settings, "").await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("`efface admin space create spa_none --env-file {env_file}`")), "{text}");
}
