//! End to end against a store in this process, over HTTP, beside the same requests made bare, in turns.

use std::time::Instant;

use efface_api::{App, door::FrontDoor};
use efface_aws::{Store, clock::Clock, store::Key};
use efface_core::{identifier::IdentifierType, role::Role, space::SpaceId};
use efface_tests::{
    Door, Req, TestApp,
    app::{SPACE, master, profile_line, send},
    calls,
    store::TABLE,
};
use serde_json::json;

use crate::{quantile, row};

const DELETIONS: usize = 900;
/// Profiles that are merged into the large one, and identifiers of each.
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
        let direct = App::new(store, master(), Clock::system(), FrontDoor::Rest);
        let token = app.token(Role::WorkspaceOwner).to_owned();
        Self { app, direct, token }
    }

    /// Milliseconds of one deletion through the handler.
    async fn handled(&self, user: &str, id: &str) -> f64 {
        let request = Req::delete(SPACE, user, "anonymous_id", id).token(&self.token);
        let start = Instant::now();
        let reply = send(&self.direct, &request, Door::Rest).await;
        let taken = start.elapsed().as_secs_f64() * 1e3;
        assert_eq!(reply.status, 200, "{}", reply.line());
        taken
    }

    /// Milliseconds of the bare requests of one.
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
    Key::identifier(&space, &hash).pk
}

/// Medians and tails, and their ratios.
pub(crate) fn run() {
    // The store has a thread of its own: it would be elsewhere, too.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let bench = Bench::start().await;
        for i in 0..DELETIONS {
            let ids = [format!("user_id:u{i}"), format!("anonymous_id:{i}-a"), format!("anonymous_id:{i}-b")];
            bench.app.profile(&ids.each_ref().map(String::as_str)).await;
        }
        load_large(&bench.app).await;
        bench.handled("u0", "0-a").await;
        let (mut handled, mut bare, mut large, mut merged) = (vec![], vec![], vec![], vec![]);
        for i in 1..DELETIONS {
            handled.push(bench.handled(&format!("u{i}"), &format!("{i}-a")).await);
            bare.push(bench.bare(&format!("u{i}"), &format!("{i}-b")).await);
            if i < MERGED * (EACH - 1) {
                // In turns: an identifier of the profile that has the lookup, and one of a profile merged with it.
                let (profile, id) = (i / (EACH - 1), i % (EACH - 1) + 1);
                let own = format!("large{profile}");
                let other = format!("large{}", (profile + 50) % MERGED);
                let (lookup, into) = if i % 2 == 0 { (&own, &mut large) } else { (&other, &mut merged) };
                into.push(bench.handled(lookup, &format!("large{profile}-{id}")).await);
            }
        }
        let p = |values: &mut Vec<f64>, share| quantile(values, share);
        let (h50, b50) = (p(&mut handled, 0.5), p(&mut bare, 0.5));
        row("deletion, p50 (ms)", &format!("{h50:.2}"), "");
        row("deletion, p99 (ms)", &format!("{:.2}", p(&mut handled, 0.99)), "");
        row("the same requests bare, p50 (ms)", &format!("{b50:.2}"), "");
        row("the same requests bare, p99 (ms)", &format!("{:.2}", p(&mut bare, 0.99)), "");
        row("ratio of the p50s", &format!("{:.2}", h50 / b50), "≤ 1.25");
        let (l50, m50) = (p(&mut large, 0.5), p(&mut merged, 0.5));
        row("in a whole of 100 merges and 1,000 identifiers, p50 (ms)", &format!("{l50:.2}"), "");
        row("ratio to the small profile", &format!("{:.2}", l50 / h50), "≤ 2");
        row("the same, of a profile merged with the lookup's, p50 (ms)", &format!("{m50:.2}"), "");
        row("ratio to the small profile", &format!("{:.2}", m50 / h50), "≤ 2");
    });
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
