//! A KMS in memory with one Ed25519 key. It records what it has signed: of these messages, none can be taken back.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::faults::Fault;

type Plan = Box<dyn FnMut(&str) -> Fault + Send>;

#[derive(Default)]
struct Inner {
    signed: Vec<String>,
    plan: Option<Plan>,
    is_forging: bool,
    replaced: Option<SigningKey>,
}

/// A KMS in memory. Copies are the same.
#[derive(Clone)]
pub struct TestKms {
    /// The endpoint URL for the SDK.
    pub url: String,
    key: SigningKey,
    inner: Arc<Mutex<Inner>>,
}

impl TestKms {
    /// Starts one whose key has this seed.
    pub async fn start(seed: u8) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let this = Self { url, key: SigningKey::from_bytes(&[seed; 32]), inner: Arc::default() };
        let router = Router::new().fallback(respond).with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        this
    }

    /// Every message that was ever signed.
    pub fn signed(&self) -> Vec<String> {
        self.inner.lock().unwrap().signed.clone()
    }

    /// From now on this function decides what happens to each request, given the operation.
    pub fn plan(&self, plan: impl FnMut(&str) -> Fault + Send + 'static) {
        self.inner.lock().unwrap().plan = Some(Box::new(plan));
    }

    /// Injects no more faults.
    pub fn heal(&self) {
        self.inner.lock().unwrap().plan = None;
    }

    /// From now on its signatures are of another message.
    pub fn forge(&self) {
        self.inner.lock().unwrap().is_forging = true;
    }

    /// From now on the alias leads to the key of this seed.
    pub fn replace(&self, seed: u8) {
        self.inner.lock().unwrap().replaced = Some(SigningKey::from_bytes(&[seed; 32]));
    }

    fn key(&self) -> SigningKey {
        self.inner.lock().unwrap().replaced.clone().unwrap_or_else(|| self.key.clone())
    }

    fn carry_out(&self, operation: &str, request: &Value) -> Value {
        assert_eq!(request["KeyId"], "alias/test");
        if operation == "GetPublicKey" {
            let prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
            let der = [&prefix[..], self.key().verifying_key().as_bytes()].concat();
            return json!({ "KeyId": "-", "PublicKey": STANDARD.encode(der), "KeySpec": "ECC_NIST_EDWARDS25519" });
        }
        assert_eq!(operation, "Sign");
        assert_eq!((&request["MessageType"], &request["SigningAlgorithm"]), (&json!("RAW"), &json!("ED25519_SHA_512")));
        let message = STANDARD.decode(request["Message"].as_str().unwrap()).unwrap();
        assert!(message.len() <= 4_096);
        let key = self.key();
        let mut inner = self.inner.lock().unwrap();
        let signature = if inner.is_forging { key.sign(b"other") } else { key.sign(&message) };
        inner.signed.push(String::from_utf8(message).unwrap());
        json!({ "KeyId": "-", "Signature": STANDARD.encode(signature.to_bytes()), "SigningAlgorithm": "ED25519_SHA_512" })
    }
}

async fn respond(State(kms): State<TestKms>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body: Value = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap();
    let operation = parts.headers["x-amz-target"].to_str().unwrap().strip_prefix("TrentService.").unwrap().to_owned();
    let fault = kms.inner.lock().unwrap().plan.as_mut().map_or(Fault::None, |plan| plan(&operation));
    let failed = |status: u16, kind: &str| {
        let body = json!({ "__type": kind, "message": "injected" }).to_string();
        Response::builder().status(status).body(Body::from(body)).unwrap()
    };
    match fault {
        Fault::None => Response::new(Body::from(kms.carry_out(&operation, &body).to_string())),
        Fault::Throttle => failed(400, "ThrottlingException"),
        Fault::Refuse => failed(400, "AccessDeniedException"),
        Fault::LoseReply => {
            kms.carry_out(&operation, &body);
            failed(500, "KMSInternalException")
        }
        Fault::ServerError | Fault::LoseRequest => failed(500, "KMSInternalException"),
        other => panic!("no fault of KMS: {other:?}"),
    }
}
