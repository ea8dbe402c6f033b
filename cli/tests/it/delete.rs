//! `efface identifier delete`, and its older name, against an API that closes the connection, is busy, or rejects the request.

use clap::Parser;
use efface_cli::{Cli, CliError, Interrupts, Output};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use crate::efface;

/// A server that sends the given responses, closes the connection for `None`, and returns the requests that it
/// received.
async fn scripted(script: Vec<Option<&'static str>>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut requests = Vec::new();
        for response in script {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = String::new();
            while !request.ends_with("]}") {
                let mut buffer = [0; 4_096];
                let read = stream.read(&mut buffer).await.unwrap();
                request.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
            }
            requests.push(request);
            if let Some(response) = response {
                stream.write_all(response.as_bytes()).await.unwrap();
            }
        }
        requests
    });
    (url, server)
}

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    let lines = request.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value).next().unwrap_or_default()
}

async fn delete(url: &str) -> Result<Output, CliError> {
    let token = efface_aws::clock::token();
    let line = "efface identifier delete --yes --space spa_demo --user-id a/b --type email --id -x".split(' ');
    let cli = Cli::try_parse_from(line.chain(["--api-url", url])).map_err(|error| error.to_string()).unwrap();
    let env = |name: &str| (name == "EFFACE_TOKEN").then(|| token.expose().to_owned());
    efface_cli::run(&cli, &env, &Interrupts::never()).await
}

const BUSY: &str =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const DELETED: &str = "HTTP/1.1 200 OK\r\nRequest-Id: r-1\r\nContent-Length: 68\r\nConnection: close\r\n\r\n\
                       {\"code\":\"success\",\"message\":\"External identifier has been deleted.\"}";
const GONE: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 77\r\nConnection: close\r\n\r\n\
                    {\"error\":{\"code\":\"eid_not_found\",\"message\":\"External identifier not found.\"}}";

#[tokio::test]
async fn a_deletion_is_repeated_with_the_same_key_until_there_is_a_response() {
    let (url, server) = scripted(vec![None, Some(BUSY), Some(DELETED)]).await;
    let output = delete(&url).await.unwrap();
    assert_eq!((output.exit, &output.json["code"], &output.json["attempts"]), (0, &json!("success"), &json!(3)));
    assert_eq!(output.text, "External identifier has been deleted. (request r-1)");
    let requests = server.await.unwrap();
    let key = output.json["idempotency_key"].as_str().unwrap();
    for request in &requests {
        assert_eq!(header(request, "idempotency-key"), key);
        let path = "/v1/spaces/spa_demo/collections/users/profiles/user_id:a%2Fb/external_ids/delete";
        assert!(request.starts_with(&format!("POST {path} HTTP/1.1\r\n")));
        assert!(header(request, "authorization").starts_with("Basic "));
        assert!(request.ends_with(r#"{"delete_external_ids":[{"id":"-x","type":"email"}]}"#));
    }
}

#[tokio::test]
async fn an_api_error_is_not_retried() {
    let (url, _server) = scripted(vec![Some(GONE)]).await;
    let error = delete(&url).await.unwrap_err();
    assert_eq!((error.exit_code(), error.code()), (1, "eid_not_found"));
}

#[tokio::test]
async fn a_missing_response_names_the_key_for_a_repetition() {
    let (url, _server) =
        scripted(vec![Some("HTTP/1.1 429 Slow\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n")]).await;
    let error = delete(&url).await.unwrap_err();
    assert_eq!((error.exit_code(), error.code()), (3, "unavailable"));
    assert!(error.to_string().contains("retry after 3600 s") && error.to_string().contains("--idempotency-key cli-"));
}

#[tokio::test]
async fn the_identifier_can_come_from_standard_input() {
    let (url, server) = scripted(vec![Some(DELETED)]).await;
    let settings = || {
        let token = efface_aws::clock::token().expose().to_owned();
        [("EFFACE_API_URL", url.clone()), ("EFFACE_TOKEN", token), ("EFFACE_SPACE", "spa_demo".to_owned())]
    };
    let run =
        efface(&["delete", "-", "--yes"], settings(), "{\"user_id\":\"a/b\",\"type\":\"email\",\"id\":\"-x\"}\n").await;
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let requests = server.await.unwrap();
    assert!(requests[0].starts_with("POST /v1/spaces/spa_demo/collections/users/profiles/user_id:a%2Fb/external_ids/"));
    assert!(requests[0].ends_with(r#"{"delete_external_ids":[{"id":"-x","type":"email"}]}"#));
    // Bad text is not shown; options beside `-`, and neither of them, are errors.
    for line in [
        &["delete", "-", "--yes"][..],
        &["delete", "-"],
        &["delete", "-", "--id", "a"],
        &["identifier", "delete", "--id", "a", "--user-id", "u"],
    ] {
        let run = efface(line, settings(), "{\"user_id\":\"secret\"}").await;
        assert_eq!(run.status.code(), Some(2), "{run:?}");
        assert!(!format!("{run:?}").contains("secret"), "{run:?}");
    }
}
