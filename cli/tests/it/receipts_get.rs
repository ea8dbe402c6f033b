//! `efface receipt get`: one receipt, or all of a job.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use crate::{
    efface,
    fake_api::{FakeApi, Fault},
    fake_log::{FakeLog, Raw, removed},
};

const PATH: &str = "receipts/email:ada%40example.com";

/// The receipts for so many deletions.
fn receipts(count: u8) -> Vec<String> {
    let log = FakeLog::of((0..count).map(|number| removed(number, "ada@example.com").0).collect());
    (0..count).map(|number| log.receipt(number.into(), Some(removed(number, "a").1)).to_string()).collect()
}

#[tokio::test]
async fn a_receipt_is_printed_byte_for_byte() {
    let (api, receipt) = (FakeApi::start().await, receipts(3).remove(1));
    api.state().set(PATH, [Raw::ok(receipt.clone())]);
    let output = api.run(&["receipt", "get", "email:ada@example.com"]).await.unwrap();
    assert_eq!(format!("{}\n", output.text), receipt);
    assert_eq!((&output.json["receipt"], &output.json["index"]), (&json!(receipt), &json!(1)));
    api.state().set(&format!("{PATH}?index=7"), [Raw::ok(receipt.clone())]);
    let run = efface(&["receipt", "get", "-", "--index", "7"], api.settings(), "email:ada@example.com\n").await;
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    api.state().set("deletion_jobs/job_1/receipt", [Raw::ok(receipt)]);
    assert_eq!(api.run(&["receipt", "get", "--job", "job_1"]).await.unwrap().exit, 0);
    api.state().set(PATH, [Raw::ok("<html>")]);
    let error = api.run(&["receipt", "get", "email:ada@example.com"]).await.unwrap_err();
    assert!(error.to_string().contains("it is not a receipt"), "{error}");
}

#[tokio::test]
async fn a_file_is_private_and_is_not_replaced_unasked() {
    let (api, receipt) = (FakeApi::start().await, receipts(1).remove(0));
    api.state().set(PATH, [Raw::ok(receipt.clone())]);
    let file = api.path("receipt.txt");
    let line = ["receipt", "get", "email:ada@example.com", "--file", &file];
    let output = api.run(&line).await.unwrap();
    assert_eq!((output.exit, &output.json["file"]), (0, &json!(file)));
    assert_eq!(fs::read_to_string(&file).unwrap(), receipt);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let sent = api.lines().len();
    let error = api.run(&line).await.unwrap_err();
    assert_eq!((error.exit_code(), api.lines().len()), (2, sent));
    assert!(error.to_string().contains("--overwrite"), "{error}");
    assert_eq!(api.run(&[&line[..], &["--overwrite"]].concat()).await.unwrap().exit, 0);
}

#[tokio::test]
async fn an_entry_that_is_not_in_the_log_is_waited_for() {
    let (api, receipt) = (FakeApi::start().await, receipts(1).remove(0));
    let not_yet = || Raw::error(409, "not_logged_yet").with("Retry-After: 1");
    api.state().set(PATH, [not_yet(), not_yet(), Raw::ok(receipt)]);
    let run = efface(&["receipt", "get", "email:ada@example.com"], api.settings(), "").await;
    assert_eq!((run.status.code(), api.lines().len()), (Some(0), 3), "{run:?}");
    assert!(String::from_utf8_lossy(&run.stderr).contains("not in the log yet; asking again in 1 s"), "{run:?}");
    api.state().set(PATH, [not_yet()]);
    let error = api.run(&["receipt", "get", "email:ada@example.com", "--timeout", "1s"]).await.unwrap_err();
    assert_eq!((error.exit_code(), error.code()), (3, "not_logged_yet"));
    assert!(error.to_string().contains("after 1 s; what was deleted stays deleted"), "{error}");
}

#[tokio::test]
async fn where_there_is_none_it_is_said_where_to_look() {
    let api = FakeApi::start().await;
    api.state().set(PATH, [Raw::error(404, "not_found")]);
    let error = api.run(&["receipt", "get", "email:ada@example.com"]).await.unwrap_err();
    assert_eq!((error.exit_code(), error.code()), (1, "not_found"));
    let text = error.to_string();
    assert!(text.contains("efface deletion show TYPE:VALUE --space spa_demo") && !text.contains("ada"), "{text}");
}

/// Pages of a job's receipts, two a page. The sixth one is of a journal that was refilled from the log: its row is not known.
fn set_pages(api: &FakeApi, receipts: &[String]) {
    let lines: Vec<String> = receipts
        .iter()
        .enumerate()
        .map(|(at, receipt)| {
            let (page, row) = if at == 5 { (Value::Null, Value::Null) } else { (json!(0), json!(at)) };
            json!({"index": at, "page": page, "row": row, "id_type": "email", "receipt": receipt}).to_string()
        })
        .collect();
    let pages: Vec<_> = lines.chunks(2).enumerate().collect();
    for (number, page) in &pages {
        let next = if *number == 0 { String::new() } else { format!("&next=c%2F{number}") };
        let link = format!("Link: <https://elsewhere.example/x?limit=100&next=c%2F{}>; rel=\"next\"", number + 1);
        let raw = Raw::ok(page.join("\n") + "\n");
        let raw = if number + 1 < pages.len() { raw.with(&link) } else { raw };
        api.state().set(&format!("deletion_jobs/job_1/receipts?limit=100{next}"), [raw]);
    }
}

fn files(folder: &str) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap()))
        .collect()
}

#[tokio::test]
async fn all_receipts_of_a_job_are_written_and_a_stop_is_no_loss() {
    let (api, receipts) = (FakeApi::start().await, receipts(7));
    set_pages(&api, &receipts);
    let folder = api.path("receipts");
    let line = ["receipt", "get", "--job", "job_1", "--all", "--folder", &folder];
    api.fail("next=c%2F2", Fault::Rejected);
    assert_eq!(api.run(&line).await.unwrap_err().exit_code(), 1);
    assert_eq!(files(&folder).len(), 5, "four receipts, and where to go on");
    // Another job's receipts do not get among them.
    let other = api.run(&["receipt", "get", "--job", "job_2", "--all", "--folder", &folder]).await.unwrap_err();
    assert!(other.exit_code() == 2 && other.to_string().contains("job_1"), "{other}");
    let sent = api.lines().len();
    let output = api.run(&line).await.unwrap();
    assert_eq!((output.exit, &output.json["receipts"]), (0, &json!(7)), "{}", output.text);
    assert_eq!(api.lines().len() - sent, 2, "it goes on where it was");
    let found = files(&folder);
    assert_eq!(found.len(), 7);
    for (at, receipt) in receipts.iter().enumerate() {
        let of_row = if at == 5 { String::new() } else { format!("page-0-row-{at}-") };
        assert_eq!(&found[&format!("{of_row}entry-{at}.txt")], receipt);
    }
    // Again from the beginning: nothing is written anew.
    assert_eq!(api.run(&line).await.unwrap().json["receipts"], 7);
    assert_eq!(files(&folder), found);
}

#[tokio::test]
async fn options_that_do_not_fit_together_are_refused() {
    let api = FakeApi::start().await;
    for line in [
        &["receipt", "get"][..],
        &["receipt", "get", "email:a", "--job", "job_1"],
        &["receipt", "get", "--job", "job_1", "--index", "1"],
        &["receipt", "get", "--job", "job_1", "--all"],
        &["receipt", "get", "--job", "job_1", "--folder", "x"],
        &["receipt", "get", "email:a", "--all", "--folder", "x"],
        &["receipt", "get", "email:a", "--overwrite"],
        &["receipt", "get", "email:a", "--timeout", "7"],
    ] {
        assert_eq!(efface(line, api.settings(), "").await.status.code(), Some(2), "{line:?}");
    }
}
