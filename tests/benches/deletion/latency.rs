//! Latency of deletions through the handler against a store in this process over HTTP, compared with the same store
//! requests sent by the SDK alone. The two are measured alternately.

use std::time::Instant;

use efface_api::{App, event::EventSource};
use efface_aws::{Store, clock::Clock, store::Key};
use efface_core::{identifier::IdentifierType, role::Role, space::SpaceId};
use efface_tests::{
    Req, TestApp, Via,
    app::{SPACE, keys, master, profile_line, send},
    calls,
    store::TABLE,
};
use serde_json::json;

use crate::{quantile, row};

/// The emulator slows down as its table grows, so each round uses a new table with [`PROFILES`] profiles.
const ROUNDS: usize = 12;
const PROFILES: usize = 60;
/// Members of the large merged profile, and identifiers of each.
const MERGED: usize = 100;
const EACH: usize = 10;

struct Bench {
    app: TestApp,
    direct: App,
    token: String,
}

impl Bench {
    async fn start() -> Self {
        let app = TestApp::start().await;
        let limits = json!({ "deletions_per_second": 1_000_000, "deletions_per_second_per_profile": 1_000_000 });
        app.space(SPACE, limits).await;
        let store = Store::new(app.db.client.clone(), TABLE);
        let direct = App::new(store, app.queue.queue(), keys(), Clock::system(), EventSource::Rest);
        let token = app.token(Role::WorkspaceOwner).to_owned();
        Self { app, direct, token }
    }

    /// Deletes an identifier through the handler. Returns milliseconds.
    async fn handled(&self, user: &str, id: &str) -> f64 {
        let request = Req::delete(SPACE, user, "anonymous_id", id).token(&self.token);
        let start = Instant::now();
        let reply = send(&self.direct, &request, Via::Rest).await;
        let taken = start.elapsed().as_secs_f64() * 1e3;
        assert_eq!(reply.status, 200, "{}", reply.line());
        taken
    }

    /// Sends the store requests of a deletion. Returns milliseconds.
    async fn bare(&self, user: &str, id: &str) -> f64 {
        let (lookup, target) = (key("user_id", user), key("anonymous_id", id));
        let start = Instant::now();
        calls::bare_deletion(&self.app.db.client, &lookup, &target).await;
        start.elapsed().as_secs_f64() * 1e3
    }
}

fn key(id_type: &str, value: &str) -> String {
    let space = SpaceId::parse(SPACE).unwrap();
    let hash = master().space_key(&space).identifier(&IdentifierType::parse(id_type).unwrap(), value);
    Key::identifier(&space, hash).pk
}

/// Measures medians, 99th percentiles and their ratios.
pub(crate) fn run() {
    // One thread for the store: in production it does not share the handler's.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        small().await;
        large().await;
    });
}

/// Deletions in small profiles, compared with their store requests alone.
async fn small() {
    let (mut handled, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let bench = Bench::start().await;
        load_small(&bench).await;
        for i in 1..PROFILES {
            handled.push(bench.handled(&format!("u{i}"), &format!("{i}-a")).await);
            bare.push(bench.bare(&format!("u{i}"), &format!("{i}-b")).await);
        }
    }
    let (h50, b50) = (quantile(&mut handled, 0.5), quantile(&mut bare, 0.5));
    row("deletion, p50 (ms)", &format!("{h50:.2}"), "");
    row("deletion, p99 (ms)", &format!("{:.2}", quantile(&mut handled, 0.99)), "");
    row("the same store requests alone, p50 (ms)", &format!("{b50:.2}"), "");
    row("the same store requests alone, p99 (ms)", &format!("{:.2}", quantile(&mut bare, 0.99)), "");
    row("ratio of the p50s", &format!("{:.2}", h50 / b50), "≤ 1.25");
}

/// Alternates three deletions in one table: in a small profile; in a large merged profile, of an identifier of the lookup's
/// own member; and in the same one, of an identifier of another member.
async fn large() {
    let bench = Bench::start().await;
    load_small(&bench).await;
    load_large(&bench.app).await;
    let (mut small, mut own, mut merged) = (Vec::new(), Vec::new(), Vec::new());
    for i in 1..PROFILES {
        small.push(bench.handled(&format!("u{i}"), &format!("{i}-a")).await);
        own.push(bench.handled(&format!("large{i}"), &format!("large{i}-1")).await);
        merged.push(bench.handled(&format!("large{}", MERGED - i), &format!("large{i}-2")).await);
    }
    let (s50, o50, m50) = (quantile(&mut small, 0.5), quantile(&mut own, 0.5), quantile(&mut merged, 0.5));
    row("beside 100 merges and 1,000 identifiers: small profile, p50", &format!("{s50:.2}"), "");
    row("in that merged profile, own member, p50 (ms)", &format!("{o50:.2}"), "");
    row("ratio", &format!("{:.2}", o50 / s50), "≤ 2");
    row("in that merged profile, another member, p50 (ms)", &format!("{m50:.2}"), "");
    row("ratio", &format!("{:.2}", m50 / s50), "≤ 2");
}

async fn load_small(bench: &Bench) {
    for i in 0..PROFILES {
        let ids = [format!("user_id:u{i}"), format!("anonymous_id:{i}-a"), format!("anonymous_id:{i}-b")];
        bench.app.profile(&ids.each_ref().map(String::as_str)).await;
    }
    bench.handled("u0", "0-a").await;
}

async fn load_large(app: &TestApp) {
    for profile in 0..MERGED {
        let user = format!("user_id:large{profile}");
        let ids: Vec<String> = (1..EACH).map(|i| format!("anonymous_id:large{profile}-{i}")).collect();
        let ids: Vec<&str> = std::iter::once(user.as_str()).chain(ids.iter().map(String::as_str)).collect();
        let mut line = profile_line(SPACE, &ids);
        if profile > 0 {
            line["merged_into"] = json!({ "type": "user_id", "id": "large0" });
        }
        app.try_load(&line).await.unwrap();
    }
}
