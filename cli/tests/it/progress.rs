//! What the program tells while it works, without a terminal, and how it ends when it is told to stop. It runs as a process
//! of its own, because signals are for a process.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{fake_api::FakeApi, site::Site};

/// A running program, and what it has written to stderr.
struct Running {
    child: Child,
    stderr: Arc<Mutex<String>>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stderr, lines) = (Arc::new(Mutex::new(String::new())), child.stderr.take().unwrap());
        let written = Arc::clone(&stderr);
        thread::spawn(move || {
            for line in BufReader::new(lines).lines().map_while(Result::ok) {
                written.lock().unwrap().extend([&line, "\n"]);
            }
        });
        Self { child, stderr }
    }

    /// Waits until stderr has a text.
    async fn told(&self, text: &str) {
        let start = Instant::now();
        while !self.stderr.lock().unwrap().contains(text) {
            assert!(start.elapsed() < Duration::from_mins(1), "{text} is not in {}", self.stderr.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends SIGTERM, and returns the exit code and stdout.
    async fn terminate(mut self) -> (Option<i32>, String) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let mut stdout = self.child.stdout.take().unwrap();
        tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).unwrap();
            (self.child.wait().unwrap().code(), text)
        })
        .await
        .unwrap()
    }
}

fn efface(api: &FakeApi, line: &[&str]) -> Running {
    Running::start(Command::new(env!("CARGO_BIN_EXE_efface")).args(line).envs(api.settings()))
}

/// Takes 30 s, as the first line does.
#[tokio::test]
async fn without_a_terminal_a_line_is_told_every_thirty_seconds_and_sigterm_stops_waiting() {
    let api = FakeApi::start().await;
    api.state().endless = true;
    let file = api.file("people.csv", "email:a\nemail:b\n");
    let running = efface(&api, &["bulk", &file, "--yes"]);
    let start = Instant::now();
    running.told("the job job_1 takes the rows of the file").await;
    assert!(start.elapsed() < Duration::from_secs(20), "its id is told at once");
    running.told("job_1: 0 of 2 rows, running: 0 deleted, no progress for ").await;
    let (code, text) = running.terminate().await;
    assert_eq!(code, Some(143), "{text}");
    for verb in ["status job_1 --space spa_demo --watch", "pause job_1", "cancel job_1"] {
        assert!(text.contains(&format!("efface jobs {verb}")), "{text}");
    }
    assert_eq!(api.state().jobs["job_1"]["state"], "running");
}

#[tokio::test]
async fn who_has_paused_a_job_is_told_to_who_waits_for_it() {
    for (event, by) in [
        (json!({"token_id": "tok_7", "cause": null}), "by the token tok_7"),
        (json!({"token_id": null, "cause": "max_deletions"}), "by its limit max_deletions"),
        (json!({"token_id": null, "cause": "operator"}), "by an operator"),
        (json!({"token_id": null, "cause": "full_moon"}), "by Efface, because of full_moon"),
    ] {
        let api = FakeApi::start().await;
        // It has deleted as many as `max_deletions`, but that is not always why it is paused.
        let job = json!({"id": "job_1", "action": "delete_profile", "state": "paused", "rows": 9, "remaining": 5,
            "counts": {"deleted": 4}, "max_deletions": 4, "group": null, "created_at": null});
        api.state().jobs.insert("job_1".to_owned(), job);
        let mut paused = json!({"at": "T1", "kind": "paused", "text": "The job was paused."});
        paused.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
        let progress = json!({"at": "T2", "kind": "progress", "token_id": null, "text": "4 of 9 rows."});
        let events = json!({"data": [paused, progress], "cursor": {"has_more": false, "next": ""}});
        api.state().lists.insert("GET deletion_jobs/job_1/events?limit=100".to_owned(), events);
        let status = api.run(&["jobs", "status", "job_1"]).await.unwrap();
        assert!(status.text.contains(&format!("paused  T1 {by}")), "{}", status.text);
        assert_eq!(status.text.contains("it reached --max-deletions"), by.contains("limit"), "{}", status.text);
        assert_eq!(status.json["halt"]["cause"], event["cause"]);
        let running = efface(&api, &["jobs", "status", "job_1", "--watch"]);
        running.told(&format!("the job job_1 was paused {by}. It waits for a person, who lets it go on with: efface jobs resume job_1 --space spa_demo")).await;
        let (code, text) = running.terminate().await;
        assert_eq!(code, Some(143), "{text}");
        assert!(text.contains(by), "{text}");
    }
}

#[tokio::test]
async fn sigterm_ends_a_load_as_ctrl_c_does() {
    let site = Site::start().await;
    // Standard input stays open, so that the load waits for more lines.
    let mut command = Command::new(env!("CARGO_BIN_EXE_efface"));
    let running = Running::start(command.args(["load", "-", "--env-file"]).arg(site.env_file()));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (code, text) = running.terminate().await;
    assert_eq!(code, Some(143), "{text}");
    assert!(text.contains("--from-line 1"), "{text}");
}

#[tokio::test]
async fn sigterm_ends_a_command_that_has_nothing_to_finish() {
    let api = FakeApi::start().await;
    // Standard input stays open, so that the command waits for the identifier.
    let running = efface(&api, &["delete", "-", "--yes"]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(running.terminate().await.0, Some(143));
}
