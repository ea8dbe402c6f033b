//! The OpenAPI document: current, complete and unambiguous.

use std::{collections::BTreeSet, fs, path::Path};

use efface_api::{ENDPOINTS, PermissionRule, endpoint::Method, openapi};
use serde_json::{Value, json};

fn committed() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/openapi.json")
}

fn document() -> Value {
    serde_json::from_str(&openapi::json().unwrap()).unwrap()
}

/// `EFFACE_UPDATE=1 cargo test -p efface-tests openapi` writes the document anew.
#[test]
fn the_committed_document_is_current() {
    let current = openapi::json().unwrap();
    if std::env::var_os("EFFACE_UPDATE").is_some() {
        fs::write(committed(), &current).unwrap();
    }
    let text = fs::read_to_string(committed()).unwrap_or_default();
    assert!(text == current, "infra/openapi.json is stale: run EFFACE_UPDATE=1 cargo test -p efface-tests openapi");
}

/// The tests here know the document's parts, not the whole standard: CI has a validator that others wrote.
#[test]
fn ci_validates_the_document() {
    let ci = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/run")).unwrap();
    assert!(ci.contains("-m openapi_spec_validator infra/openapi.json\n"));
}

/// The document follows from the table of endpoints. This also finds parts that were declared empty.
#[test]
fn every_endpoint_is_described() {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let described: usize = paths.values().map(|methods| methods.as_object().unwrap().len()).sum();
    assert_eq!(described, ENDPOINTS.len(), "two endpoints have the same method and path");
    let mut ids = BTreeSet::new();
    for endpoint in &ENDPOINTS {
        let spec = &endpoint.spec;
        let id = spec.id;
        assert!(ids.insert(id), "{id}: operation ids are unique");
        assert!(id.contains('_') && id.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{id}: verb_noun");
        let operation = &paths[spec.path][spec.method.as_str().to_lowercase()];
        assert_eq!(operation["operationId"], id);
        for text in ["summary", "description"] {
            assert!(operation[text].as_str().is_some_and(|text| text.len() > 5), "{id}: {text}");
        }
        assert!(operation["tags"][0].as_str().is_some_and(|tag| !tag.is_empty()), "{id}");
        assert!(!spec.time.is_zero(), "{id}");
        check_parameters(id, spec.path, spec.method, operation);
        check_responses(id, spec.permission, operation);
    }
}

fn check_parameters(id: &str, path: &str, method: Method, operation: &Value) {
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let count = |place: &str| parameters.iter().filter(|parameter| parameter["in"] == place).count();
    assert_eq!(count("path"), path.matches('{').count(), "{id}: each parameter of the path is known");
    let has_key = parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key");
    assert_eq!(has_key, method != Method::Get, "{id}: every write takes an Idempotency-Key");
    for parameter in &parameters {
        assert!(parameter["description"].as_str().is_some_and(|text| text.len() > 5), "{id}: {parameter}");
        assert!(parameter["schema"].is_object(), "{id}: {parameter}");
    }
}

fn check_responses(id: &str, permission: PermissionRule, operation: &Value) {
    let responses = operation["responses"].as_object().unwrap();
    assert!(responses.contains_key("200") || responses.contains_key("202"), "{id}");
    for (status, response) in responses {
        assert!(!response["description"].as_str().unwrap().is_empty(), "{id} {status}");
        // The successes of the old dialect are texts, and so are receipts; the log has files.
        let others = ["text/plain", "application/x-ndjson", "application/octet-stream"];
        let is_other = |media_type: &&str| response["content"][*media_type]["schema"].is_object();
        if status == "304" {
            assert!(response["content"].is_null(), "{id}: it has no body");
            continue;
        }
        assert!(
            status.starts_with('2') && others.iter().any(is_other)
                || response["content"]["application/json"]["schema"].is_object(),
            "{id} {status}"
        );
    }
    let is_open = permission == PermissionRule::Open;
    for status in ["401", "503"] {
        assert_eq!(responses.contains_key(status), !is_open, "{id} {status}");
    }
    let is_for_some = !matches!(permission, PermissionRule::Open | PermissionRule::AnyToken);
    assert_eq!(responses.contains_key("403"), is_for_some, "{id} 403");
    for status in ["400", "405", "500"] {
        assert!(responses.contains_key(status), "{id} {status}");
    }
    let takes_body = operation["requestBody"].is_object();
    assert!(!takes_body || ["413", "415"].iter().all(|status| responses.contains_key(*status)), "{id}");
    let has_key = operation["parameters"].to_string().contains("Idempotency-Key");
    assert!(!has_key || responses.contains_key("409"), "{id}: a key may be used for another request");
    assert_eq!(operation["security"] == json!([{}]), is_open, "{id}");
}

/// What a client does about a value in a path that is not encoded, it must know before it sends it.
#[test]
fn values_in_paths_come_with_a_warning() {
    let document = document();
    let mut warned = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for operation in operations.as_object().unwrap().values() {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                if parameter["in"] == "path" && ["profile", "identifier", "user"].contains(&name) {
                    let text = parameter["description"].as_str().unwrap();
                    assert!(text.contains("Percent-encode it") && text.contains("somebody else"), "{path}: {text}");
                    warned += 1;
                }
            }
        }
    }
    assert!(warned >= 7, "{warned}");
}

/// Every request that may get a 429 tells how much is left, with successes, too.
#[test]
fn limits_are_told_in_headers() {
    for (path, operations) in document()["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            let is_counted = responses.contains_key("429");
            for (status, response) in responses.iter().filter(|(status, _)| *status == "429" || status.starts_with('2'))
            {
                for name in ["RateLimit", "RateLimit-Policy"] {
                    assert_eq!(response["headers"][name].is_object(), is_counted, "{method} {path} {status}");
                }
            }
        }
    }
}

/// Generated clients get closed sets of words.
#[test]
fn words_are_enums() {
    let schemas = &document()["components"]["schemas"];
    let words = |name: &str| schemas[name]["enum"].as_array().map_or(0, Vec::len);
    let counts = ["JobState", "Action", "Outcome", "Reason"].map(words);
    assert_eq!(counts, [10, 3, 7, 2]);
    for (schema, field, component) in [
        ("Job", "state", "JobState"),
        ("Job", "action", "Action"),
        ("RowOutcome", "outcome", "Outcome"),
        ("ErrorDetail", "code", "ErrorCode"),
    ] {
        let reference = &schemas[schema]["properties"][field]["$ref"];
        assert_eq!(reference, &format!("#/components/schemas/{component}"), "{schema}.{field}");
    }
    assert!(schemas["DeletionRecord"]["properties"]["reason"].to_string().contains("schemas/Reason"));
    let codes: Vec<&str> = schemas["ErrorCode"]["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for code in ["eid_not_found", "rate_limit_error", "source_id_not_found", "invalid_state", "instance_not_found"] {
        assert!(codes.contains(&code), "{code}");
    }
}
