//! Checks that a browser gets the console through the gateway, below the stage.

use efface_local::{emulator::Emulator, error::LocalError, http::HttpResponse};

use crate::{gateway::Gateway, report::Report};

/// What the policy of every response begins with.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self';";

/// Checks the redirects, the page and its parts.
pub(crate) async fn check(gateway: &Gateway, report: &mut Report) -> Result<(), LocalError> {
    for (path, to) in [("/console", "console/index.html"), ("/console/", "../console/index.html")] {
        let response = gateway.get(path, None).await?;
        // The client has followed the redirect: what it got is the page.
        let is_page = response.status == 200 && response.text.contains("<div id=\"root\">");
        report.check(&format!("{path} leads to {to}, relative to the stage"), is_page, describe(&response));
    }
    for (name, begin) in [
        ("index.html", "<!doctype html>"),
        ("console.js", ""),
        ("console.css", ""),
        ("icon.svg", "<svg"),
        ("licences.txt", "The script of the console"),
    ] {
        let response = gateway.get(&format!("/console/{name}"), None).await?;
        let is_strict = header(&response, "content-security-policy").starts_with(POLICY);
        let is_there = response.status == 200 && response.text.starts_with(begin) && !response.text.is_empty();
        report.check(&format!("the console's {name} with its policy"), is_strict && is_there, describe(&response));
        let etag = header(&response, "etag");
        let again = gateway.send_with("GET", &format!("/console/{name}"), &[("if-none-match", etag)], "").await?;
        report.check(&format!("the console's {name} is not sent again"), again.status == 304, describe(&again));
    }
    let response = gateway.get("/console/nothing", None).await?;
    report.check("what the console does not have", response.status == 404, describe(&response));
    Ok(())
}

/// Checks that a stack without the console has no function for it, and an API.
pub(crate) async fn check_off(
    emulator: &Emulator,
    stack: &str,
    gateway: &Gateway,
    report: &mut Report,
) -> Result<(), LocalError> {
    let there = emulator.function_timeout(&format!("{stack}-console")).await;
    report.check("a stack with Console=off has no function for it", there.is_err(), "it is there");
    let response = gateway.get("/console/index.html", None).await?;
    report.check("a stack with Console=off has no console", response.status != 200, describe(&response));
    Ok(())
}

fn describe(response: &HttpResponse) -> String {
    format!("{} {}", response.status, response.text.chars().take(200).collect::<String>())
}

fn header<'a>(response: &'a HttpResponse, name: &str) -> &'a str {
    response.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
