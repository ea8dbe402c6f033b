//! The idempotency of transactions: the same transaction with the same `ClientRequestToken` is carried out once in ten
//! minutes. dynoxide knows it, too, but reads all tokens of the ten minutes at every transaction, so that a run of many
//! transactions becomes slower and slower. So the token is kept here, and dynoxide gets the request without it.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::Bytes,
    http::{Response, StatusCode, header::CONTENT_TYPE},
};
use serde_json::{Value, json};
use tokio::sync::Mutex as AsyncMutex;

const WINDOW: Duration = Duration::from_mins(10);
const MAX_TOKEN_CHARACTERS: usize = 36;

/// The tokens of the last ten minutes. Copies are the same tokens.
#[derive(Debug, Clone, Default)]
pub(crate) struct Transactions(Arc<Mutex<Tokens>>);

#[derive(Debug, Default)]
struct Tokens {
    slots: HashMap<String, Slot>,
    /// The same tokens, the oldest first.
    order: VecDeque<(Instant, String)>,
}

/// Locked while the transaction is carried out. `None` if it failed: then it may be tried again.
type Slot = Arc<AsyncMutex<Option<Done>>>;

#[derive(Debug)]
struct Done {
    /// The hash of the request: the requests of ten minutes would take gigabytes.
    request: u64,
    response: Response<Bytes>,
}

/// A transaction without its token.
#[derive(Debug)]
pub(crate) struct Transaction {
    token: String,
    request: Value,
}

impl Transaction {
    /// Takes the token out of a request's body. `None` if it has none, or one that is to be rejected.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let mut request: Value = serde_json::from_slice(body).ok()?;
        let token = request.as_object_mut()?.remove("ClientRequestToken")?.as_str()?.to_owned();
        (1..=MAX_TOKEN_CHARACTERS).contains(&token.chars().count()).then_some(Self { token, request })
    }
}

impl Transactions {
    /// Carries out a transaction of an operation with `send`, which gets its body, unless it was carried out already.
    pub(crate) async fn once(
        &self,
        operation: &str,
        transaction: Transaction,
        send: impl AsyncFnOnce(String) -> Response<Bytes>,
    ) -> Response<Bytes> {
        let Transaction { token, request } = transaction;
        let slot = self.slot(format!("{operation} {token}"));
        let mut done = slot.lock().await;
        let body = request.to_string();
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let request = hasher.finish();
        match &*done {
            Some(done) if done.request == request => return done.response.clone(),
            Some(_) => return mismatch(),
            None => {}
        }
        let response = send(body).await;
        if response.status() == StatusCode::OK {
            *done = Some(Done { request, response: response.clone() });
        }
        response
    }

    fn slot(&self, key: String) -> Slot {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((_, key)) = tokens.order.pop_front_if(|(at, _)| at.elapsed() > WINDOW) {
            tokens.slots.remove(&key);
        }
        if let Some(slot) = tokens.slots.get(&key) {
            return Arc::clone(slot);
        }
        tokens.order.push_back((Instant::now(), key.clone()));
        Arc::clone(tokens.slots.entry(key).or_default())
    }
}

fn mismatch() -> Response<Bytes> {
    let kind = "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException";
    let body = json!({ "__type": kind, "message": "The token was used for another transaction" }).to_string();
    let response = Response::builder().status(StatusCode::BAD_REQUEST);
    response.header(CONTENT_TYPE, "application/x-amz-json-1.0").body(body.into()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn once(transactions: &Transactions, body: &Value, status: StatusCode) -> (StatusCode, String) {
        let parsed = Transaction::parse(body.to_string().as_bytes()).unwrap();
        let send = async |body: String| Response::builder().status(status).body(body.into()).unwrap();
        let response = transactions.once("TransactWriteItems", parsed, send).await;
        (response.status(), String::from_utf8_lossy(response.body()).into_owned())
    }

    #[tokio::test]
    async fn a_token_stands_for_one_transaction() {
        let transactions = Transactions::default();
        let body = |items: &str| json!({ "ClientRequestToken": "t", "TransactItems": items });
        let sent = r#"{"TransactItems":"a"}"#.to_owned();
        let failed = StatusCode::SERVICE_UNAVAILABLE;
        assert_eq!(once(&transactions, &body("a"), failed).await, (failed, sent.clone()));
        assert_eq!(once(&transactions, &body("a"), StatusCode::OK).await, (StatusCode::OK, sent.clone()));
        assert_eq!(once(&transactions, &body("a"), failed).await, (StatusCode::OK, sent));
        let (status, text) = once(&transactions, &body("b"), StatusCode::OK).await;
        assert!(status == StatusCode::BAD_REQUEST && text.contains("IdempotentParameterMismatch"), "{text}");
    }

    #[test]
    fn a_request_without_a_valid_token_stays_as_it_is() {
        for body in ["{}", "[", r#"{"ClientRequestToken":""}"#, r#"{"ClientRequestToken":7}"#] {
            assert!(Transaction::parse(body.as_bytes()).is_none(), "{body}");
        }
        let long = json!({ "ClientRequestToken": "x".repeat(37) }).to_string();
        assert!(Transaction::parse(long.as_bytes()).is_none());
    }
}
