//! The alarms of the template: somebody hears of each, is told what to do, and is not woken by a single error.

use std::collections::BTreeSet;

use serde_yaml_ng::Value;

use crate::template::{of_type, read, reference, template, text};

/// Alarms that one datum of one trips, each with its reason.
const IMMEDIATE: [(&str, &str); 2] = [
    ("JobMismatchAlarm", "the line is written once for a job, and does not pass"),
    ("SpacesStoppedAlarm", "it does not pass, and a quiet space has one change for a long time"),
];

/// The alarms, by name, with their properties.
fn alarms() -> Vec<(String, Value)> {
    let alarms = of_type(&template(), "AWS::CloudWatch::Alarm").into_iter();
    alarms.map(|(name, alarm)| (name, alarm["Properties"].clone())).collect()
}

fn number(alarm: &Value, name: &str) -> u64 {
    alarm[name].as_u64().unwrap_or_else(|| panic!("{name}: {alarm:?}"))
}

/// The anchors of the runbook: those of its headings, and those in its table of alarms.
fn anchors() -> BTreeSet<String> {
    let page = read("docs/operations.md");
    let named = page.split("<a id=\"").skip(1).filter_map(|rest| rest.split_once("\"></a>"));
    let headings = page.lines().filter_map(|line| line.strip_prefix("## ").or(line.strip_prefix("### ")));
    let of_heading = |heading: &str| heading.to_lowercase().replace(' ', "-");
    named.map(|(anchor, _)| anchor.to_owned()).chain(headings.map(of_heading)).collect()
}

#[test]
fn an_alarm_and_its_end_notify_the_topic() {
    let topic = "[HasAlarmTopic, [!Ref AlarmTopicArn], !Ref AWS::NoValue]";
    let source = read("infra/template.yaml");
    let count = alarms().len();
    for name in ["AlarmActions", "OKActions"] {
        assert_eq!(source.matches(&format!("      {name}: !If {topic}\n")).count(), count, "{name}");
        for (alarm, properties) in alarms() {
            assert!(matches!(properties[name], Value::Tagged(_)), "{alarm} has no {name}");
        }
    }
}

#[test]
fn the_text_of_an_alarm_leads_to_its_part_of_the_runbook() {
    let anchors = anchors();
    for (name, alarm) in alarms() {
        let description = reference(&alarm["AlarmDescription"]).trim_end().to_owned();
        let (before, anchor) = description.split_once(" Runbook: ${RunbookUrl}#").unwrap_or_else(|| panic!("{name}"));
        assert!(before.starts_with("Efface ${EnvironmentName}: ") && before.ends_with('.'), "{name}: {before}");
        assert!(anchors.contains(anchor), "docs/operations.md has no anchor {anchor}");
        assert_eq!(anchor, name.to_lowercase());
    }
    assert_eq!(text(&template()["Parameters"]["RunbookUrl"]["Default"]), "docs/operations.md");
}

#[test]
fn a_single_error_trips_no_alarm() {
    let mut immediate = Vec::new();
    for (name, alarm) in alarms() {
        if number(&alarm, "Threshold") <= 1 && number(&alarm, "EvaluationPeriods") < 2 {
            immediate.push(name);
        }
    }
    assert_eq!(immediate, IMMEDIATE.map(|(name, _)| name));
}

/// Missing data is not an error, but the reconciler and the publisher's schedule write a line in every run.
#[test]
fn a_schedule_that_says_nothing_is_one_that_has_stopped() {
    for (name, alarm) in alarms() {
        let is_of_a_schedule = ["ReconcilerStoppedAlarm", "AuditLogStoppedAlarm"].contains(&name.as_str());
        let expected = if is_of_a_schedule { "breaching" } else { "notBreaching" };
        assert_eq!(text(&alarm["TreatMissingData"]), expected, "{name}");
    }
}

/// The metrics of Efface's own are those that a function writes, or that a filter makes of the log.
#[test]
fn alarms_and_dashboard_look_at_metrics_that_there_are() {
    let template = template();
    let namespace = "Efface/${AWS::StackName}";
    let filters = of_type(&template, "AWS::Logs::MetricFilter").into_iter();
    let mut known: BTreeSet<String> =
        filters.map(|(_, filter)| text(&filter["Properties"]["MetricTransformations"][0]["MetricName"])).collect();
    known.extend(efface_aws::metrics::Metric::all().into_iter().map(|metric| metric.name().into_owned()));
    for (name, alarm) in alarms() {
        if reference(&alarm["Namespace"]) == namespace {
            assert!(known.contains(&text(&alarm["MetricName"])), "{name}");
        }
    }
    let body = dashboard(&template);
    let mut own = 0;
    for widget in body["widgets"].as_array().unwrap() {
        for metric in widget["properties"]["metrics"].as_array().into_iter().flatten() {
            if metric[0] == namespace {
                assert!(known.contains(metric[1].as_str().unwrap()), "{metric}");
                own += 1;
            }
        }
    }
    assert!(own > 30, "{own}");
    let shown = body["widgets"][0]["properties"]["alarms"].to_string();
    for (name, _) in alarms() {
        assert!(shown.contains(&format!("${{{name}.Arn}}")), "the dashboard does not show {name}");
    }
}

/// The dashboard's body with what a journal and a console add to it. It is JSON also before CloudFormation fills in the rest,
/// and so it is without their parts.
fn dashboard(template: &Value) -> serde_json::Value {
    let Value::Tagged(body) = &template["Resources"]["Dashboard"]["Properties"]["DashboardBody"] else { panic!() };
    let mut with = body.value[0].as_str().unwrap().to_owned();
    let mut without = with.clone();
    for (name, part) in body.value[1].as_mapping().unwrap() {
        let Value::Tagged(part) = part else { panic!("{name:?}") };
        assert!(part.value[0] == "HasJournal" || part.value[0] == "HasConsole", "{name:?}");
        assert_eq!(part.value[2], "", "{name:?}");
        let name = format!("${{{}}}", name.as_str().unwrap());
        with = with.replace(&name, reference(&part.value[1]));
        without = without.replace(&name, "");
    }
    serde_json::from_str::<serde_json::Value>(&without).unwrap();
    serde_json::from_str(&with).unwrap()
}

/// A parameter without a default; the pattern takes a topic or `none`, and nothing else. So a site whose value was not set
/// is refused, with a text that says what to set.
#[test]
fn nobody_deploys_a_site_without_saying_whom_it_pages() {
    let topic = &template()["Parameters"]["AlarmTopicArn"];
    assert!(topic["Default"].is_null(), "a default would be taken without a thought");
    let pattern = text(&topic["AllowedPattern"]);
    let (none, arn) = pattern.split_once('|').unwrap();
    assert_eq!((none, arn.contains('|')), ("none", false));
    assert!(arn.starts_with("arn:"), "{pattern}");
    let constraint = text(&topic["ConstraintDescription"]);
    assert!(
        constraint.contains("none") && constraint.contains("SNS topic") && constraint.contains("docs/operations.md")
    );
}
