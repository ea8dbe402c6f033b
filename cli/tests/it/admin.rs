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
async fn a_wrong_key_is_rejected_before_anything_is_done() {
    let site = Site::start().await;
    site.run(&["admin", "space", "create", "spa_a"]).await.unwrap();
    let other = site.file("key", "IAIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n");
    let line = ["admin", "space", "show", "spa_a", "--identifier-key-file", &other];
    let error = site.run(&line).await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("not the key that this table was written with"));
}
