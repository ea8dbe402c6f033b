//! The template's settings that protect data: keys, TLS, logs, limits. No emulator applies them.

use serde_yaml_ng::Value;

use crate::template::{at, functions, read, reference, template, text};

/// A stream keeps the raw values of deleted identifiers for 24 h, so there is none without a reader.
#[test]
fn the_stream_is_off_until_a_function_reads_it() {
    let template = template();
    let mut events = Vec::new();
    for (_, function) in functions(&template) {
        events.extend(function["Properties"]["Events"].as_mapping().unwrap().values().cloned());
    }
    let is_read = events.iter().any(|event| event["Type"] == "DynamoDB");
    assert_eq!(!template["Resources"]["Table"]["Properties"]["StreamSpecification"].is_null(), is_read);
}

/// With a customer's key, it encrypts the table and the variables of every function, and every role may use it.
#[test]
fn a_customers_key_encrypts_the_table_and_all_variables() {
    let template = template();
    let is_key = |value: &Value| text(value) == "!If\n- HasKmsKey\n- !Ref KmsKeyArn\n- !Ref AWS::NoValue";
    assert_eq!(template["Parameters"]["KmsKeyArn"]["Default"], "");
    assert!(is_key(&template["Resources"]["Table"]["Properties"]["SSESpecification"]["KMSMasterKeyId"]));
    let policy = &template["Resources"]["KmsKeyPolicy"];
    assert_eq!(policy["Condition"], "HasKmsKey");
    let listed = policy["Properties"]["Roles"].as_sequence().unwrap();
    let roles: Vec<&str> = listed.iter().map(|value| reference(if_true(value))).collect();
    // The console's function has no variables.
    for (name, function) in functions(&template).into_iter().filter(|(name, _)| name != "ConsoleFunction") {
        assert!(is_key(&function["Properties"]["KmsKeyArn"]), "{name}");
        let role = reference(&function["Properties"]["Role"]);
        assert!(roles.iter().any(|known| role == format!("{known}.Arn")), "{name}");
    }
    // The key is used through DynamoDB and Lambda only.
    for statement in policy["Properties"]["PolicyDocument"]["Statement"].as_sequence().unwrap() {
        assert!(!statement["Condition"]["StringEquals"]["kms:ViaService"].is_null());
        assert_eq!(reference(&statement["Resource"]), "KmsKeyArn");
    }
}

/// What a value is where its condition, if it has one, is true: the roles of the journal's functions are there if the stack
/// has a journal.
fn if_true(value: &Value) -> &Value {
    match value {
        Value::Tagged(tagged) if tagged.tag == "If" => &tagged.value[1],
        value => value,
    }
}

/// Without these settings a regional API takes TLS 1.0.
#[test]
fn the_api_takes_tls_1_2_or_later() {
    let template = template();
    let api = "Resources.Api.Properties";
    assert_eq!(at(&template, &format!("{api}.SecurityPolicy")), "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09");
    assert_eq!(at(&template, &format!("{api}.EndpointAccessMode")), "STRICT");
}

/// An address is personal data, so the access log names it only where the parameter says so.
#[test]
fn the_access_log_names_addresses_only_on_request() {
    let template = template();
    assert_eq!(template["Parameters"]["LogSourceAddress"]["Default"], "false");
    let Value::Tagged(format) = &template["Resources"]["Api"]["Properties"]["AccessLogSetting"]["Format"] else {
        panic!("the format has no parameter")
    };
    let (always, address) = (text(&format.value[0]), text(&format.value[1]["Address"]));
    assert!(always.ends_with("${Address}}") && !always.contains("sourceIp"), "{always}");
    assert!(
        address.starts_with("!If\n- LogsSourceAddress\n- ',\"address\":\"$context.identity.sourceIp\"'"),
        "{address}"
    );
}

/// The gateway limits each method of each path by itself, so the limit of all is a product. The limit per address is made
/// only on request, because a web ACL costs money and the emulator does not know its association.
#[test]
fn the_limits_page_states_the_gateways_limits() {
    let template = template();
    let events =
        functions(&template).into_iter().filter_map(|(_, function)| function["Properties"].get("Events").cloned());
    let events: Vec<Value> =
        events.flat_map(|events| events.as_mapping().unwrap().values().cloned().collect::<Vec<_>>()).collect();
    let methods = events.iter().filter(|event| event["Type"] == "Api").count() as u64;
    let rate = template["Parameters"]["RequestsPerSecond"]["Default"].as_u64().unwrap();
    let (page, total) = (read("docs/limits.md"), methods * rate);
    let stated = format!("{methods} times as many, {},{:03} a second", total / 1_000, total % 1_000);
    assert!(page.contains(&stated), "docs/limits.md does not say: {stated}");
    assert!(page.contains("one method of one path"));
    assert_eq!(template["Parameters"]["AddressRequestLimit"]["Default"], 0);
    for name in ["WebAcl", "WebAclAssociation"] {
        assert_eq!(template["Resources"][name]["Condition"], "LimitsAddresses");
    }
    let rule = "Resources.WebAcl.Properties.Rules.0.Statement.RateBasedStatement";
    assert_eq!(at(&template, &format!("{rule}.AggregateKeyType")), "IP");
    assert_eq!(at(&template, &format!("{rule}.Limit")), "0");
    let blocked = "Resources.Api.Properties.GatewayResponses.WAF_FILTERED.StatusCode";
    assert_eq!(at(&template, blocked), "429");
}

/// Other users of a machine can see command lines. What the shell itself runs (`echo`, `export`) is not one.
#[test]
fn documented_commands_keep_secrets_out_of_process_lists() {
    let pages =
        ["README.md", "CONTRIBUTING.md", "docs/api.md", "docs/operations.md", "docs/workflows/delete-profiles.dig"];
    let shown = ["--secret-string \"$", "-u \"$", "-H \"Authorization", "-H 'Authorization", "--set efface.token="];
    for page in pages {
        let content = read(page);
        for line in content.lines() {
            let text = shown.iter().find(|text| line.contains(**text));
            assert!(text.is_none() && !(line.starts_with("efface ") && line.contains("eff_")), "{page}: {line}");
        }
    }
}
