//! CPU time of the handler beyond the SDK: that of a deletion, less that of its three store requests sent by the SDK alone.
//! The store is replaced by fixed replies in this process, without a network.

use std::fmt;

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Region},
};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use efface_api::{
    App,
    event::{EventSource, HttpEvent},
};
use efface_aws::{Store, clock::Clock};
use efface_core::{role::Role, token::Token};
use efface_tests::{
    Req, TestQueue, Via,
    app::{SPACE, keys},
    calls,
    store::TABLE,
};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

use crate::{quantile, row};

const BLOCKS: usize = 60;
const PER_BLOCK: u32 = 100;

/// A client whose fixed replies contain the token, its space and every identifier.
fn canned(token: &Token) -> Client {
    let hash = token.hash().to_string();
    client(move |operation, _| match operation {
        "GetItem" => identifier(),
        "BatchGetItem" => access(&hash),
        _ => "{}".to_owned(),
    })
}

/// A client whose replies come from a function of the operation and the request's body, without a network.
pub(crate) fn client(reply: impl Fn(&str, &str) -> String + Send + Sync + 'static) -> Client {
    let connector = SharedHttpConnector::new(Connector(reply));
    let http = http_client_fn(move |_, _| connector.clone());
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(aws_credential_types::Credentials::new("test", "test", None, None, "test"))
        .http_client(http);
    Client::from_conf(efface_aws::client::with_limits(config).build())
}

/// The SDK's connection, where the replies come from a function.
struct Connector<F>(F);

impl<F> fmt::Debug for Connector<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl<F: Fn(&str, &str) -> String + Send + Sync> HttpConnector for Connector<F> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers().get("x-amz-target").unwrap().rsplit('.').next().unwrap();
        let body = std::str::from_utf8(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let reply = (self.0)(operation, body);
        HttpConnectorFuture::ready(Ok(HttpResponse::new(StatusCode::try_from(200).unwrap(), reply.into())))
    }
}

fn identifier() -> String {
    json!({ "Item": {
        "pk": { "S": "I#spa_demo#x" }, "sk": { "S": "-" }, "state": { "S": "active" }, "type": { "S": "user_id" },
        "profile_id": { "S": "use_00000000000000000000000000000000" }, "value": { "S": "user_001" },
        "created_at": { "S": "2026-01-01T00:00:00.000Z" }, "event_time": { "S": "2026-01-01T00:00:00.000Z" }
    } })
    .to_string()
}

fn access(hash: &str) -> String {
    let created = json!({ "S": "2026-01-01T00:00:00.000Z" });
    json!({ "Responses": { TABLE: [
        { "pk": { "S": format!("T#{hash}") }, "sk": { "S": "-" }, "token_id": { "S": "tok_1" }, "hash": { "S": hash },
          "space_id": { "S": SPACE }, "role": { "S": Role::WorkspaceOwner.as_str() }, "created_at": created },
        { "pk": { "S": "S#spa_demo" }, "sk": { "S": "-" }, "activated": { "BOOL": true },
          "deletions_per_second": { "N": "1000000" }, "deletions_per_second_per_profile": { "N": "1000000" },
          "source": { "M": { "id": { "S": "src_1" }, "name": { "S": "profile-api-source" },
                             "state": { "S": "attached" } } },
          "created_at": created }
    ] } })
    .to_string()
}

/// CPU time of this thread, in microseconds.
pub(crate) fn cpu() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "seconds and nanoseconds of one process are small")]
    let micros = now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3;
    micros
}

/// Measures the CPU time of a deletion through the handler, and of its store requests alone, in microseconds. Each is the
/// median over blocks.
pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let token = Token::from_random([5; 32]);
    let client = canned(&token);
    let app = App::new(
        Store::new(client.clone(), TABLE),
        TestQueue::default().queue(),
        keys(),
        Clock::system(),
        EventSource::Rest,
    );
    let event = Req::delete(SPACE, "user_001", "email", "example@gmail.com").token(token.expose()).event(Via::Rest);
    let event = event.to_string();
    let (mut handled, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..BLOCKS {
        let start = cpu();
        for _ in 0..PER_BLOCK {
            let event: HttpEvent = serde_json::from_str(&event).unwrap();
            let response = runtime.block_on(app.handle(event));
            assert_eq!(response["statusCode"], 200);
        }
        let middle = cpu();
        for _ in 0..PER_BLOCK {
            runtime.block_on(calls::bare_deletion(&client, "I#spa_demo#lookup", "I#spa_demo#target"));
        }
        handled.push((middle - start) / f64::from(PER_BLOCK));
        bare.push((cpu() - middle) / f64::from(PER_BLOCK));
    }
    let (handled, bare) = (quantile(&mut handled, 0.5), quantile(&mut bare, 0.5));
    row("CPU of a deletion, store answering at once (µs)", &format!("{handled:.0}"), "");
    row("CPU of its three SDK requests alone (µs)", &format!("{bare:.0}"), "");
    row("CPU of the handler beyond the SDK (µs)", &format!("{:.0}", handled - bare), "≤ 200");
}
