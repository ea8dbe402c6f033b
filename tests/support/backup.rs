//! Backups in tests: a table as it was at a moment, restored to a new table as DynamoDB does it, and what must hold once
//! `efface admin reapply` has run.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::time::Time;
use efface_engine::reapply::{Asked, Reapplied, Reapply, ReapplyError, Watch};

use crate::{
    TestApp,
    app::master,
    store::{Dump, TABLE, shown},
};

type Shown = BTreeMap<String, String>;

/// A table in use, and what it held at an earlier moment.
pub struct Backup {
    /// The table in use.
    pub app: TestApp,
    /// Its items at the moment of the backup.
    pub items: Vec<HashMap<String, AttributeValue>>,
    /// That moment.
    pub since: Time,
}

/// A run to its end.
pub fn to_the_end() -> Watch<'static> {
    Watch { is_stopped: &|| false, progress: &|_, _| {} }
}

impl Backup {
    /// Takes a backup of a table in use.
    pub async fn of(app: TestApp) -> Self {
        app.db.store.set_or_verify_key(&master()).await.unwrap();
        let items = app.db.items().await;
        app.clock.advance(1_000);
        let since = app.clock.peek();
        app.clock.advance(1_000);
        Self { app, items, since }
    }

    /// Restores it to a new table.
    pub async fn restore(&self, table: &str) -> TestApp {
        self.app.restore(table, &self.items).await
    }

    /// What the command is asked for.
    pub fn asked(&self) -> Asked {
        Asked { since: self.since, is_dry_run: false, now: self.app.clock.peek() }
    }

    /// Opens the command, with both tables behind the restored one's fault proxy.
    pub async fn open(&self, to: &TestApp, asked: Asked) -> Result<Reapply, ReapplyError> {
        let from = to.db.beside(TABLE);
        Reapply::open(from, to.db.store.clone(), asked, self.app.clock.clock()).await
    }

    /// Runs the command to its end.
    pub async fn reapply(&self, to: &TestApp) -> Reapplied {
        let mut reapply = self.open(to, self.asked()).await.unwrap();
        reapply.run(&to_the_end()).await.unwrap().unwrap()
    }

    /// Runs the command, in parts of so many items, until its process dies after so many writes. Whether it died.
    pub async fn reapply_cut_after(&self, to: &TestApp, writes: usize, part: i32) -> bool {
        let cut = to.db.proxy.cut_after_writes(writes);
        let run = async {
            let mut reapply = self.open(to, self.asked()).await.unwrap().with_parts_of(part);
            reapply.run(&to_the_end()).await.unwrap().unwrap();
        };
        let died = tokio::select! {
            () = run => false,
            () = cut.notified() => true,
        };
        to.db.proxy.heal();
        // What was sent before the death may still be carried out.
        tokio::time::sleep(Duration::from_millis(if died { 5 } else { 0 })).await;
        died
    }

    /// Asserts that the restored table's profiles differ from the backup by what was deleted since, and by nothing else.
    pub async fn check(&self, to: &TestApp) {
        let key = |item: &HashMap<String, AttributeValue>, name: &str| item[name].as_s().unwrap().clone();
        let backup: Dump = self.items.iter().map(|item| ((key(item, "pk"), key(item, "sk")), shown(item))).collect();
        let tables = Tables { backup, old: self.app.db.dump().await, restored: to.db.dump().await };
        tables.check();
    }
}

struct Tables {
    backup: Dump,
    old: Dump,
    restored: Dump,
}

impl Tables {
    fn check(&self) {
        let all = self.backup.keys().chain(self.old.keys()).chain(self.restored.keys());
        for key in all.collect::<BTreeSet<_>>() {
            match key.0.split('#').next().unwrap() {
                "I" => self.check_identifier(key),
                "P" => self.check_profile(key),
                "M" if self.is_gone(key, &key.1) => assert!(!self.restored.contains_key(key), "{key:?} is left"),
                "M" => self.check_unchanged(key),
                _ => {}
            }
        }
    }

    fn check_unchanged(&self, key: &(String, String)) {
        assert_eq!(self.restored.get(key), self.backup.get(key), "{key:?} has changed");
    }

    fn check_identifier(&self, key: &(String, String)) {
        let (before, old, now) = (self.backup.get(key), self.old.get(key), self.restored.get(key));
        let deleted_at = |item: Option<&Shown>| item.and_then(|item| item.get("deleted_at")).cloned();
        let profile = before.map(|item| text(item, "profile_id"));
        if is_deleted(old) {
            return assert_eq!(now, old, "{key:?} has another tombstone");
        }
        let came_back = deleted_at(old) > deleted_at(before);
        if is_deleted(before) && !is_deleted(old) && !came_back {
            // It is told as deleted after the coming back, and nothing else of it changes.
            let mut expected = before.unwrap().clone();
            count_as_deletion_of(&mut expected, old.unwrap());
            return assert_eq!(now, Some(&expected), "{key:?}");
        }
        if came_back || profile.is_some_and(|profile| self.is_gone(key, &profile)) {
            assert!(is_deleted(now) && !now.unwrap().contains_key("value"), "{key:?} is alive: {now:?}");
            if came_back {
                assert_eq!(deleted_at(now), deleted_at(old), "{key:?}");
                let mut counted = now.unwrap().clone();
                count_as_deletion_of(&mut counted, old.unwrap());
                assert_eq!(now, Some(&counted), "{key:?}");
            }
            return;
        }
        self.check_unchanged(key);
    }

    fn check_profile(&self, key: &(String, String)) {
        let (old, now) = (self.old.get(key), self.restored.get(key));
        let is_gone = self.is_gone(key, key.0.rsplit('#').next().unwrap());
        match key.1.as_str() {
            "H" if is_deleted(old) => {
                let mut expected = old.unwrap().clone();
                let is_root = text(&expected, "root") == text(&expected, "profile_id");
                if is_root && !expected.contains_key("gone_at") {
                    let gone_at = now.and_then(|now| now.get("gone_at")).cloned();
                    expected.insert("gone_at".to_owned(), gone_at.unwrap_or_else(|| panic!("{key:?} is not ended")));
                }
                assert_eq!(now, Some(&expected), "{key:?} is another head");
            }
            "H" if is_gone && now.is_some() => assert!(is_deleted(now), "{key:?} is alive"),
            edge if is_gone && !edge.starts_with("E#") => assert_eq!(now, None, "{key:?} is left"),
            _ => self.check_unchanged(key),
        }
    }

    /// Whether the old table has deleted a profile, or begun to.
    fn is_gone(&self, key: &(String, String), profile: &str) -> bool {
        let space = key.0.split('#').nth(1).unwrap();
        let head = |profile: &str| self.old.get(&(format!("P#{space}#{profile}"), "H".to_owned()));
        let root = head(profile).map(|head| text(head, "root"));
        is_deleted(head(profile)) || root.is_some_and(|root| is_deleted(head(&root)))
    }
}

/// Has a tombstone tell the end of the life that an active identifier has in the old table.
fn count_as_deletion_of(tombstone: &mut Shown, active: &Shown) {
    let generation: u64 = text(active, "generation").parse().unwrap();
    tombstone.insert("generation".to_owned(), format!("N(\"{}\")", generation + 1));
    for name in ["created_at", "commitment", "normalisation"] {
        tombstone.insert(name.to_owned(), active[name].clone());
    }
}

fn is_deleted(item: Option<&Shown>) -> bool {
    item.is_some_and(|item| item["state"].contains("deleted"))
}

/// A text attribute of an item that is shown.
fn text(item: &Shown, name: &str) -> String {
    item[name].split('"').nth(1).unwrap().to_owned()
}
