//! The files of a log, as the API serves them.

use efface_core::{
    log::{Row, Tile, note::Note},
    role::Role,
};
use efface_tests::{
    Audited, Req,
    app::SPACE,
    audited::bytes,
    publisher::{LOCKED, ORIGIN, PARTIAL, soon},
};
use serde_json::json;

const NOTHING: &str = "404 not_found The log of this space has nothing under this name.";

fn path(name: &str) -> String {
    format!("/v1/spaces/{SPACE}/log/{name}")
}

#[tokio::test]
async fn a_log_without_entries_has_no_files() {
    let test = Audited::start().await;
    for name in ["checkpoint", "key", "tile/0/000", "tile/entries/000.p/1"] {
        assert_eq!(test.app.send(Req::get(path(name))).await.line(), NOTHING, "{name}");
    }
}

#[tokio::test]
async fn files_are_served_as_they_are_stored() {
    let test = Audited::start().await;
    let entry = |number: u64| efface_tests::publisher::entry(&SPACE.parse().unwrap(), number, "");
    for from in (0..300).step_by(100) {
        test.journal.writer().capture((from..from + 100).map(entry), soon()).await.unwrap();
        test.publish_space(SPACE).await;
    }
    let token = test.app.token(Role::Auditor).to_owned();
    let get = async |name: &str| bytes(&test.app.app, &Req::get(path(name)).token(&token)).await;
    let mut served = 0;
    for (stored, content) in test.objects.all() {
        let name = stored.rsplit_once(&format!("/{SPACE}/")).unwrap().1;
        if name == "keys" {
            continue;
        }
        let (reply, found) = get(name).await;
        assert_eq!((reply.status, found), (200, content), "{stored}");
        let (kind, cache) = match name {
            "checkpoint" => ("text/plain; charset=utf-8", "no-store"),
            _ => ("application/octet-stream", "private, max-age=31536000, immutable"),
        };
        assert_eq!((&*reply.headers["content-type"], &*reply.headers["cache-control"]), (kind, cache), "{stored}");
        served += 1;
    }
    assert!(served >= 6, "{served}");
    // A partial file that was removed, or never was, is cut from the full one.
    assert!(!test.objects.all().contains_key(&format!("{PARTIAL}/{SPACE}/tile/0/000.p/100")));
    let full = &test.objects.all()[&format!("{LOCKED}/{SPACE}/tile/0/000")];
    assert_eq!(get("tile/0/000.p/7").await.1, full[..7 * 32]);
    for name in [
        "tile/0/002",
        "tile/0/001.p/45",
        "tile/1/000.p/2",
        "tile/0/x001/000",
        "tile/0/0",
        "tile/0/000/",
        "tile/",
        "tile/entries",
        "tile/0/000.p/256",
        "tile/-1/000",
        "tile/%ff",
        "tile/../checkpoint",
    ] {
        assert_eq!(get(name).await.0.line(), NOTHING, "{name}");
    }
    assert_eq!(get("tile/entries%2F000").await.0.status, 200, "an encoded slash is a slash");
    assert_eq!(get("tile").await.0.line(), "404 not_found There is nothing at this path.");
    let head = bytes(&test.app.app, &Req::get(path("tile/0/000")).method("HEAD").token(&token)).await;
    assert_eq!(head.0.status, 405);
    let keys = test.app.send(Req::get(path("key"))).await;
    let key = test.keys().await.uses()[0].key.to_string();
    assert_eq!(keys.body, json!({ "keys": [{ "key": key, "from": 1, "to": null }] }));
    let (_, checkpoint) = get("checkpoint").await;
    let note: Note = String::from_utf8(checkpoint).unwrap().parse().unwrap();
    let expected = format!("{ORIGIN}/{SPACE}\n300\n");
    assert!(note.verify(&key.parse().unwrap()).unwrap().as_str().starts_with(&expected));
    assert!(Tile::of(Row::Entries, 1, 300).is_some());
}
