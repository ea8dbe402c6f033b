//! The OpenAPI document: current, and as complete as the router.

use std::{fs, path::Path};

use efface_api::{openapi, route::Endpoint};
use serde_json::Value;

fn committed() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/openapi.json")
}

/// `EFFACE_UPDATE=1 cargo test -p efface-tests openapi` writes the document anew.
#[test]
fn the_committed_document_is_current() {
    let current = openapi::json();
    if std::env::var_os("EFFACE_UPDATE").is_some() {
        fs::write(committed(), &current).unwrap();
    }
    let text = fs::read_to_string(committed()).unwrap_or_default();
    assert!(text == current, "infra/openapi.json is stale: run EFFACE_UPDATE=1 cargo test -p efface-tests openapi");
}

#[test]
fn every_route_is_described_and_authorised() {
    let document: Value = serde_json::from_str(&openapi::json()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let described: usize = paths.values().map(|methods| methods.as_object().unwrap().len()).sum();
    assert_eq!(described, Endpoint::ALL.len(), "no description without a route");
    for endpoint in Endpoint::ALL {
        let operation = &paths[endpoint.template()][endpoint.method().to_lowercase()];
        assert!(operation["summary"].is_string() || operation["description"].is_string(), "{endpoint:?}");
        let is_open = operation["security"].as_array().is_some_and(|s| s.contains(&serde_json::json!({})));
        assert_eq!(is_open, endpoint.permission().is_none(), "{endpoint:?}");
        let responses = &operation["responses"];
        assert!(responses["200"].is_object() || responses["202"].is_object(), "{endpoint:?}");
        for status in ["401", "403", "503"] {
            let needed = endpoint.permission().is_some();
            assert_eq!(operation["responses"][status].is_object(), needed, "{endpoint:?} {status}");
        }
    }
}
