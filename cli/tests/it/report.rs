//! Reports: the lines of the file, each with what became of it. They add up with the job whenever they are made.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt};

use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::{
    bulk::interrupted_line,
    fake_api::{FakeApi, Fault},
};

/// The records of a CSV file with a header; each must have as many cells as the header.
fn records(path: &str) -> Vec<Vec<Vec<u8>>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).unwrap();
    let record = |record: csv::ByteRecord| record.iter().map(<[u8]>::to_vec).collect();
    reader.byte_records().map(|read| record(read.unwrap())).collect()
}

fn text(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).into_owned()
}

/// How many records of a report have which outcome.
fn counts(records: &[Vec<Vec<u8>>]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for record in &records[1..] {
        *counts.entry(text(&record[3])).or_default() += 1;
    }
    counts
}

/// Asserts that the rows of a report are those of the job: by outcome, and `pending` where there is none.
fn assert_adds_up(api: &FakeApi, job: &str, path: &str, rows: u64) {
    let found = counts(&records(path));
    let job = api.state().jobs[job].clone();
    assert_eq!(found.values().sum::<u64>(), rows, "{found:?}");
    for (outcome, count) in job["counts"].as_object().unwrap() {
        assert_eq!(found.get(outcome).copied().unwrap_or(0), count.as_u64().unwrap(), "{outcome}: {found:?} {job}");
    }
    let unsent = rows - job["rows"].as_u64().unwrap();
    let pending = found.get("pending").copied().unwrap_or(0);
    assert_eq!(pending, job["remaining"].as_u64().unwrap() + unsent, "{found:?} {job}");
}

#[tokio::test]
async fn a_report_has_the_lines_of_the_file_with_their_outcomes() {
    let api = FakeApi::start().await;
    let rows =
        "\u{feff}key;value;row\r\nemail;a;\"x, \"\"y\"\"\"\r\n\r\nemail;b;\r\nemail;\"oops\"x;z\r\nemail;c;1\r\n";
    let file = api.file("people.csv", rows);
    let out = api.path("out.csv");
    let line = ["bulk", &file, "--yes", "--page-size", "2", "--report", &out];
    let output = api.run(&line).await.unwrap();
    assert_eq!(
        fs::read_to_string(&out).unwrap(),
        "line,page,row,outcome,code,message,key,value,input_row\n\
         2,1,0,deleted,deleted,It is deleted.,email,a,\"x, \"\"y\"\"\"\n\
         4,1,1,deleted,deleted,It is deleted.,email,b,\n\
         5,2,0,invalid,invalid_row,\"The line has a quote in a wrong place: put quotes around a whole cell, and double those \
         within it.\",\"email;\"\"oops\"\"x;z\",,\n\
         6,2,1,deleted,deleted,It is deleted.,email,c,1\n"
    );
    let report = &output.json["report"];
    assert_eq!((&report["rows"], &report["counts"]), (&json!(4), &json!({"deleted": 3, "invalid": 1})));
    assert!(output.text.contains("out.csv (4 rows: 3 deleted, 1 invalid)"), "{}", output.text);
    // It holds personal data.
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    // Nothing is overwritten, and nothing is sent, unless the user says so.
    let sent = api.lines().len();
    let error = api.run(&line).await.unwrap_err();
    assert_eq!((error.exit_code(), api.lines().len()), (2, sent));
    assert!(error.to_string().contains("--overwrite"), "{error}");
    api.run(&[&line[..], &["--overwrite"]].concat()).await.unwrap();
    assert_eq!(records(&out).len(), 5);
    for bad in [file.as_str(), "/nowhere/out.csv"] {
        let error = api.run(&["bulk", &file, "--yes", "--report", bad, "--overwrite"]).await.unwrap_err();
        assert_eq!(error.exit_code(), 2, "{bad}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), rows);
    let left = fs::read_dir(std::path::Path::new(&out).parent().unwrap()).unwrap();
    assert_eq!(left.count(), 2, "only the two files are there");
}

#[tokio::test]
async fn a_report_is_json_if_the_rows_or_its_name_are() {
    let api = FakeApi::start().await;
    let file = api.file("people.json", "{\"rows\":[\"email:a\",\n{\"key\":\"email\",\n\"value\":\"b\"},\n7.5]}");
    let line = |out: &str| json!(["bulk", file, "--yes", "--page-size", "2", "--report", out, "--overwrite"]);
    let run = async |out: &str| {
        let line: Vec<String> = serde_json::from_value(line(out)).unwrap();
        api.run(&line.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
        fs::read_to_string(out).unwrap()
    };
    let message = "The row has the wrong JSON form";
    for out in [api.path("out"), api.path("out.jsonl")] {
        let lines: Vec<Value> = run(&out).await.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            lines[1],
            json!({"line": 2, "page": 1, "row": 1, "outcome": "deleted", "code": "deleted",
            "message": "It is deleted.", "input": {"key": "email", "value": "b"}})
        );
        assert_eq!(
            (&lines[0]["input"], &lines[2]["input"], &lines[2]["line"]),
            (&json!("email:a"), &json!(7.5), &json!(4))
        );
        assert!(lines[2]["message"].as_str().unwrap().starts_with(message), "{}", lines[2]);
    }
    let out = api.path("out.csv");
    run(&out).await;
    let inputs: Vec<String> = records(&out).iter().map(|record| text(&record[6])).collect();
    assert_eq!(inputs, ["input", "\"email:a\"", "{\"key\":\"email\",\"value\":\"b\"}", "7.5"]);
    let csv = api.file("people.csv", "email,a\nemail,b,\n");
    let out = api.path("of-csv.jsonl");
    api.run(&["bulk", &csv, "--yes", "--report", &out]).await.unwrap();
    let inputs = fs::read_to_string(&out).unwrap();
    let inputs: Vec<Value> =
        inputs.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["input"].clone()).collect();
    assert_eq!(
        inputs,
        [json!({"column_1": "email", "column_2": "a"}), json!({"column_1": "email", "column_2": "b", "column_3": ""})]
    );
}

/// Paused, resumed, stopped before and after the start, run twice: the lines always add up.
#[tokio::test]
async fn a_report_adds_up_at_each_step() {
    let api = FakeApi::start().await;
    let rows: String =
        (0..500).map(|i| if i % 10 == 3 { format!("bad{i}\n") } else { format!("email:{i}\n") }).collect();
    let file = api.file("people.csv", rows);
    let out = api.path("out.csv");
    let line = ["bulk", &file, "--yes", "--page-size", "70", "--report", &out, "--overwrite", "--idempotency-key", "k"];
    let later = ["jobs", "report", "job_1", "--file", &file, "--page-size", "70", "--report", &out, "--overwrite"];
    api.state().pause_after = Some(123);
    let output = api.run(&line).await.unwrap();
    assert_eq!(output.json["report"]["counts"], json!({"deleted": 123, "invalid": 50, "pending": 327}));
    assert!(
        output.text.contains("efface jobs report job_1 --space spa_demo --file FILE --page-size 70"),
        "{}",
        output.text
    );
    assert_adds_up(&api, "job_1", &out, 500);
    assert_eq!(text(&records(&out)[500][5]), "The job is paused.");
    // Resumed, and the report made later.
    api.state().pause_after = None;
    api.run(&["jobs", "resume", "job_1"]).await.unwrap();
    api.run(&["jobs", "status", "job_1", "--watch"]).await.unwrap();
    api.run(&later).await.unwrap();
    assert_adds_up(&api, "job_1", &out, 500);
    assert_eq!(counts(&records(&out)).get("pending"), None);
    // A second run is the same job.
    api.run(&line).await.unwrap();
    assert_adds_up(&api, "job_1", &out, 500);
    // Stopped while rows are sent: the job is cancelled, and some rows were never sent.
    let stopped = ["bulk", &file, "--yes", "--page-size", "70", "--report", &out, "--overwrite", "--parallelism", "1"];
    for _ in 0..14 {
        api.fail("job_2/rows", Fault::Lost);
    }
    let output = interrupted_line(&api, &stopped, "job_2/rows").await;
    assert_eq!((output.exit, &output.json["report"]["rows"]), (130, &json!(500)));
    assert_adds_up(&api, "job_2", &out, 500);
    // Stopped after the start: the job goes on.
    api.state().endless = true;
    let output = interrupted_line(&api, &stopped, "GET jobs/job_3").await;
    assert_eq!((output.exit, &output.json["report"]["counts"]), (130, &json!({"invalid": 50, "pending": 450})));
    assert_adds_up(&api, "job_3", &out, 500);
    api.run(&["jobs", "cancel", "job_3"]).await.unwrap();
    let of_job_3 = ["jobs", "report", "job_3", "--file", &file, "--page-size", "70", "--report", &out, "--overwrite"];
    api.run(&of_job_3).await.unwrap();
    assert_adds_up(&api, "job_3", &out, 500);
    assert_eq!(text(&records(&out)[500][5]), "The job was cancelled before this row.");
}

#[tokio::test]
async fn a_report_of_a_dry_run_says_so() {
    let api = FakeApi::start().await;
    let file = api.file("people.csv", "email:a\nnobody\nemail:b\n");
    for (page_size, first) in [("9", "1,0,0,would_be_deleted,"), ("2", "1,1,0,would_be_deleted,")] {
        let out = api.path("out.csv");
        let line = ["bulk", &file, "--dry-run", "--page-size", page_size, "--report", &out, "--overwrite"];
        let output = api.run(&line).await.unwrap();
        assert_eq!(output.json["report"]["counts"], json!({"would_be_deleted": 2, "invalid": 1}));
        let report = fs::read_to_string(&out).unwrap();
        assert!(report.lines().nth(1).unwrap().starts_with(first), "{report}");
        assert!(!report.contains(",deleted,deleted,"), "{report}");
    }
}

/// The rows of a job that executes a plan are those that the plan would delete.
#[tokio::test]
async fn a_report_of_an_executed_plan_has_all_rows_of_the_file() {
    let api = FakeApi::start().await;
    let file = api.file("people.csv", "email:a\nnobody\nemail:b\nemail:c\nemail:d\n");
    let out = api.path("out.csv");
    api.run(&["bulk", &file, "--dry-run", "--page-size", "2"]).await.unwrap();
    {
        let mut state = api.state();
        state.jobs.get_mut("job_1").unwrap()["counts"] = json!({"invalid": 1, "deleted": 3, "not_found": 1});
        let job = json!({"id": "job_2", "action": "delete_profile", "state": "paused", "rows": 3, "remaining": 1,
            "counts": {"deleted": 2}, "group": null, "created_at": null, "plan_job_id": "job_1"});
        state.jobs.insert("job_2".to_owned(), job);
        state.pages.insert(("job_2".to_owned(), 1), json!(["p:1"]));
        state.pages.insert(("job_2".to_owned(), 2), json!(["p:2", "p:3"]));
    }
    let line = ["jobs", "report", "job_2", "--file", &file, "--page-size", "2", "--report", &out];
    let output = api.run(&line).await.unwrap();
    let outcomes: Vec<String> = records(&out)[1..].iter().map(|record| text(&record[3])).collect();
    assert_eq!(outcomes, ["deleted", "invalid", "deleted", "pending", "not_found"]);
    assert_eq!(output.json["report"]["counts"], json!({"deleted": 2, "invalid": 1, "not_found": 1, "pending": 1}));
}

#[tokio::test]
async fn outcomes_are_listed_by_the_lines_of_the_file() {
    let api = FakeApi::start().await;
    let file = api.file("people.csv", "profile\nemail:a\n\nnobody\nemail:b\n");
    api.run(&["bulk", &file, "--yes", "--page-size", "2"]).await.unwrap();
    let line = ["jobs", "outcomes", "job_1", "--file", &file, "--page-size", "2"];
    let output = api.run(&line).await.unwrap();
    let lines: Vec<&Value> = output.json["data"].as_array().unwrap().iter().map(|row| &row["line"]).collect();
    assert_eq!(lines, [&json!(2), &json!(4), &json!(5)]);
    assert!(output.text.starts_with("line  page  row  outcome"), "{}", output.text);
    let output = api.run(&[&line[..], &["--csv", "--outcome", "invalid"]].concat()).await.unwrap();
    assert_eq!(output.text, "line,page,row,outcome,code,message,dry_run\n4,1,1,invalid,invalid,It is invalid.,false");
    let output = api.run(&["jobs", "outcomes", "job_1"]).await.unwrap();
    assert!(output.text.starts_with("page  row  outcome") && output.json["data"][0].get("line").is_none());
}

#[tokio::test]
async fn another_file_or_page_size_is_an_error() {
    let api = FakeApi::start().await;
    let file = api.file("people.csv", "email:a\nemail:b\nemail:c\n");
    api.run(&["bulk", &file, "--yes", "--page-size", "2"]).await.unwrap();
    let (other, out) = (api.file("other.csv", "email:a\nemail:b\n"), api.path("out.csv"));
    for (file, page_size, what) in
        [(&other, "2", "the file has 2 rows and the job 3"), (&file, "3", "other pages"), (&file, "1", "other pages")]
    {
        let line = ["jobs", "report", "job_1", "--file", file, "--page-size", page_size, "--report", &out];
        let error = api.run(&line).await.unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains(what), "{error}");
        assert!(fs::metadata(&out).is_err(), "no report is left");
    }
    let error = api.run(&["jobs", "outcomes", "job_1", "--file", &file, "--page-size", "1"]).await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
}

/// A failed report does not hide what the job did.
#[tokio::test]
async fn a_report_that_fails_leaves_the_result_of_the_job() {
    let api = FakeApi::start().await;
    let file = api.file("people.csv", "email:a\n");
    let out = api.path("out.csv");
    let path = "GET deletion_jobs/job_1/outcomes?limit=100".to_owned();
    api.state().lists.insert(path, json!({"status": 403, "error": {"code": "forbidden", "message": "No."}}));
    let output = api.run(&["bulk", &file, "--yes", "--report", &out]).await.unwrap();
    assert_eq!((output.exit, &output.json["job"]["state"]), (1, &json!("completed")));
    assert!(output.text.contains("the report was not written") && output.text.contains("efface jobs report job_1"));
    assert!(fs::metadata(&out).is_err());
}

/// A line: its cells, or a line with a quote in a wrong place.
fn lines() -> impl Strategy<Value = Vec<Result<[String; 3], String>>> {
    let cell = "[^\r\n\0]{1,12}";
    let row = (prop_oneof![Just("email"), Just("user_id")], cell, "[^\r\n\0]{0,12}")
        .prop_map(|(key, value, note)| Ok([key.to_owned(), value, note]));
    let bad = "[a-z]{1,5},\"[a-z]{1,5}\"[a-z]{1,5},[a-z]{0,5}".prop_map(Err);
    prop::collection::vec(prop_oneof![9 => row, 1 => bad], 1..40)
}

/// The file, and the line of each row.
fn file_of(lines: &[Result<[String; 3], String>], always_quotes: bool, ends: &[&str]) -> (Vec<u8>, Vec<u64>) {
    let style = if always_quotes { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
    let mut text = b"key,value,note\n".to_vec();
    let (mut line, mut numbers) = (2, Vec::new());
    for (row, end) in lines.iter().zip(ends.iter().cycle()) {
        numbers.push(line);
        match row {
            Ok(cells) => {
                let mut writer = csv::WriterBuilder::new().quote_style(style).from_writer(Vec::new());
                writer.write_record(cells).unwrap();
                let record = writer.into_inner().unwrap();
                text.extend(record.strip_suffix(b"\n").unwrap());
            }
            Err(bad) => text.extend(bad.as_bytes()),
        }
        text.extend(end.as_bytes());
        line += end.replace("\r\n", "\n").len() as u64;
    }
    (text, numbers)
}

/// For any file of rows: the report has each of them, in their order, with its line and all its values, and adds up with
/// the job, wherever that stands.
#[test]
fn every_value_of_any_file_is_in_the_report() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let api = runtime.block_on(FakeApi::start());
    let config = proptest::test_runner::Config { cases: 60, failure_persistence: None, ..Default::default() };
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r"), Just("\n\n"), Just("\r\n\r\n")];
    let strategy = (lines(), any::<bool>(), prop::collection::vec(end, 1..5), 1_u64..20, 0_u64..40);
    let run = TestRunner::new(config).run(&strategy, |(lines, quotes, ends, page_size, pause_after)| {
        prop_assume!(lines.iter().any(Result::is_ok));
        let (text_of_file, numbers) = file_of(&lines, quotes, &ends);
        let (file, out) = (api.file("any.csv", text_of_file), api.path("any-report.csv"));
        api.state().jobs.clear();
        api.state().pages.clear();
        api.state().pause_after = Some(pause_after);
        let page_size = page_size.to_string();
        let line = ["bulk", &file, "--yes", "--page-size", &page_size, "--report", &out, "--overwrite"];
        runtime.block_on(api.run(&line)).map_err(|error| TestCaseError::fail(error.to_string()))?;
        assert_adds_up(&api, "job_1", &out, lines.len() as u64);
        let report = records(&out);
        for ((row, line), record) in lines.iter().zip(numbers).zip(&report[1..]) {
            let (found, values) = (text(&record[0]), record[6..9].iter().map(|cell| text(cell)).collect::<Vec<_>>());
            prop_assert_eq!(found, line.to_string());
            match row {
                Ok(cells) => prop_assert_eq!(&values[..], &cells[..]),
                Err(bad) => prop_assert_eq!((&values[0], &text(&record[3])), (bad, &"invalid".to_owned())),
            }
        }
        Ok(())
    });
    run.unwrap();
}
