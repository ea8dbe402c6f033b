//! Seed files: `cargo local` loads them with the loader of `efface load`.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use efface_local::{
    error::LocalError,
    loader::{Loader, Tokens},
    seeds::Seeds,
};
use efface_tests::{Req, TestApp, app, app::SPACE, faults::Fault, store::TABLE};
use serde_json::{Value, json};

/// Loads a seed file of these lines into the app's table.
async fn load(app: &TestApp, name: &str, lines: &[Value]) -> Result<Tokens, LocalError> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    fs::write(&path, lines.join("\n")).unwrap();
    let settings = [
        ("EFFACE_TABLE", TABLE.to_owned()),
        ("EFFACE_IDENTIFIER_KEY", STANDARD.encode([7; 32])),
        ("EFFACE_LOG_KEY", STANDARD.encode([8; 32])),
    ];
    let variables = settings.map(|(name, value)| (name.to_owned(), value));
    Loader::new(&variables, &app.db.proxy.url)?.load(&Seeds::read(&[path])?).await
}

/// Lines that share an identifier are loaded in their order, also where nothing but the order decides between them.
#[tokio::test]
async fn the_last_of_equally_dated_traits_stays() {
    let app = TestApp::start().await;
    let line = |i: usize| {
        let mut line = app::profile_line(SPACE, &[&format!("user_id:u{}", i % 3), &format!("email:{i}@x")]);
        line["traits"] = json!({ "line": i });
        line
    };
    load(&app, "order.jsonl", &(0..60).map(line).collect::<Vec<_>>()).await.unwrap();
    for (user, last) in [("u0", 57), ("u1", 58), ("u2", 59)] {
        let traits = app.send(Req::read(SPACE, "user_id", user, "traits")).await;
        assert_eq!(traits.body["traits"], json!({ "line": last }), "{user}");
        assert_eq!(app.external_ids(&format!("user_id:{user}")).await.len(), 21);
    }
}

/// Where the table is unavailable for longer than the SDK tries, the line is tried again.
#[tokio::test]
async fn a_throttled_table_delays_seeds() {
    let app = TestApp::start().await;
    let mut left = 5;
    app.db.proxy.plan(move |passed| {
        let makes_a_space = passed.request["Item"]["pk"]["S"].as_str().is_some_and(|key| key.starts_with("S#"));
        let hit = makes_a_space && left > 0;
        left -= usize::from(hit);
        if hit { Fault::Throttle } else { Fault::None }
    });
    let lines = [
        json!({ "space": { "id": "spa_other", "identifier_types": ["shoe_size"], "reactor_instances": ["x"] } }),
        app::profile_line("spa_other", &["user_id:u", "shoe_size:44"]),
        app::profile_line("spa_implied", &["user_id:u"]),
    ];
    let tokens = load(&app, "throttled.jsonl", &lines).await.unwrap();
    assert_eq!(tokens.keys().collect::<Vec<_>>(), [SPACE, "spa_implied", "spa_other"]);
    for (space, type_and_value) in [("spa_other", ("shoe_size", "44")), ("spa_implied", ("user_id", "u"))] {
        let read = Req::read(space, type_and_value.0, type_and_value.1, "traits");
        assert_eq!(app.send_raw(&read.token(&tokens[space]["profile_reader"])).await.status, 200, "{space}");
    }
}
