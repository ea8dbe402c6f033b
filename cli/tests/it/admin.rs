//! `efface admin`: spaces, tokens, and the check of the identifier key.

use efface_aws::clock::Clock;
use efface_core::{
    id::RequestId,
    job::{JobHead, JobId, JobState, NewJob},
    space::SpaceId,
    time::Time,
};
use serde_json::json;

use crate::site::Site;

#[tokio::test]
async fn a_space_is_made_shown_and_changed() {
    let site = Site::start().await;
    let line = ["admin", "space", "create", "spa_a", "--inactive", "--identifier-type", "email:lowercase"];
    let made = site.run(&line).await.unwrap();
    assert_eq!(made.json["space"]["activated"], false);
    assert!(made.text.contains("email (lowercase)"));
    assert_eq!(site.run(&line).await.unwrap_err().code(), "exists");
    let line = ["admin", "space", "update", "spa_a", "--activate", "--source", "detached"];
    let changed = site.run(&line).await.unwrap();
    assert_eq!(site.run(&["admin", "space", "show", "spa_a"]).await.unwrap(), changed);
    assert_eq!(changed.json["space"]["source"]["state"], "detached");
    assert_eq!(site.run(&["admin", "space", "update", "spa_a"]).await.unwrap_err().exit_code(), 2);
    for action in [&["show", "spa_b"][..], &["update", "spa_b", "--activate"]] {
        let line: Vec<&str> = ["admin", "space"].iter().chain(action).copied().collect();
        let error = site.run(&line).await.unwrap_err();
        assert_eq!((error.code(), error.exit_code()), ("not_found", 1));
    }
}

#[tokio::test]
async fn a_token_is_shown_once_and_revoked() {
    let site = Site::start().await;
    let create = ["admin", "token", "create", "spa_a", "--role", "identity_admin", "--expires-in", "90d"];
    assert_eq!(site.run(&create).await.unwrap_err().code(), "not_found", "the space does not exist");
    site.run(&["admin", "space", "create", "spa_a"]).await.unwrap();
    let made = site.run(&create).await.unwrap();
    let token = made.json["token"].as_str().unwrap();
    assert!(token.starts_with("eff_") && made.text.starts_with(token) && made.text.contains("shown once"));
    let token_id = made.json["token_id"].as_str().unwrap();
    let revoked = site.run(&["admin", "token", "revoke", "spa_a", token_id]).await.unwrap();
    assert!(revoked.text.contains("within 60 seconds"));
    let list = site.run(&["admin", "token", "list", "spa_a"]).await.unwrap();
    assert_eq!(list.json["tokens"][0]["revoked_at"], revoked.json["revoked_at"]);
    let all = format!("{}{}", list.text, list.json);
    assert!(all.contains(token_id) && !all.contains("eff_") && !all.contains("hash"));
    assert_eq!(site.run(&["admin", "token", "revoke", "spa_a", "tok_x"]).await.unwrap_err().code(), "not_found");
}

#[tokio::test]
async fn limits_are_shown_with_what_they_act_as() {
    let site = Site::start().await;
    site.run(&["admin", "space", "create", "spa_a", "--deletions-per-second", "5000"]).await.unwrap();
    let shown = site.run(&["admin", "space", "show", "spa_a"]).await.unwrap();
    let space = &shown.json["space"];
    let limits = ["deletions_per_second", "deletions_per_second_per_profile", "jobs_per_second", "dry_runs_per_second"];
    assert_eq!(limits.map(|name| space[name].clone()), [5_000, 100, 100, 50]);
    assert_eq!(limits.map(|name| space["acting_limits"][name].clone()), [1_000, 100, 100, 50]);
    assert!(shown.text.contains("5000 (acts as 1000)\n"), "{}", shown.text);
    let line = ["admin", "space", "update", "spa_a", "--reads-per-second", "2000", "--jobs-per-second", "2000"];
    let changed = site.run(&line).await.unwrap();
    assert_eq!(changed.json["space"]["acting_limits"]["reads_per_second"], 2_000, "no counter is written for reads");
    assert_eq!(changed.json["space"]["acting_limits"]["jobs_per_second"], 1_000);
}

/// A job of a token, in a state.
async fn job(site: &Site, token_id: &str, number: u8, state: JobState) -> JobId {
    let job = JobId::of_request(RequestId::new(Time::EPOCH, [number; 10]));
    let new = NewJob { open: state == JobState::Open, ..NewJob::delete_profiles() };
    let head = JobHead { state, ..JobHead::new(&new, job, token_id.parse().unwrap(), false, Clock::system().now()) };
    assert!(site.store().create_job(&space(), &head, None).await.unwrap());
    job
}

fn space() -> SpaceId {
    SpaceId::parse("spa_a").unwrap()
}

#[tokio::test]
async fn a_revocation_cancels_the_tokens_jobs_if_it_is_asked_to() {
    let site = Site::start().await;
    site.run(&["admin", "space", "create", "spa_a"]).await.unwrap();
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let made = site.run(&["admin", "token", "create", "spa_a", "--role", "privacy_admin"]).await.unwrap();
        tokens.push(made.json["token_id"].as_str().unwrap().to_owned());
    }
    let open = job(&site, &tokens[0], 1, JobState::Open).await;
    let queued = job(&site, &tokens[0], 2, JobState::Paused).await;
    let done = job(&site, &tokens[0], 3, JobState::Completed).await;
    let others = job(&site, &tokens[1], 4, JobState::Open).await;
    let revoke = ["admin", "token", "revoke", "spa_a", &tokens[0]];
    let only = site.run(&revoke).await.unwrap();
    assert_eq!(only.json["jobs_cancelled"], json!(null));
    let cancel: Vec<&str> = revoke.iter().chain(&["--cancel-jobs"]).copied().collect();
    let cancelled = site.run(&cancel).await.unwrap();
    assert_eq!(
        (&cancelled.json["jobs_cancelled"], &cancelled.json["revoked_at"]),
        (&json!(2), &only.json["revoked_at"])
    );
    assert!(cancelled.text.contains("2 of its jobs cancelled; until "), "{}", cancelled.text);
    assert_eq!(site.run(&cancel).await.unwrap().json["jobs_cancelled"], 0, "it can be repeated");
    for (job, expected) in [
        (open, JobState::Cancelled),
        (queued, JobState::Cancelled),
        (done, JobState::Completed),
        (others, JobState::Open),
    ] {
        assert_eq!(site.store().job(&space(), job).await.unwrap().unwrap().head.state, expected);
    }
}

#[tokio::test]
async fn spaces_are_listed_page_by_page_and_found_in_an_old_table() {
    let site = Site::start().await;
    for space in ["spa_c", "spa_a", "spa_b"] {
        site.run(&["admin", "space", "create", space]).await.unwrap();
    }
    site.run(&["admin", "space", "update", "spa_b", "--deactivate", "--no-wait"]).await.unwrap();
    let first = site.run(&["admin", "space", "list", "--limit", "2"]).await.unwrap();
    let ids = |output: &efface_cli::Output| -> Vec<(String, bool)> {
        let space = |space: &serde_json::Value| (space["id"].as_str().unwrap().to_owned(), space["activated"] == true);
        output.json["spaces"].as_array().unwrap().iter().map(space).collect()
    };
    assert_eq!(ids(&first), [("spa_a".to_owned(), true), ("spa_b".to_owned(), false)]);
    assert!(first.text.contains("efface admin space list --after spa_b"), "{}", first.text);
    let next = site.run(&["admin", "space", "list", "--after", "spa_b"]).await.unwrap();
    assert_eq!(ids(&next), [("spa_c".to_owned(), true)]);
    assert!(next.json["next"].is_null() && next.json["searched"] == false && next.text.contains("`--find` finds them"));
    // A table that an earlier version wrote has no list.
    site.remove("Z#spaces").await;
    assert!(ids(&site.run(&["admin", "space", "list"]).await.unwrap()).is_empty());
    let found = site.run(&["admin", "space", "list", "--find"]).await.unwrap();
    assert_eq!(ids(&found).len(), 3);
    assert!(found.json["searched"] == true && !found.text.contains("--find"), "{}", found.text);
    let again = site.run(&["admin", "space", "list", "--find"]).await.unwrap();
    assert_eq!(ids(&again), ids(&found), "it can be repeated");
    let stops = site.store().stops(&SpaceId::parse("spa_b").unwrap()).await.unwrap();
    assert!(stops.is_deactivated, "its jobs are not run either");
}

/// What `efface admin stop` says of the jobs: id, state, paused by this command.
fn jobs(output: &efface_cli::Output) -> Vec<(String, String, bool)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let job = |job: &serde_json::Value| (text(&job["id"]), text(&job["state"]), job["paused_now"] == true);
    output.json["jobs"].as_array().unwrap().iter().map(job).collect()
}

#[tokio::test]
async fn the_emergency_stop_needs_no_key_and_can_be_repeated() {
    let site = Site::start().await;
    for space in ["spa_a", "spa_b"] {
        site.run(&["admin", "space", "create", space]).await.unwrap();
    }
    let running = job(&site, "tok_0123456789abcdef", 1, JobState::Running).await.to_string();
    let open = job(&site, "tok_0123456789abcdef", 2, JobState::Open).await.to_string();
    site.forget_key();
    for line in [&["admin", "stop"][..], &["admin", "stop", "--all", "--space", "spa_a"], &["admin", "start"]] {
        assert!(Site::parse(line).is_err(), "{line:?}");
    }
    let unknown = site.run(&["admin", "stop", "--space", "spa_x"]).await.unwrap_err();
    assert_eq!((unknown.code(), unknown.exit_code()), ("not_found", 1));
    let other = site.run(&["admin", "stop", "--space", "spa_b", "--no-wait"]).await.unwrap();
    assert!(jobs(&other).is_empty());
    let stopped = site.run(&["admin", "stop", "--all", "--no-wait"]).await.unwrap();
    let mut expected = vec![(running.clone(), "paused".to_owned(), true), (open.clone(), "open".to_owned(), false)];
    expected.sort();
    let sorted = |output: &efface_cli::Output| {
        let mut jobs = jobs(output);
        jobs.sort();
        jobs
    };
    assert_eq!((sorted(&stopped), stopped.exit, &stopped.json["new"]), (expected, 0, &json!(true)));
    assert!(stopped.text.contains("the whole stack is stopped") && stopped.text.contains("1 jobs were paused"));
    assert!(stopped.text.contains("Single deletions may go on until"), "{}", stopped.text);
    let again = site.run(&["admin", "stop", "--all", "--no-wait"]).await.unwrap();
    assert_eq!((&again.json["new"], &again.json["stop"]), (&json!(false), &stopped.json["stop"]));
    assert!(jobs(&again).iter().all(|(_, _, paused_now)| !paused_now));
    let list = site.run(&["admin", "space", "list"]).await.unwrap();
    assert!(list.text.contains("The whole stack is stopped since") && list.text.contains("on, stopped since"));
    // Without a terminal it must be confirmed with an option.
    assert_eq!(site.run(&["admin", "start", "--all"]).await.unwrap_err().exit_code(), 2);
    let started = site.run(&["admin", "start", "--all", "--yes"]).await.unwrap();
    assert!(started.text.contains("1 jobs that the stop paused go on within 2 minutes"), "{}", started.text);
    assert!(started.text.contains(&running) && !started.text.contains(&open));
    let again = site.run(&["admin", "start", "--all"]).await.unwrap();
    assert!(again.text.contains("was not stopped"), "{}", again.text);
    let space = site.run(&["admin", "start", "--space", "spa_b", "--yes", "--leave-paused"]).await.unwrap();
    assert_eq!(space.json["stop"]["holds"], false);
}

#[tokio::test]
async fn a_job_that_cannot_be_read_is_in_the_way_of_neither_stop_nor_start() {
    let site = Site::start().await;
    site.run(&["admin", "space", "create", "spa_a"]).await.unwrap();
    let running = job(&site, "tok_0123456789abcdef", 1, JobState::Running).await;
    let damaged = job(&site, "tok_0123456789abcdef", 2, JobState::Running).await;
    site.damage(&format!("J#spa_a#{damaged}")).await;
    let paused = [(running.to_string(), "paused".to_owned(), true)];
    let stopped = site.run(&["admin", "stop", "--all", "--no-wait"]).await.unwrap();
    assert_eq!(
        (jobs(&stopped).as_slice(), &stopped.json["unreadable_jobs"], stopped.exit),
        (&paused[..], &json!(1), 1)
    );
    assert!(stopped.text.contains("1 jobs cannot be read"), "{}", stopped.text);
    let started = site.run(&["admin", "start", "--all", "--yes"]).await.unwrap();
    assert_eq!(
        (&started.json["stop"]["holds"], &started.json["unreadable_jobs"], started.exit),
        (&json!(false), &json!(1), 0)
    );
    assert!(started.text.contains("go on within 2 minutes") && started.text.contains("1 jobs cannot be read"));
    let off = site.run(&["admin", "space", "update", "spa_a", "--deactivate", "--no-wait"]).await.unwrap();
    assert_eq!((&off.json["unreadable_jobs"], off.exit), (&json!(1), 1));
}

#[tokio::test]
async fn ctrl_c_ends_the_waiting_and_not_the_stop() {
    let site = Site::start().await;
    site.run(&["admin", "space", "create", "spa_a"]).await.unwrap();
    job(&site, "tok_0123456789abcdef", 1, JobState::Running).await;
    let (sender, receiver) = tokio::sync::watch::channel(0);
    let interrupts = efface_cli::Interrupts::from_channel(receiver);
    let line = ["admin", "stop", "--all"];
    let stops = async {
        while site.store().stop(None).await.unwrap().is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        sender.send(1).unwrap();
    };
    let (output, ()) = tokio::join!(site.run_until(&line, &interrupts), stops);
    let output = output.unwrap();
    assert_eq!((output.exit, &output.json["in_flight"]["nothing_in_flight"]), (130, &json!(false)));
    assert!(site.store().stop(None).await.unwrap().unwrap().holds());
}

#[tokio::test]
async fn deactivating_a_space_pauses_its_jobs() {
    let site = Site::start().await;
    site.run(&["admin", "space", "create", "spa_a"]).await.unwrap();
    let running = job(&site, "tok_0123456789abcdef", 1, JobState::Queued).await;
    let output = site.run(&["admin", "space", "update", "spa_a", "--deactivate", "--no-wait"]).await.unwrap();
    assert_eq!(jobs(&output), [(running.to_string(), "paused".to_owned(), true)]);
    assert!(output.text.contains("1 jobs were paused") && output.text.contains("`efface jobs resume` resumes a job"));
    assert_eq!(output.json["space"]["activated"], false);
    let head = site.store().job(&space(), running).await.unwrap().unwrap().head;
    assert_eq!((head.state, head.stopped_by), (JobState::Paused, None), "people resume it");
}

#[tokio::test]
async fn a_wrong_key_is_rejected_before_anything_is_done() {
    let site = Site::start().await;
    site.run(&["admin", "space", "create", "spa_a"]).await.unwrap();
    let other = site.file("key", "IAIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n");
    let line = ["admin", "space", "show", "spa_a", "--identifier-key-file", &other];
    let error = site.run(&line).await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("not the key that this table was written with"));
}

#[tokio::test]
async fn a_load_with_another_log_key_is_refused() {
    let site = Site::start().await;
    site.run(&["admin", "space", "create", "spa_a"]).await.unwrap();
    let line = |email: &str| {
        format!("{{\"space_id\":\"spa_a\",\"external_ids\":[{{\"type\":\"email\",\"id\":\"{email}\"}}]}}\n")
    };
    let (first, second) = (site.file("first.jsonl", &line("a@x")), site.file("second.jsonl", &line("b@x")));
    site.run(&["load", &first]).await.unwrap();
    let other = site.file("log.key", "IAIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n");
    let error = site.run(&["load", &second, "--log-key-file", &other]).await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let text = error.to_string();
    assert!(text.contains("EFFACE_LOG_KEY is not the log key") && text.contains("\"The log key\""), "{text}");
    assert!(!text.contains("IAID"), "{text}");
    let same = site.file("same.key", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n");
    let error = site.run(&["load", &second, "--log-key-file", &same]).await.unwrap_err();
    let text = error.to_string();
    assert_eq!(error.exit_code(), 2);
    assert!(
        text.contains("EFFACE_IDENTIFIER_KEY and EFFACE_LOG_KEY are the same key") && !text.contains("AQID"),
        "{text}"
    );
    let broken = site.file("broken.key", "s3cret\n");
    let error = site.run(&["load", &second, "--log-key-file", &broken]).await.unwrap_err();
    assert!(error.to_string().contains("the log key must be 32 random bytes"), "{error}");
    assert!(!error.to_string().contains("s3cret"), "{error}");
    site.run(&["load", &second]).await.unwrap();
    // No other command takes it.
    assert!(Site::parse(&["load", "a.jsonl", "--log-key-file", "k"]).is_ok());
    for line in [&["admin", "space", "list", "--log-key-file", "k"][..], &["jobs", "list", "--log-key-file", "k"]] {
        let rejected = efface_cli::parse(["efface"].iter().chain(line)).map(drop).unwrap_err().to_string();
        assert!(rejected.contains("does not use --log-key-file"), "{rejected}");
    }
}
