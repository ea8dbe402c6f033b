//! Checks what the on-call person looks at: dashboard and alarms are deployed, and the run's logs have its metrics.

use std::{collections::BTreeMap, fs, path::Path};

use efface_local::{emulator::Emulator, error::LocalError, stack::Deployer};
use serde_json::{Value, json};

use crate::report::Report;

/// The functions, each with metrics whose sum over the run is not 0.
const EXPECTED: [(&str, &[&str]); 4] = [
    ("api", &["StoreRequests", "Unauthorized"]),
    ("bulk-worker", &["StoreRequests", "DeleteProfileDeleted", "DeleteSegmentDeleted", "ChunkTime"]),
    ("job-reconciler", &["StoreRequests", "JobsLive", "ReconcilerRuns"]),
    ("change-capture", &["StoreRequests", "JournalEntries", "RecordsPutAside"]),
];

/// A stack that is never made.
const UNDECIDED: &str = "efface-undecided";

/// Checks the dashboard, the alarms and the metrics of a stack.
pub(crate) async fn check(emulator: &Emulator, stack: &str, report: &mut Report) -> Result<(), LocalError> {
    check_dashboard(emulator, stack, report).await?;
    check_alarms(emulator, stack, report).await?;
    for (function, metrics) in EXPECTED {
        check_metrics(emulator, stack, (function, metrics), report).await?;
    }
    Ok(())
}

async fn check_dashboard(emulator: &Emulator, stack: &str, report: &mut Report) -> Result<(), LocalError> {
    let found = cloudwatch(emulator, "GetDashboard", &json!({ "DashboardName": stack })).await?;
    let body: Value = serde_json::from_str(found["DashboardBody"].as_str().unwrap_or_default()).unwrap_or_default();
    let widgets = body["widgets"].as_array().map_or(0, Vec::len);
    let is_filled_in = widgets > 10 && !body.to_string().contains("${");
    report.check("the dashboard is deployed", is_filled_in, &found);
    Ok(())
}

async fn check_alarms(emulator: &Emulator, stack: &str, report: &mut Report) -> Result<(), LocalError> {
    let template = emulator.deployed_template(stack).await?;
    let resources = template["Resources"].as_object().into_iter().flatten();
    let expected = resources.filter(|(_, resource)| resource["Type"] == "AWS::CloudWatch::Alarm").count();
    let alarms = alarms(emulator, stack).await?;
    let leads = |alarm: &Value| {
        alarm["AlarmDescription"].as_str().is_some_and(|text| text.contains("Runbook: docs/operations.md#"))
    };
    let all = alarms.len() == expected && expected > 15 && alarms.iter().all(leads);
    report.check("all alarms are deployed and name the runbook", all, json!(alarms));
    Ok(())
}

async fn alarms(emulator: &Emulator, stack: &str) -> Result<Vec<Value>, LocalError> {
    let prefix = json!({ "AlarmNamePrefix": format!("{stack}-"), "MaxRecords": 100 });
    let found = cloudwatch(emulator, "DescribeAlarms", &prefix).await?;
    Ok(found["MetricAlarms"].as_array().cloned().unwrap_or_default())
}

/// Checks that the alarms of a stack with a topic notify it when they begin and when they end.
pub(crate) async fn check_topic(emulator: &Emulator, stack: &str, report: &mut Report) -> Result<(), LocalError> {
    let alarms = alarms(emulator, stack).await?;
    let notifies =
        |alarm: &Value, name: &str| alarm[name][0].as_str().is_some_and(|topic| topic.starts_with("arn:aws:sns:"));
    let all = alarms.iter().all(|alarm| notifies(alarm, "AlarmActions") && notifies(alarm, "OKActions"));
    report.check("the alarms notify the topic", all && !alarms.is_empty(), json!(alarms));
    Ok(())
}

/// Adds up the metrics of a function's log.
async fn check_metrics(
    emulator: &Emulator,
    stack: &str,
    (function, metrics): (&str, &[&str]),
    report: &mut Report,
) -> Result<(), LocalError> {
    let request = json!({ "logGroupName": format!("/efface/{stack}/{function}") });
    let found = emulator.call("the log", "logs", "Logs_20140328.FilterLogEvents", &request).await?;
    let events = found["events"].as_array().into_iter().flatten();
    let lines = events.filter_map(|event| serde_json::from_str::<Value>(event["message"].as_str()?).ok());
    let lines: Vec<Value> = lines.filter(|line| line["_aws"].is_object()).collect();
    let sums = sums(&lines);
    let found = json!(sums).to_string();
    let counted = metrics.iter().all(|metric| sums.get(*metric).is_some_and(|sum| *sum > 0.0));
    report.check(&format!("the log of {function} has its metrics"), counted, &found);
    let namespace = format!("Efface/{stack}");
    let are_own = lines.iter().all(|line| {
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        let is_own = directive["Namespace"] == namespace && directive["Dimensions"] == json!([["Function"]]);
        is_own && line["Function"] == function && !line.to_string().contains("user_00")
    });
    report.check(&format!("they are the stack's own, by function ({found})"), are_own, json!(lines));
    Ok(())
}

fn sums(lines: &[Value]) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for line in lines {
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().into_iter().flatten() {
            let name = metric["Name"].as_str().unwrap_or_default();
            let number = &line[name];
            let many = number.as_array().map(|numbers| numbers.iter().filter_map(Value::as_f64).sum());
            *sums.entry(name.to_owned()).or_default() += number.as_f64().or(many).unwrap_or_default();
        }
    }
    sums
}

async fn cloudwatch(emulator: &Emulator, action: &str, body: &Value) -> Result<Value, LocalError> {
    emulator.call("CloudWatch", "monitoring", &format!("GraniteServiceVersion20100801.{action}"), body).await
}

/// Checks that a site whose `AlarmTopicArn` is as `samconfig.toml` has it at first is refused, with a text that says what
/// to do.
pub(crate) async fn check_undecided(
    deployer: &Deployer<'_>,
    emulator: &Emulator,
    template: &Path,
    report: &mut Report,
) {
    let settings = fs::read_to_string(deployer.workspace.root.join("samconfig.toml")).unwrap_or_default();
    let topic = settings.split("AlarmTopicArn=").find(|rest| rest.starts_with("SET-TO-")).unwrap_or_default();
    let topic = topic.split(['"', ' ']).next().unwrap_or_default();
    let result = deployer.deploy(emulator, template, UNDECIDED, &format!("AlarmTopicArn={topic}")).await;
    let log = fs::read_to_string(deployer.folder.join(format!("sam-deploy-{UNDECIDED}.log"))).unwrap_or_default();
    let says_why = log.contains("ARN of an SNS topic") && log.contains("none if nobody is to be paged");
    report.check("a site that has not said whom it pages is not deployed", result.is_err() && says_why, &log);
}
