//! Serves the console: five files, which are built in. They are the same for everybody. The function knows no token, no
//! table and no other service: the page is a client of the public API, below the same address.

use lambda_http::{
    Body, Error, Request, RequestExt, Response,
    http::{
        HeaderMap, Method, StatusCode,
        header::{
            ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, VARY,
        },
        response::Builder,
    },
};

/// What the page may do: run its own script, use its own style sheet, and send requests to where it came from. No script can
/// be made of a text (contract).
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// The headers of every response.
const HEADERS: [(&str, &str); 7] = [
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ("Strict-Transport-Security", "max-age=31536000"),
];

/// A built file of the console.
struct File {
    name: &'static str,
    content_type: &'static str,
    content: &'static [u8],
    /// The content compressed with gzip.
    gzip: &'static [u8],
    /// A digest of the content.
    digest: &'static str,
}

/// A file by its name in `web/dist`.
macro_rules! file {
    ($name:literal, $content_type:literal) => {
        File {
            name: $name,
            content_type: $content_type,
            content: include_bytes!(concat!("../web/dist/", $name)),
            gzip: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")),
            digest: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".etag")),
        }
    };
}

static FILES: [File; 5] = [
    file!("index.html", "text/html; charset=utf-8"),
    file!("console.js", "text/javascript; charset=utf-8"),
    file!("console.css", "text/css; charset=utf-8"),
    file!("icon.svg", "image/svg+xml"),
    file!("licences.txt", "text/plain; charset=utf-8"),
];

/// The response to a request below `/console`. Addresses in it are relative: the stage is part of the path, and a domain of
/// the operator's may put more before it.
///
/// # Errors
/// Where no response can be made, which no request brings about.
pub fn respond(request: &Request) -> Result<Response<Body>, Error> {
    let id = request.lambda_context_ref().map_or("", |context| &context.request_id);
    let path = request.raw_http_path();
    let is_head = request.method() == Method::HEAD;
    if request.method() != Method::GET && !is_head {
        let response = response(StatusCode::METHOD_NOT_ALLOWED, id).header(ALLOW, "GET, HEAD");
        return error(response, is_head, "method_not_allowed", "This path answers GET and HEAD only.");
    }
    if path.ends_with("/console") {
        return redirect(id, "console/index.html");
    }
    let name = path.rsplit_once("/console/").map_or("", |(_, name)| name);
    if name.is_empty() && path.ends_with("/console/") {
        return redirect(id, "../console/index.html");
    }
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => file.response(id, request.headers(), is_head),
        None => error(response(StatusCode::NOT_FOUND, id), is_head, "not_found", "There is nothing at this path."),
    }
}

impl File {
    /// The file, compressed where the client takes that, or that it is as the client has it.
    fn response(&self, id: &str, headers: &HeaderMap, is_head: bool) -> Result<Response<Body>, Error> {
        let is_gzip = takes_gzip(headers);
        let etag = format!("\"{}{}\"", self.digest, if is_gzip { "-gzip" } else { "" });
        let is_known = values(headers, IF_NONE_MATCH).any(|known| known.trim_start_matches("W/") == etag);
        let status = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        let response = response(status, id).header(ETAG, etag).header(VARY, "Accept-Encoding");
        // A new version is seen at once: the browser asks each time, and mostly gets a 304.
        let response = response.header(CACHE_CONTROL, "no-cache").header(CONTENT_TYPE, self.content_type);
        let response = if is_gzip && !is_known { response.header(CONTENT_ENCODING, "gzip") } else { response };
        let content = if is_gzip { self.gzip } else { self.content };
        Ok(response.body(if is_head || is_known { Body::Empty } else { content.into() })?)
    }
}

fn response(status: StatusCode, id: &str) -> Builder {
    let response = Response::builder().status(status).header("Request-Id", id);
    HEADERS.iter().fold(response, |response, (name, value)| response.header(*name, *value))
}

/// A redirect to the page, relative to the request's own path.
fn redirect(id: &str, to: &str) -> Result<Response<Body>, Error> {
    let response = response(StatusCode::PERMANENT_REDIRECT, id).header(LOCATION, to);
    Ok(response.header(CACHE_CONTROL, "no-cache").body(Body::Empty)?)
}

/// An error in the form of the API's.
fn error(response: Builder, is_head: bool, code: &str, message: &str) -> Result<Response<Body>, Error> {
    let body = format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#);
    let response = response.header(CONTENT_TYPE, "application/json").header(CACHE_CONTROL, "no-store");
    Ok(response.body(if is_head { Body::Empty } else { body.into() })?)
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    values(headers, ACCEPT_ENCODING).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

/// The values of a header that is a list.
fn values(headers: &HeaderMap, name: lambda_http::http::HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
}
