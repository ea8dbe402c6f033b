//! The template's parts of journal and audit log: there with a journal only, and written by nobody but the publisher.

use serde_yaml_ng::Value;

use crate::template::{at, read, reference, template, text};

/// A stack without a journal has nothing of it, so that each of its parts must say that it is a part.
#[test]
fn what_belongs_to_the_journal_is_made_with_it_only() {
    let template = template();
    let text = |resource: &Value| serde_yaml_ng::to_string(resource).unwrap();
    let mut parts = Vec::new();
    for (name, resource) in template["Resources"].as_mapping().unwrap() {
        let condition = resource["Condition"].as_str().unwrap_or_default();
        if ["HasJournal", "MakesJournal"].contains(&condition) {
            parts.push(name.as_str().unwrap().to_owned());
        }
    }
    for (name, resource) in template["Resources"].as_mapping().unwrap() {
        let is_part = parts.iter().any(|part| part == name.as_str().unwrap());
        let uses = parts.iter().find(|part| {
            let source = text(resource);
            [format!("!Ref {part}\n"), format!("!GetAtt {part}."), format!("${{{part}}}")]
                .iter()
                .any(|form| source.contains(form.as_str()))
        });
        if let (false, Some(part)) = (is_part, uses) {
            assert!(text(resource).contains("HasJournal"), "{name:?} uses {part} without a condition");
        }
    }
    assert!(parts.len() >= 15, "{parts:?}");
    for (name, output) in template["Outputs"].as_mapping().unwrap() {
        // The origin of the log names no resource.
        let is_of_journal =
            name == "AuditLogOrigin" || parts.iter().any(|part| text(&output["Value"]).contains(part.as_str()));
        assert_eq!(output["Condition"] == "HasJournal", is_of_journal, "{name:?}");
    }
}

/// The same for the publisher of the log.
#[test]
fn the_queue_of_the_log_fits_its_publisher() {
    let template = template();
    let number = |path: &str| at(&template, path).parse::<u64>().unwrap();
    let timeout = number("Resources.AuditLogFunction.Properties.Timeout");
    assert_eq!(number("Resources.LogQueue.Properties.VisibilityTimeout"), 6 * timeout);
    assert_eq!(number("Resources.LogQueue.Properties.RedrivePolicy.maxReceiveCount"), 5);
    let event = "Resources.AuditLogFunction.Properties.Events.Pointers.Properties";
    assert_eq!(at(&template, &format!("{event}.FunctionResponseTypes.0")), "ReportBatchItemFailures");
}

/// What was signed stays: whatever is changed in the template, files, their versions and the key outlive the stack.
#[test]
fn the_log_outlives_its_stack_and_its_files_are_locked() {
    let template = template();
    for name in ["LogBucket", "LogPartialBucket", "LogBucketPolicy", "LogPartialBucketPolicy", "LogSigningKey"] {
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            assert_eq!(at(&template, &format!("Resources.{name}.{policy}")), "Retain", "{name}");
        }
    }
    let locked = "Resources.LogBucket.Properties";
    assert_eq!(at(&template, &format!("{locked}.VersioningConfiguration.Status")), "Enabled");
    assert_eq!(at(&template, &format!("{locked}.ObjectLockEnabled")), "true");
    let retention = format!("{locked}.ObjectLockConfiguration.Rule.DefaultRetention");
    assert_eq!(at(&template, &format!("{retention}.Mode")), "GOVERNANCE");
    assert!(template["Resources"]["LogBucket"]["Properties"]["LifecycleConfiguration"].is_null());
    // Of the partial files, only versions that were removed expire.
    let source = read("infra/template.yaml");
    assert_eq!(source.matches("Expiration").count(), source.matches("NoncurrentVersionExpiration: {").count());
    assert!(!source.contains("ExpirationInDays"), "no rule removes a file of the log");
    for name in ["LogBucket", "LogPartialBucket"] {
        let access = &template["Resources"][name]["Properties"]["PublicAccessBlockConfiguration"];
        assert_eq!(access.as_mapping().unwrap().values().filter(|value| **value == true).count(), 4, "{name}");
    }
}

/// The buckets' own policies say who writes, and that nobody deletes or unlocks, whatever other policies allow.
#[test]
fn only_the_publisher_writes_the_log_and_nobody_deletes_it() {
    let template = template();
    let denied = |name: &str| -> Vec<(String, String)> {
        let statements =
            template["Resources"][name]["Properties"]["PolicyDocument"]["Statement"].as_sequence().unwrap();
        let of = |statement: &Value| {
            assert_eq!((&statement["Effect"], &statement["Principal"]), (&Value::from("Deny"), &Value::from("*")));
            let actions = match &statement["Action"] {
                Value::Sequence(actions) => actions.iter().map(text).collect::<Vec<_>>().join(" "),
                action => text(action),
            };
            (actions, reference(&statement["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]).to_owned())
        };
        statements.iter().map(of).collect()
    };
    let pair = |actions: &str, except: &str| (actions.to_owned(), except.to_owned());
    let writes = [pair("s3:*", ""), pair("s3:PutObject", "AuditLogRole.Arn")];
    assert_eq!(denied("LogPartialBucketPolicy"), writes);
    let deletes = pair("s3:DeleteObject s3:DeleteObjectVersion s3:BypassGovernanceRetention", "");
    let unlocks = pair("s3:PutBucketObjectLockConfiguration s3:PutBucketVersioning s3:PutLifecycleConfiguration", "");
    assert_eq!(denied("LogBucketPolicy"), [&writes[..], &[deletes, unlocks]].concat());
}

/// The key's policy decides who signs, and denies it to everybody but the publisher, also to administrators.
#[test]
fn only_the_publisher_signs() {
    let template = template();
    let key = &template["Resources"]["LogSigningKey"]["Properties"];
    assert_eq!(key["KeySpec"], "ECC_NIST_EDWARDS25519");
    assert_eq!(key["KeyUsage"], "SIGN_VERIFY");
    let mut allowed = Vec::new();
    let mut is_denied = false;
    for statement in key["KeyPolicy"]["Statement"].as_sequence().unwrap() {
        let actions = text(&statement["Action"]);
        assert!(!actions.contains('*'), "{actions}");
        if !actions.contains("kms:Sign") {
            continue;
        }
        if statement["Effect"] == "Allow" {
            allowed.push(reference(&statement["Principal"]["AWS"]).to_owned());
        } else {
            let except = &statement["Condition"]["ArnNotEquals"]["aws:PrincipalArn"];
            is_denied = statement["Principal"] == "*" && reference(except) == "AuditLogRole.Arn";
        }
    }
    assert_eq!(allowed, ["AuditLogRole.Arn"]);
    assert!(is_denied);
    for (name, resource) in template["Resources"].as_mapping().unwrap() {
        let is_key = name == "LogSigningKey";
        assert!(is_key || !text(resource).contains("kms:Sign"), "{name:?} says who signs");
    }
}
