//! Signs a browser in to the console with a one-time code, so that no token is in an address, a history or a shell's log.
//!
//! `cargo local` prints a link with a code. The page takes the code out of its address, and exchanges it for the owner's token
//! of the demo space. A code works once, for a minute, and only for a page that this server has served.

use std::{
    collections::HashMap,
    sync::Mutex,
    sync::PoisonError,
    time::{Duration, Instant},
};

use axum::http::{
    HeaderMap, StatusCode,
    header::{HOST, ORIGIN},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{Context, LocalError};

/// The path that the page exchanges its code at, beside `index.html`.
pub(crate) const PATH: &str = "/console/sign_in";

/// How long a code works.
const LIFE: Duration = Duration::from_mins(1);

/// The codes that wait to be used, and what they are exchanged for.
#[derive(Debug)]
pub struct SignIn {
    url: String,
    space: String,
    token: String,
    codes: Mutex<HashMap<String, Instant>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    code: String,
}

impl SignIn {
    /// For a space and its token, at the URL of the API.
    pub(crate) fn new(url: &str, space: &str, token: &str) -> Self {
        let (url, space, token) = (url.to_owned(), space.to_owned(), token.to_owned());
        Self { url, space, token, codes: Mutex::default() }
    }

    /// A link to the console with a new code.
    pub(crate) fn link(&self) -> Result<String, LocalError> {
        let mut code = [0; 18];
        getrandom::fill(&mut code).map_err(std::io::Error::other).context("randomness")?;
        let code = URL_SAFE_NO_PAD.encode(code);
        let link = format!("{}/console/index.html#code={code}", self.url);
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, made| made.elapsed() < LIFE);
        codes.insert(code, Instant::now());
        Ok(link)
    }

    /// The status and the body of the response to a request for a token.
    ///
    /// The port is open on the loopback interface alone. A page of another site can still reach it from the user's browser,
    /// also under a name of its own that leads here: so host and origin must be this server's.
    pub(crate) fn exchange(&self, headers: &HeaderMap, body: &[u8]) -> (StatusCode, Value) {
        let value = |name| headers.get(name).and_then(|value| value.to_str().ok());
        // A browser does not name the port of HTTP.
        let own = self.url.trim_start_matches("http://").trim_end_matches(":80");
        let host = value(HOST).filter(|host| *host == own || *host == own.replace("127.0.0.1", "localhost"));
        let origin = value(ORIGIN).map(|origin| origin.trim_start_matches("http://"));
        if host.is_none() || origin.is_some_and(|origin| Some(origin) != host) {
            return error(
                StatusCode::FORBIDDEN,
                "forbidden",
                "Only the console of this `cargo local` may sign in here.",
            );
        }
        let Ok(Exchange { code }) = serde_json::from_slice(body) else {
            return error(StatusCode::BAD_REQUEST, "bad_request", "The request body must be {\"code\":\"…\"}.");
        };
        let made = self.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(&code);
        if made.is_some_and(|made| made.elapsed() < LIFE) {
            return (StatusCode::OK, json!({ "space_id": self.space, "token": self.token }));
        }
        let text = "This link was used before, or is older than 60 seconds. Press Enter in the terminal of `cargo local` for a \
            new one.";
        error(StatusCode::UNAUTHORIZED, "link_expired", text)
    }
}

fn error(status: StatusCode, code: &str, message: &str) -> (StatusCode, Value) {
    (status, json!({ "error": { "code": code, "message": message } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://127.0.0.1:9000";

    fn exchange(sign_in: &SignIn, host: &str, origin: Option<&str>, code: &str) -> (u16, Value) {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        let (status, body) = sign_in.exchange(&headers, json!({ "code": code }).to_string().as_bytes());
        (status.as_u16(), body)
    }

    fn code(sign_in: &SignIn) -> String {
        sign_in.link().unwrap().split_once("/console/index.html#code=").unwrap().1.to_owned()
    }

    #[test]
    fn a_code_works_once() {
        let sign_in = SignIn::new(URL, "spa_demo", "eff_x");
        let code = code(&sign_in);
        let token = json!({ "space_id": "spa_demo", "token": "eff_x" });
        assert_eq!(exchange(&sign_in, "127.0.0.1:9000", Some(URL), &code), (200, token.clone()));
        assert_eq!(exchange(&sign_in, "127.0.0.1:9000", Some(URL), &code).0, 401, "a second time");
        assert_eq!(exchange(&sign_in, "127.0.0.1:9000", None, "x").0, 401);
        let other = self::code(&sign_in);
        assert_eq!(exchange(&sign_in, "localhost:9000", Some("http://localhost:9000"), &other), (200, token));
    }

    #[test]
    fn pages_of_others_get_no_token() {
        let sign_in = SignIn::new(URL, "spa_demo", "eff_x");
        let code = code(&sign_in);
        for (host, origin) in [
            ("127.0.0.1:9000", Some("http://evil.example")),
            ("evil.example:9000", Some("http://evil.example:9000")),
            ("evil.example:9000", None),
            ("127.0.0.1:9000", Some("http://localhost:9000")),
            ("127.0.0.1:9000", Some("null")),
            ("127.0.0.1", None),
        ] {
            assert_eq!(exchange(&sign_in, host, origin, &code).0, 403, "{host} {origin:?}");
        }
        assert_eq!(exchange(&sign_in, "127.0.0.1:9000", None, &code).0, 200, "the code was not used up");
    }

    #[test]
    fn a_code_ends_after_a_minute() {
        let sign_in = SignIn::new(URL, "spa_demo", "eff_x");
        let code = code(&sign_in);
        let made = Instant::now().checked_sub(LIFE).unwrap();
        sign_in.codes.lock().unwrap().insert(code.clone(), made);
        assert_eq!(exchange(&sign_in, "127.0.0.1:9000", Some(URL), &code).0, 401);
    }
}
