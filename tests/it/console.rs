//! The console's function: events in, files out; and the files that are built in are those of the sources.

use std::{collections::BTreeMap, fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use efface_core::role::{Permission, Role};
use efface_local::event::HttpRequest;
use efface_tests::Via;
use flate2::read::GzDecoder;
use lambda_http::{Adapter, Context, LambdaEvent, Service, request::LambdaRequest, service_fn};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::template::read;

const WEB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../functions/console/web");

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src \
    'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types \
    'none'";

struct Response {
    status: u64,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// Sends a request as an event, and reads the response as Lambda would pass it on.
async fn ask(via: Via, method: &str, target: &str, headers: &[(&str, &str)]) -> Response {
    let headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let event = via.event(&HttpRequest { method, target, headers: &headers, body: b"" });
    let event: LambdaRequest = serde_json::from_value(event).unwrap();
    let mut function = Adapter::from(service_fn(|request| async move { efface_console::respond(&request) }));
    let response = function.call(LambdaEvent::new(event, Context::default())).await.unwrap();
    let response = serde_json::to_value(response).unwrap();
    let text = |value: &Value| value.as_str().or_else(|| value[0].as_str()).unwrap_or_default().to_owned();
    let all = ["headers", "multiValueHeaders"].into_iter().filter_map(|name| response[name].as_object()).flatten();
    let body = text(&response["body"]);
    let is_base64 = response["isBase64Encoded"] == json!(true);
    Response {
        status: response["statusCode"].as_u64().unwrap(),
        headers: all.map(|(name, value)| (name.to_lowercase(), text(value))).collect(),
        body: if is_base64 { STANDARD.decode(body).unwrap() } else { body.into_bytes() },
    }
}

async fn get(target: &str, headers: &[(&str, &str)]) -> Response {
    ask(Via::Rest, "GET", target, headers).await
}

fn built(name: &str) -> Vec<u8> {
    fs::read(Path::new(WEB).join("dist").join(name)).unwrap()
}

#[tokio::test]
async fn the_files_are_served_through_each_event_source() {
    for via in [Via::Rest, Via::Decoding, Via::FunctionUrl, Via::Watch] {
        for (name, content_type) in [
            ("index.html", "text/html; charset=utf-8"),
            ("console.js", "text/javascript; charset=utf-8"),
            ("console.css", "text/css; charset=utf-8"),
            ("icon.svg", "image/svg+xml"),
            ("licences.txt", "text/plain; charset=utf-8"),
        ] {
            let target = format!("/console/{name}");
            let plain = ask(via, "GET", &target, &[]).await;
            assert_eq!((plain.status, plain.headers["content-type"].as_str()), (200, content_type), "{via:?} {name}");
            assert_eq!(plain.body, built(name), "{via:?} {name}");
            let gzip = ask(via, "GET", &target, &[("Accept-Encoding", "br, gzip;q=0.5")]).await;
            assert_eq!(
                (gzip.headers["content-encoding"].as_str(), gzip.headers["vary"].as_str()),
                ("gzip", "Accept-Encoding")
            );
            let inflated = std::io::read_to_string(GzDecoder::new(gzip.body.as_slice())).unwrap();
            assert_eq!(inflated.as_bytes(), plain.body, "{via:?} {name}");
            let head = ask(via, "HEAD", &target, &[]).await;
            assert_eq!((head.status, head.body.len(), &head.headers), (200, 0, &plain.headers), "{via:?} {name}");
        }
    }
}

#[tokio::test]
async fn every_response_has_the_strict_headers() {
    for target in ["/console", "/console/", "/console/index.html", "/console/console.js", "/console/nothing"] {
        let headers = get(target, &[]).await.headers;
        assert_eq!(headers["content-security-policy"], POLICY, "{target}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(headers[name], value, "{target}");
        }
        assert!(!headers.keys().any(|name| name.starts_with("access-control") || name == "set-cookie"), "{target}");
    }
}

/// The stage, and what a domain of the operator's puts before the path, are not in the addresses.
#[tokio::test]
async fn addresses_are_relative() {
    for (target, to) in [
        ("/console", "console/index.html"),
        ("/console/", "../console/index.html"),
        ("/base/console", "console/index.html"),
        ("/base/console/", "../console/index.html"),
    ] {
        let response = get(target, &[]).await;
        assert_eq!((response.status, response.headers["location"].as_str()), (308, to), "{target}");
    }
    assert_eq!(get("/base/console/index.html", &[]).await.status, 200);
    let page = String::from_utf8(built("index.html")).unwrap();
    let addresses = page.split(['"', '\'']).filter(|text| text.starts_with('/') || text.contains("://"));
    assert_eq!(addresses.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let gzip = ("Accept-Encoding", "gzip");
    let first = get("/console/console.js", &[gzip]).await;
    assert_eq!(first.headers["cache-control"], "no-cache");
    let etag = first.headers["etag"].as_str();
    let again = get("/console/console.js", &[gzip, ("If-None-Match", etag)]).await;
    assert_eq!((again.status, again.body.len(), again.headers["etag"].as_str()), (304, 0, etag));
    let plain = get("/console/console.js", &[("If-None-Match", etag)]).await;
    assert_eq!(plain.status, 200, "another form of the file has another name");
}

#[tokio::test]
async fn nothing_else_is_there() {
    for target in
        ["/console/x", "/console/console.js/", "/console/../v1", "/console/SOURCES", "/console/index.html/console.css"]
    {
        let response = get(target, &[]).await;
        let body: Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!((response.status, &body["error"]["code"]), (404, &json!("not_found")), "{target}");
    }
    let posted = ask(Via::Rest, "POST", "/console/index.html", &[]).await;
    assert_eq!((posted.status, posted.headers["allow"].as_str()), (405, "GET, HEAD"));
}

/// What `dist` was built from is what is there: else a change of the sources would not be served. This needs no Node. The types
/// of the API are left out, because they are no part of the script.
#[test]
fn the_built_files_are_those_of_the_sources() {
    let web = Path::new(WEB);
    let mut found: Vec<String> = [
        "index.html",
        "licences.ts",
        "package.json",
        "package-lock.json",
        "sources.ts",
        "tsconfig.json",
        "vite.config.ts",
    ]
    .map(str::to_owned)
    .into();
    for folder in ["src", "public"] {
        files(web, Path::new(folder), &mut found);
    }
    found.retain(|path| path != "src/api/schema.d.ts");
    found.sort();
    let line = |path: &String| {
        let digest = Sha256::digest(fs::read(web.join(path)).unwrap());
        digest.iter().fold(String::new(), |line, byte| line + &format!("{byte:02x}")) + "  " + path
    };
    let sources: Vec<String> = found.iter().map(line).collect();
    let listed = String::from_utf8(built("SOURCES")).unwrap();
    let listed: Vec<String> = listed.lines().map(str::to_owned).collect();
    let stale: Vec<&String> = sources
        .iter()
        .filter(|line| !listed.contains(line))
        .chain(listed.iter().filter(|line| !sources.contains(line)))
        .collect();
    assert!(stale.is_empty(), "the console is stale: `npm --prefix functions/console/web run build`. {stale:#?}");
}

fn files(web: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(web.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            files(web, &path, found);
        } else {
            found.push(path.to_str().unwrap().to_owned());
        }
    }
}

/// The console says which roles may do what: as the API decides it.
#[test]
fn the_console_names_the_roles_that_may() {
    let source = read("functions/console/web/src/session/permission.ts");
    let table = source.split_once("const ROLES").unwrap().1.split_once("};").unwrap().0;
    let table: String = table.split_whitespace().collect();
    for permission in Permission::ALL {
        let name = serde_json::to_value(permission).unwrap();
        let roles: Vec<String> = Role::ALL
            .into_iter()
            .filter(|role| role.may(permission))
            .map(|role| serde_json::to_string(&role).unwrap())
            .collect();
        let row = table.split_once(&format!("{}:[", name.as_str().unwrap())).unwrap().1.split_once(']').unwrap().0;
        let mut told: Vec<&str> = row.split(',').filter(|role| !role.is_empty()).collect();
        let mut expected: Vec<&str> = roles.iter().map(String::as_str).collect();
        told.sort_unstable();
        expected.sort_unstable();
        assert_eq!(told, expected, "{name}");
    }
}

#[test]
fn its_function_may_write_its_log_and_nothing_else() {
    let template = crate::template::template();
    let role = &template["Resources"]["ConsoleRole"]["Properties"];
    let policies = role["Policies"].as_sequence().unwrap();
    let statements = policies[0]["PolicyDocument"]["Statement"].as_sequence().unwrap();
    assert_eq!((policies.len(), statements.len(), role.get("ManagedPolicyArns")), (1, 1, None));
    let actions: Vec<&str> =
        statements[0]["Action"].as_sequence().unwrap().iter().filter_map(|action| action.as_str()).collect();
    assert_eq!(actions, ["logs:CreateLogStream", "logs:PutLogEvents"]);
    assert_eq!(template["Resources"]["ConsoleFunction"]["Properties"].get("Environment"), None, "it knows no secret");
}
