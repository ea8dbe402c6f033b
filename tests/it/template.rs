//! The SAM template and settings: they agree with the documentation and avoid mistakes that no tool reports.

use std::{fs, path::Path};

use serde_yaml_ng::Value;

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

pub(crate) fn template() -> Value {
    serde_yaml_ng::from_str(&read("infra/template.yaml")).unwrap()
}

/// The value at a dotted path as text; a `!Ref` to a parameter is the parameter's default.
pub(crate) fn at(template: &Value, path: &str) -> String {
    let mut value = template;
    for part in path.split('.') {
        value = match part.parse::<usize>() {
            Ok(index) => &value[index],
            Err(_) => &value[part],
        };
    }
    match value {
        Value::Tagged(tagged) if tagged.tag == "Ref" => {
            let default = &template["Parameters"][tagged.value.as_str().unwrap()]["Default"];
            text(default)
        }
        value => text(value),
    }
}

pub(crate) fn text(value: &Value) -> String {
    serde_yaml_ng::to_string(value).unwrap().trim().trim_matches('\'').to_owned()
}

/// Compares each row of the page's table of settings with the template.
#[test]
fn the_data_retention_page_agrees_with_the_template() {
    let template = template();
    let page = read("docs/data-retention.md");
    let mut rows = 0;
    for line in page.lines().filter(|line| line.contains("| `Resources.")) {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        assert_eq!(at(&template, cells[2]), cells[3], "{}", cells[2]);
        rows += 1;
    }
    assert!(rows >= 12, "the table has only {rows} rows");
}

/// The statements of one policy of a role.
pub(crate) fn statements(template: &Value, role: &str, policy: &str) -> Vec<Value> {
    let policies = policies(&template["Resources"][role]);
    let policy = policies.iter().find(|found| found["PolicyName"] == *policy).unwrap();
    policy["PolicyDocument"]["Statement"].as_sequence().unwrap().clone()
}

/// The policies of a role, also those that it has only under a condition.
fn policies(role: &Value) -> Vec<Value> {
    let policies = role["Properties"]["Policies"].as_sequence().cloned().unwrap_or_default();
    let plain = |policy| match policy {
        Value::Tagged(choice) => choice.value[1].clone(),
        policy => policy,
    };
    policies.into_iter().map(plain).collect()
}

/// The same, each as `<actions> on <resource or kinds of items>`, with the attributes if they are restricted.
fn rights(template: &Value, role: &str, policy: &str) -> Vec<String> {
    let statements = statements(template, role, policy);
    statements.iter().map(|statement| format!("{} on {}", actions(statement), target(statement))).collect()
}

fn actions(statement: &Value) -> String {
    assert_eq!(text(&statement["Effect"]), "Allow");
    match &statement["Action"] {
        Value::Sequence(many) => many.iter().map(text).collect::<Vec<_>>().join(" "),
        one => text(one),
    }
}

/// The kinds of items, the stream, or the queue. Panics for a statement on a table that is not restricted to kinds of items.
fn target(statement: &Value) -> String {
    let words = |values: &Value| values.as_sequence().unwrap().iter().map(text).collect::<Vec<_>>().join(" ");
    let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    let attributes = &statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"];
    match &statement["Resource"] {
        Value::Tagged(stream) if reference(&stream.value[1]).contains("/stream/") => {
            reference(&stream.value[1]).to_owned()
        }
        Value::Tagged(journal) if journal.value[0] == "MakesJournal" => format!("{} of the journal", words(keys)),
        Value::Tagged(table) if table.value[0] == "MakesTable" && attributes.is_null() => words(keys),
        Value::Tagged(table) if table.value[0] == "MakesTable" => format!("{} ({})", words(keys), words(attributes)),
        Value::Tagged(resource) => text(&resource.value),
        Value::Sequence(resources) => resources.iter().map(reference).collect::<Vec<_>>().join(" "),
        everything => text(everything),
    }
}

/// The permissions on the table, listed in full so that every new one is a deliberate change of this test.
#[test]
fn the_functions_have_the_least_rights() {
    let template = template();
    let read = "dynamodb:GetItem dynamodb:BatchGetItem dynamodb:Query";
    assert_eq!(
        rights(&template, "ApiRole", "store"),
        [
            &format!("{read} on T#* S#* I#* P#* G#* M#* C#* J#* E#* Q#* O#* F#* L#* Y#* X#* Z#*"),
            "dynamodb:ConditionCheckItem on I#* M#* J#*",
            "dynamodb:UpdateItem on I#* R#* P#* J#* O#* Y#*",
            "dynamodb:UpdateItem on S#* (pk sk source version changed_at changed_by)",
            "dynamodb:UpdateItem on T#* (pk sk last_used_at)",
            "dynamodb:PutItem on G#* M#* K#* Q#* J#* E#* O#* F#* L#* N#* X#*",
            "dynamodb:PutItem on P#* (pk sk)",
            "dynamodb:BatchWriteItem on P#* M#* X#*",
            "dynamodb:DeleteItem on P#* G#* M#* L#* N#*",
        ]
    );
    assert_eq!(
        rights(&template, "BulkWorkerRole", "store"),
        [
            &format!("{read} on I#* P#* G#* M#* J#* Q#* O#* F#* X#* Z#*"),
            "dynamodb:ConditionCheckItem on I#* J#*",
            "dynamodb:UpdateItem on I#* P#* J#* O#* Y#*",
            "dynamodb:PutItem on G#* M#* J#* Q#* O#* F#* L#* E#* X#*",
            "dynamodb:BatchWriteItem on P#* M#*",
            "dynamodb:DeleteItem on G#* M#* L#*",
        ]
    );
    // The reconciler decides rows as the worker does, and keeps the list of live jobs.
    assert_eq!(
        rights(&template, "JobReconcilerRole", "store"),
        [
            &format!("{read} on I#* P#* G#* M#* J#* Q#* O#* F#* N#* X#* Z#*"),
            "dynamodb:ConditionCheckItem on I#* J#*",
            "dynamodb:UpdateItem on I#* P#* J#* O#* Y#* N#*",
            "dynamodb:PutItem on G#* M#* J#* Q#* O#* F#* L#* E#* N#* X#*",
            "dynamodb:BatchWriteItem on P#* M#*",
            "dynamodb:DeleteItem on G#* M#* L#* N#*",
        ]
    );
    // Of the table it sees the stream only. No entry and no head of the journal can be removed, and no pack be changed.
    assert_eq!(
        rights(&template, "ChangeCaptureRole", "stream"),
        [
            "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams on ${Table.Arn}/stream/*"
        ]
    );
    assert_eq!(
        rights(&template, "ChangeCaptureRole", "journal"),
        [
            "dynamodb:GetItem on H#* of the journal",
            "dynamodb:Query on P#* of the journal",
            "dynamodb:BatchGetItem on N#* of the journal",
            "dynamodb:PutItem on P#* W#* of the journal",
            "dynamodb:UpdateItem on H#* D#* of the journal",
            "dynamodb:BatchWriteItem on N#* J#* R#* of the journal",
        ]
    );
    assert_eq!(
        rights(&template, "AuditLogRole", "journal"),
        [
            "dynamodb:GetItem on H#* of the journal",
            "dynamodb:Query on P#* W#* of the journal",
            "dynamodb:UpdateItem on H#* of the journal",
            "dynamodb:DeleteItem on W#* of the journal",
        ]
    );
    assert_eq!(
        rights(&template, "ApiRole", "journal"),
        ["dynamodb:GetItem on H#* P#* of the journal", "dynamodb:Query on P#* N#* J#* R#* D#* of the journal"]
    );
    assert_eq!(
        rights(&template, "ApiRole", "files"),
        [
            "s3:GetObject on ${LogBucket.Arn}/* ${LogPartialBucket.Arn}/*",
            "s3:ListBucket on LogBucket.Arn LogPartialBucket.Arn",
        ]
    );
    // Nothing in the locked bucket can be deleted, and no lock be lifted or shortened.
    assert_eq!(
        rights(&template, "AuditLogRole", "files"),
        [
            "s3:GetObject s3:PutObject on ${LogBucket.Arn}/*",
            "s3:ListBucket on LogBucket.Arn LogPartialBucket.Arn",
            "s3:GetObject s3:PutObject s3:DeleteObject on ${LogPartialBucket.Arn}/*",
        ]
    );
}

/// A restored table takes the place of the stack's own: everything that names the one names the other, too, and the
/// stack's own stays when the stack lets go of it. The same for the journal's table.
#[test]
fn an_existing_table_can_take_the_place_of_the_stacks_own() {
    let text = read("infra/template.yaml");
    for (table, condition, least) in [("Table", "MakesTable", 10), ("JournalTable", "MakesJournal", 5)] {
        let named = [format!(" {table},"), format!(" {table}]"), format!(" {table}."), format!("{{{table}.")];
        let mut uses = 0;
        for line in text.lines().filter(|line| named.iter().any(|name| line.contains(name.as_str()))) {
            let (_, choice) = line
                .split_once(&format!("!If [{condition}, "))
                .unwrap_or_else(|| panic!("only the stack's own:{line}"));
            let (_, existing) = choice.split_once(", ").unwrap();
            let of_existing = [
                format!("!Ref Existing{table}]"),
                format!(":table/${{Existing{table}}}']"),
                format!(":table/${{Existing{table}}}/stream/*']"),
                format!("!Ref Existing{table}Stream]"),
            ];
            assert!(of_existing.iter().any(|end| existing.ends_with(end.as_str())), "{line}");
            uses += 1;
        }
        assert!(uses > least, "{table} is used {uses} times");
        let template = template();
        assert_eq!(at(&template, &format!("Resources.{table}.Condition")), condition);
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            assert_eq!(at(&template, &format!("Resources.{table}.{policy}")), "Retain");
        }
    }
}

/// The permissions on the queues.
#[test]
fn the_functions_may_use_their_own_queues_only() {
    let template = template();
    assert_eq!(rights(&template, "ApiRole", "queues"), ["sqs:SendMessage on Queue.Arn"]);
    assert_eq!(rights(&template, "ApiRole", "publisher"), ["sqs:SendMessage on LogQueue.Arn"]);
    assert_eq!(
        rights(&template, "BulkWorkerRole", "queues"),
        [
            "sqs:ReceiveMessage sqs:DeleteMessage sqs:ChangeMessageVisibility sqs:GetQueueAttributes on Queue.Arn",
            "sqs:SendMessage on Queue.Arn",
        ]
    );
    assert_eq!(
        rights(&template, "JobReconcilerRole", "queues"),
        [
            "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes on DeadLetterQueue.Arn",
            "sqs:SendMessage on Queue.Arn",
        ]
    );
    assert_eq!(
        rights(&template, "ChangeCaptureRole", "queues"),
        [
            "sqs:SendMessage on AsideQueue.Arn",
            "sqs:SendMessage on LogQueue.Arn",
            "sqs:SendMessage on LostChangesQueue.Arn",
        ]
    );
    assert_eq!(
        rights(&template, "AuditLogRole", "queues"),
        [
            "sqs:ReceiveMessage sqs:DeleteMessage sqs:ChangeMessageVisibility sqs:GetQueueAttributes on LogQueue.Arn",
            "sqs:SendMessage on LogQueue.Arn",
        ]
    );
}

/// Holds for every role of the template, so also for new ones.
#[test]
fn no_role_may_scan_the_table_or_remove_an_identifier() {
    let template = template();
    assert!(!read("infra/template.yaml").contains("dynamodb:Scan"), "items are read by their keys only");
    let mut roles = 0;
    for (name, resource) in template["Resources"].as_mapping().unwrap() {
        let policies = policies(resource);
        if policies.is_empty() {
            continue;
        }
        for policy in policies {
            for right in rights(&template, name.as_str().unwrap(), policy["PolicyName"].as_str().unwrap()) {
                let (actions, target) = right.split_once(" on ").unwrap();
                assert!(!actions.contains('*') && !target.starts_with('*'), "{name:?} may do anything: {right}");
                let removes = actions.contains("DeleteItem") || actions.contains("BatchWriteItem");
                let is_of_journal = target.ends_with("of the journal");
                assert!(
                    !(removes && !is_of_journal && target.contains("I#*")),
                    "{name:?} removes identifiers: {right}"
                );
                let is_record = is_of_journal && (target.contains("H#*") || target.contains("P#*"));
                assert!(!(removes && is_record), "{name:?} removes entries: {right}");
            }
        }
        roles += 1;
    }
    // That of the console has its log only.
    assert_eq!(roles, 6);
}

/// The functions of the template, by name.
pub(crate) fn functions(template: &Value) -> Vec<(String, Value)> {
    of_type(template, "AWS::Serverless::Function")
}

pub(crate) fn of_type(template: &Value, kind: &str) -> Vec<(String, Value)> {
    let resources = template["Resources"].as_mapping().unwrap().iter();
    let found = resources.filter(|(_, resource)| resource["Type"] == *kind);
    found.map(|(name, resource)| (name.as_str().unwrap().to_owned(), resource.clone())).collect()
}

/// What a `!GetAtt` or `!Ref` names.
pub(crate) fn reference(value: &Value) -> &str {
    match value {
        Value::Tagged(tagged) => tagged.value.as_str().unwrap_or_default(),
        _ => "",
    }
}

/// By default Lambda stops a chain of invocations that goes through one queue 16 times. A function that sends to the
/// queue which invokes it must allow that, and an alarm tells when Lambda does it all the same.
#[test]
fn functions_behind_their_own_queue_may_invoke_themselves() {
    let template = template();
    let alarms = of_type(&template, "AWS::CloudWatch::Alarm");
    let mut own = Vec::new();
    // The console's function has no queue.
    for (name, function) in functions(&template).into_iter().filter(|(name, _)| name != "ConsoleFunction") {
        let function = &function["Properties"];
        let role = reference(&function["Role"]).split('.').next().unwrap();
        let sends =
            statements(&template, role, "queues").into_iter().filter(|found| text(&found["Action"]).contains("Send"));
        let sends: Vec<String> = sends.map(|found| reference(&found["Resource"]).to_owned()).collect();
        let events = function["Events"].as_mapping().unwrap().values().filter(|event| event["Type"] == "SQS");
        if !events.into_iter().any(|event| sends.iter().any(|to| to == reference(&event["Properties"]["Queue"]))) {
            continue;
        }
        assert_eq!(function["RecursiveLoop"], "Allow", "{name}");
        let watches = |alarm: &Value| {
            alarm["Properties"]["MetricName"] == "RecursiveInvocationsDropped"
                && reference(&alarm["Properties"]["Dimensions"][0]["Value"]) == name
        };
        assert!(alarms.iter().any(|(_, alarm)| watches(alarm)), "no alarm watches {name}");
        own.push(name);
    }
    assert_eq!(own, ["BulkWorkerFunction", "AuditLogFunction"]);
}

/// SQS and Lambda need these settings to agree: a message stays hidden while Lambda may still retry it, and one that
/// always fails ends in the dead-letter queue.
#[test]
fn the_queues_fit_the_worker() {
    let template = template();
    let number = |path: &str| at(&template, path).parse::<u64>().unwrap();
    let worker = number("Resources.BulkWorkerFunction.Properties.Timeout");
    assert_eq!(number("Resources.Queue.Properties.VisibilityTimeout"), 6 * worker);
    assert_eq!(number("Resources.Queue.Properties.RedrivePolicy.maxReceiveCount"), 5);
    assert_eq!(
        number("Resources.Queue.Properties.MessageRetentionPeriod"),
        number("Resources.DeadLetterQueue.Properties.MessageRetentionPeriod")
    );
    let event = "Resources.BulkWorkerFunction.Properties.Events.Chunks.Properties";
    assert_eq!(at(&template, &format!("{event}.FunctionResponseTypes.0")), "ReportBatchItemFailures");
    assert_eq!(number(&format!("{event}.ScalingConfig.MaximumConcurrency")), 20);
    assert!(number("Resources.ApiFunction.Properties.Timeout") <= 29, "API Gateway waits for at most 29 s");
}

/// As those of the function, in `response.rs`.
#[test]
fn the_gateways_own_responses_have_the_functions_headers() {
    let template = template();
    let responses = template["Resources"]["Api"]["Properties"]["GatewayResponses"].as_mapping().unwrap();
    for (name, response) in responses {
        let headers = &response["ResponseParameters"]["Headers"];
        assert_eq!(headers["Request-Id"], "context.requestId", "{name:?}");
        assert_eq!(headers["X-Content-Type-Options"], "'nosniff'", "{name:?}");
    }
}

/// Each site says whom its alarms page. A site of customers cannot be deployed before somebody has decided it.
fn check_topic(site: &str, topics: &[&str]) {
    let [topic] = topics else { panic!("{site} sets AlarmTopicArn {} times", topics.len()) };
    assert_eq!(*topic == "none", site == "default", "{site}: {topic}");
    if site != "default" {
        assert!(topic.starts_with("SET-TO-") || topic.starts_with("arn:"), "{site}: {topic}");
    }
}

/// A client tells the gateway's 429 from the function's by the name of the limit.
#[test]
fn the_gateways_own_429_name_the_limit() {
    let template = template();
    let responses = &template["Resources"]["Api"]["Properties"]["GatewayResponses"];
    let limits = [
        ("THROTTLED", "requests-per-method-and-path", "${RequestsPerSecond}", 1),
        ("WAF_FILTERED", "requests-per-address", "${AddressRequestLimit}", 300),
    ];
    for (response, name, limit, seconds) in limits {
        let headers = &responses[response]["ResponseParameters"]["Headers"];
        let text = |name: &str| match &headers[name] {
            Value::Tagged(tagged) => tagged.value.as_str().unwrap().to_owned(),
            plain => plain.as_str().unwrap().to_owned(),
        };
        assert_eq!(text("RateLimit-Policy"), format!("'\"{name}\";q={limit};w={seconds}'"));
        assert_eq!(text("RateLimit"), format!("'\"{name}\";r=0;t={seconds}'"));
        assert_eq!(text("Retry-After"), format!("'{seconds}'"));
    }
}

/// SAM settings that would do the wrong thing without an error; the top of samconfig.toml explains them.
#[test]
fn samconfig_avoids_the_traps() {
    let settings: toml::Table = read("samconfig.toml").parse().unwrap();
    let sites = [
        ("default", "us-west-2"),
        ("na", "us-west-2"),
        ("euw1", "eu-west-1"),
        ("us", "us-east-1"),
        ("aws-tokyo", "ap-northeast-1"),
        ("ap03", "ap-northeast-1"),
        ("eu01", "eu-central-1"),
    ];
    for parameter in ["IdentifierKeySecret", "LogKeySecret"] {
        assert!(template()["Parameters"][parameter].is_mapping(), "{parameter}");
        assert!(template()["Parameters"][parameter]["Default"].is_null(), "a default would be shared: {parameter}");
    }
    let (mut stacks, mut secrets) = (Vec::new(), Vec::new());
    for (site, region) in sites {
        let command = |name: &str| settings[site][name]["parameters"].as_table().unwrap().clone();
        assert_eq!(command("global")["region"].as_str(), Some(region), "{site}");
        assert_eq!(command("build")["cached"].as_bool(), Some(false), "{site}: cached builds are stale");
        for name in ["build", "validate"] {
            assert_eq!(command(name)["template_file"].as_str(), Some("infra/template.yaml"), "{site} {name}");
        }
        for name in ["deploy", "global"] {
            assert!(!command(name).contains_key("template_file"), "{site} {name} would upload sources");
        }
        stacks.push(command("global")["stack_name"].as_str().unwrap().to_owned());
        let parameters = command("global")["parameter_overrides"].as_str().unwrap().to_owned();
        for parameter in ["IdentifierKeySecret=", "LogKeySecret="] {
            let secret = parameters.split(' ').find_map(|given| given.strip_prefix(parameter));
            secrets.push(secret.unwrap_or_default().to_owned());
        }
        let topics = parameters.split(' ').filter_map(|parameter| parameter.strip_prefix("AlarmTopicArn="));
        check_topic(site, &topics.collect::<Vec<_>>());
        // The default belongs to nobody, and cannot be changed once there is a log.
        let origins = parameters.split(' ').filter_map(|parameter| parameter.strip_prefix("LogOrigin="));
        assert_eq!(origins.count(), usize::from(site != "default"), "{site}");
    }
    secrets.sort();
    secrets.dedup();
    assert_eq!(secrets.len(), 2 * sites.len(), "each site has two secrets of its own: {secrets:?}");
    stacks.sort();
    stacks.dedup();
    assert_eq!(stacks.len(), sites.len(), "sites in one region need stacks of different names");
}

/// With `panic = "abort"` a panic would end all concurrent invocations of the process.
#[test]
fn the_release_profile_unwinds() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    assert_eq!(manifest["profile"]["release"]["panic"].as_str(), Some("unwind"));
    let cargo: toml::Table = read(".cargo/config.toml").parse().unwrap();
    assert_eq!(cargo["env"]["AWS_LC_SYS_NO_JITTER_ENTROPY"].as_str(), Some("1"));
}

/// The README's commands exist, and CI runs its test command.
#[test]
fn the_readme_names_the_commands_that_ci_runs() {
    let readme = read("README.md");
    assert!(readme.contains("cargo local ") && readme.contains("cargo test --workspace "));
    assert!(read(".ci/run").contains("\ncargo test --workspace\n"));
}

/// DynamoDB, SQS and the Lambda runtime speak HTTP/1.1. An HTTP/2 implementation is a twentieth of a function's size.
#[test]
fn the_functions_link_no_http2() {
    for function in
        ["efface-api", "efface-bulk-worker", "efface-job-reconciler", "efface-change-capture", "efface-console"]
    {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let tree = ["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none", "--package", function];
        let output = std::process::Command::new(cargo).args(tree).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let crates = String::from_utf8(output.stdout).unwrap();
        assert!(crates.contains("\nhyper v"), "{crates}");
        assert!(!crates.contains("\nh2 v"), "{function} links HTTP/2");
    }
}
