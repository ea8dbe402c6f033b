//! What the documentation says of log lines: each message that a function logs is on the page, and the ready queries use
//! fields and messages that lines have.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use aws_sdk_dynamodb::types::AttributeValue;
use efface_job_reconciler::Reconciler;
use efface_tests::{Req, TestApp, app, app::SPACE, faults::Fault, log, store::TABLE};
use serde_json::{Value, json};

use crate::template::{read, template, text};

/// The macros that write a line.
const MACROS: [&str; 5] = ["error!(", "warn!(", "info!(", "debug!(", "trace!("];

/// The words of the query language that stand where a field could, and the fields that CloudWatch itself adds.
const WORDS: [&str; 22] = [
    "fields",
    "filter",
    "stats",
    "sort",
    "limit",
    "by",
    "as",
    "and",
    "or",
    "not",
    "in",
    "like",
    "asc",
    "desc",
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "pct",
    "bin",
    "ispresent",
];
const OF_CLOUDWATCH: [&str; 2] = ["@timestamp", "@log"];

/// The sources of the functions.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension() {
            _ if path.is_dir() => sources(&path, found),
            Some(extension) if extension == "rs" => found.push(path),
            _ => {}
        }
    }
}

/// The text up to the parenthesis that closes it, and the literals in it that are no value of a field.
fn message(text: &str) -> Option<String> {
    let (mut depth, mut rest, mut last, mut before) = (1, text, None, ' ');
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        match next {
            '(' => depth += 1,
            ')' => depth -= 1,
            '"' => {
                let end = rest.find('"')?;
                if depth == 1 && before != '=' {
                    last = Some(rest[..end].to_owned());
                }
                rest = &rest[end + 1..];
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if !next.is_whitespace() {
            before = next;
        }
    }
    last
}

/// Every message that the functions can log, with a file that has it.
fn messages() -> BTreeMap<String, String> {
    let (mut files, mut found) = (Vec::new(), BTreeMap::new());
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions"), &mut files);
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        for name in MACROS {
            for (at, _) in source.match_indices(name) {
                // `const_error!(` is another macro.
                if source[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
                    continue;
                }
                let logged = message(&source[at + name.len()..]);
                let logged = logged.unwrap_or_else(|| panic!("a line without a message in {}", file.display()));
                found.insert(logged, file.display().to_string());
            }
        }
    }
    found
}

#[test]
fn each_message_is_on_the_page() {
    let page = read("docs/operations.md") + &read("docs/operations/logs.md");
    let messages = messages();
    assert!(messages.len() > 20, "{messages:?}");
    for (message, file) in &messages {
        assert!(page.contains(&format!("`{message}`")), "`{message}` of {file} is not in docs/operations.md");
    }
    // The first column of the table of failures has nothing else.
    let (_, table) = page.split_once("| message | function | level | fields | meaning |").unwrap();
    for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        for listed in row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2) {
            assert!(messages.contains_key(listed), "no function logs `{listed}`");
        }
    }
}

/// A job whose only row fails: the identifier's item names a profile that no id can have.
async fn failed_row(app: &TestApp) {
    app.profile(&["user_id:u"]).await;
    let hash = app::master().space_key(&SPACE.parse().unwrap()).identifier(&"user_id".parse().unwrap(), "u");
    let key = |text: String| AttributeValue::S(text);
    let update = app.db.client.update_item().table_name(TABLE).key("pk", key(format!("I#{SPACE}#{hash}")));
    let update = update.key("sk", key("-".to_owned())).update_expression("SET profile_id = :bad");
    update.expression_attribute_values(":bad", key("use_damaged".to_owned())).send().await.unwrap();
    app.job(json!({ "action": "delete_profile", "rows": ["user_id:u"] })).await;
    app.work().await;
    let end = SystemTime::now() + Duration::from_mins(10);
    Reconciler::new(app.engine(), app.dead.queue()).handle(end).await;
    app.work().await;
}

/// The fields of the lines with each message, after requests, jobs and failures of every kind that a query is about.
async fn logged() -> BTreeMap<String, BTreeSet<String>> {
    let app = TestApp::start().await;
    failed_row(&app).await;
    app.send(Req::deletion(SPACE, "email", "nobody")).await;
    app.db.proxy.plan(|_| Fault::Throttle);
    app.send(Req::deletion(SPACE, "email", "nobody")).await;
    app.db.proxy.heal();
    app.queue.down(true);
    app.create_job(json!({ "action": "delete_profile", "rows": ["user_id:v"] })).await;
    app.queue.down(false);
    catch_unwind(|| panic!("expected: the line of a panic")).unwrap_err();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in log::lines() {
        let Some(message) = line["message"].as_str() else { continue };
        let fields = line.as_object().unwrap().keys().cloned();
        found.entry(message.to_owned()).or_default().extend(fields);
    }
    found
}

/// The names of the fields that a query uses, and the literals that it compares `message` with.
fn used(query: &str) -> (BTreeSet<String>, Vec<String>) {
    let (mut names, mut messages) = (BTreeSet::new(), Vec::new());
    let mut aliases: BTreeSet<&str> = BTreeSet::new();
    // Every second part is within quotation marks.
    let parts: Vec<&str> = query.split('"').collect();
    for (at, part) in parts.iter().enumerate() {
        if at % 2 == 1 {
            if parts[at - 1].trim_end().ends_with("message =") {
                messages.push((*part).to_owned());
            }
            continue;
        }
        let words: Vec<&str> = part
            .split(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '@'))
            .filter(|word| !word.is_empty())
            .collect();
        aliases.extend(words.windows(2).filter(|pair| pair[0] == "as").map(|pair| pair[1]));
        let fields = words.iter().filter(|word| !word.starts_with(|first: char| first.is_ascii_digit()));
        names.extend(fields.filter(|word| !WORDS.contains(word)).map(|word| (*word).to_owned()));
    }
    names.retain(|name| !aliases.contains(name.as_str()));
    (names, messages)
}

#[tokio::test]
async fn ready_queries_use_what_lines_have() {
    let lines = logged().await;
    let of_functions: BTreeSet<String> = lines.values().flatten().cloned().collect();
    let format = text(&template()["Resources"]["Api"]["Properties"]["AccessLogSetting"]["Format"]);
    let of_gateway = |field: &str| format.contains(&format!("\"{field}\":"));
    let groups: BTreeSet<String> =
        ["ApiLogs", "BulkWorkerLogs", "JobReconcilerLogs", "ChangeCaptureLogs", "AuditLogLogs", "AccessLogs"]
            .map(|log| {
                let Value::String(name) = sub(&template()["Resources"][log]["Properties"]["LogGroupName"]) else {
                    panic!()
                };
                name.replace("${AWS::StackName}", "{stack}")
            })
            .into();
    let queries: Vec<Value> = serde_json::from_str(&read("infra/queries.json")).unwrap();
    let page = read("docs/operations/logs.md");
    for query in &queries {
        let name = query["name"].as_str().unwrap().strip_prefix("{stack}/").unwrap();
        assert!(page.contains(&format!("| {name} |")), "the query `{name}` is not in docs/operations/logs.md");
        let (fields, messages) = used(query["queryString"].as_str().unwrap());
        assert!(!fields.is_empty());
        let about = query["logGroupNames"].as_array().unwrap();
        let is_of_gateway = about.iter().any(|group| group.as_str().unwrap().ends_with("/access"));
        assert!(about.iter().all(|group| groups.contains(group.as_str().unwrap())), "{about:?}");
        for field in fields.iter().filter(|field| !OF_CLOUDWATCH.contains(&field.as_str())) {
            let is_there = match messages.as_slice() {
                _ if is_of_gateway => of_gateway(field),
                [] => of_functions.contains(field),
                [message, ..] => lines.get(message).is_some_and(|fields| fields.contains(field)),
            };
            assert!(is_there, "`{name}`: no line of {about:?} {messages:?} has the field {field}");
        }
    }
    assert!(queries.len() >= 10);
}

/// The text of a `!Sub`.
fn sub(value: &serde_yaml_ng::Value) -> Value {
    let serde_yaml_ng::Value::Tagged(tagged) = value else { panic!("not a !Sub") };
    tagged.value.as_str().unwrap().into()
}

#[test]
fn the_page_names_the_log_groups_as_the_template_does() {
    let (template, page) = (template(), read("docs/operations/logs.md"));
    let outputs = template["Outputs"].as_mapping().unwrap();
    for (output, value) in outputs.iter().filter(|(name, _)| name.as_str().unwrap().ends_with("LogGroup")) {
        let serde_yaml_ng::Value::Tagged(reference) = &value["Value"] else { panic!("not a !Ref") };
        let resource = reference.value.as_str().unwrap();
        let properties = &template["Resources"][resource]["Properties"];
        let name = sub(&properties["LogGroupName"]);
        let name = name.as_str().unwrap().replace("${AWS::StackName}", "STACK");
        let row = format!("| `{name}` | `{}` |", output.as_str().unwrap());
        assert!(page.contains(&row), "docs/operations/logs.md lacks the row {row}");
    }
}
