//! The part of the fake API that keeps segments. It has two members on each page of a list.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::fake_api::{Received, State};

/// How many entries a page of members has.
const PAGE: usize = 2;

/// The segments, their members, and the profiles that there are.
#[derive(Default)]
pub(crate) struct FakeSegments {
    pub(crate) all: BTreeMap<String, Value>,
    pub(crate) members: BTreeMap<String, BTreeSet<String>>,
    /// The profile's own id, by what names it in a path.
    pub(crate) profiles: BTreeMap<String, String>,
    /// Whether segments are too large to count at once.
    pub(crate) uncounted: bool,
    /// Whether dry runs are jobs that take a while.
    pub(crate) slow_plans: bool,
    /// What becomes of the number of members between the plan and the confirmed request.
    pub(crate) joined_meanwhile: Vec<&'static str>,
}

impl FakeSegments {
    /// Makes a segment, and each member's profile with an identifier: that of `use_a` is `email:a`.
    pub(crate) fn put(&mut self, id: &str, name: &str, members: &[&str]) {
        self.all.insert(id.to_owned(), segment(id, name));
        self.members.insert(id.to_owned(), members.iter().map(|id| (*id).to_owned()).collect());
        for id in members {
            self.profile(id, id);
        }
    }

    /// Makes a profile that is found by its id, and by the identifier that is made of it. The root is another profile if
    /// it was merged.
    pub(crate) fn profile(&mut self, id: &str, root: &str) {
        self.profiles.insert(format!("segment_id:{id}"), root.to_owned());
        self.profiles.insert(id.replace("use_", "email:"), root.to_owned());
    }
}

fn segment(id: &str, name: &str) -> Value {
    json!({"id": id, "name": name, "kind": "manual_segment", "state": "enabled", "members": null, "counted_at": null,
        "job": null, "notifications": [], "created_at": "2026-01-01T00:00:00.000Z", "disabled_at": null})
}

fn error(code: &str) -> Value {
    json!({"error": {"code": code, "message": "It cannot be done."}})
}

impl State {
    /// The response to a request for a segment or for a profile's metadata.
    pub(crate) fn segment_response(&mut self, received: &Received) -> Option<(u16, Value)> {
        let (method, path) = received.line.split_once(' ').unwrap();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path: Vec<&str> = path.trim_start_matches("/v1/spaces/spa_demo/").split('/').collect();
        let body = &received.body;
        Some(match (method, path.as_slice()) {
            ("GET", ["collections", "users", "profiles", lookup, "metadata"]) => self.metadata(lookup),
            ("GET", ["segments"]) => (200, page(self.segments.all.values().cloned().collect(), query)),
            ("POST", ["segments"]) => {
                let id = body["id"].as_str().unwrap_or("seg_new");
                self.segments.put(id, body["name"].as_str().unwrap(), &[]);
                self.change(id, |segment| segment["kind"] = body["kind"].clone())
            }
            (_, ["segments", id, ..]) if !self.segments.all.contains_key(*id) => (404, error("not_found")),
            ("GET", ["segments", id]) => self.change(id, |_| {}),
            ("PATCH", ["segments", id]) => self.change(id, |segment| segment["name"] = body["name"].clone()),
            ("DELETE", ["segments", id]) => self.delete_segment(id),
            ("POST", ["segments", id, verb @ ("enable" | "disable")]) => {
                self.change(id, |segment| segment["state"] = format!("{verb}d").into())
            }
            ("GET", ["segments", id, "members"]) => {
                (200, page(self.segments.members[*id].iter().map(|id| json!(id)).collect(), query))
            }
            ("POST", ["segments", _, "members", ..]) if query == "check=true" => (200, check_members(body)),
            ("POST", ["segments", id, "members"]) => (200, self.change_members(id, body, true)),
            ("POST", ["segments", id, "members", "remove"]) => (200, self.change_members(id, body, false)),
            ("POST", ["segments", id, "delete_users"]) => self.delete_users(id, received),
            _ => return None,
        })
    }

    fn metadata(&self, lookup: &str) -> (u16, Value) {
        match self.segments.profiles.get(lookup) {
            Some(root) => (200, json!({"metadata": {"segment_id": root, "expires_at": null}})),
            None => (404, error("not_found")),
        }
    }

    fn change(&mut self, id: &str, change: impl FnOnce(&mut Value)) -> (u16, Value) {
        let segment = self.segments.all.get_mut(id).unwrap();
        change(segment);
        (200, json!({"segment": segment}))
    }

    fn delete_segment(&mut self, id: &str) -> (u16, Value) {
        if !self.segments.members[id].is_empty() {
            return (409, error("segment_not_empty"));
        }
        (200, json!({"segment": self.segments.all.remove(id).unwrap()}))
    }

    fn change_members(&mut self, id: &str, body: &Value, add: bool) -> Value {
        let rows = body["rows"].as_array().unwrap();
        assert!(rows.len() <= 1_000 && rows.iter().all(Value::is_string), "{body}");
        let rejected = rejected(rows);
        let (mut changed, mut same, mut missing) = (0, 0, 0);
        for row in rows.iter().filter(|row| names_one(row)).filter_map(Value::as_str) {
            let lookup = if row.contains(':') { row.to_owned() } else { format!("segment_id:{row}") };
            let found = self.segments.profiles.get(&lookup).cloned();
            // A member that was merged is removed under its own id.
            let Some(profile) = found.map(|root| if add || row.contains(':') { root } else { row.to_owned() }) else {
                missing += 1;
                continue;
            };
            let members = self.segments.members.get_mut(id).unwrap();
            let is_change = if add { members.insert(profile) } else { members.remove(&profile) };
            *(if is_change { &mut changed } else { &mut same }) += 1;
        }
        let (yes, no) = if add { ("added", "already") } else { ("removed", "absent") };
        json!({yes: changed, no: same, "not_found": missing, "rejected_total": rejected.len(), "rejected": rejected})
    }

    fn delete_users(&mut self, id: &str, received: &Received) -> (u16, Value) {
        let body = &received.body;
        let members = self.segments.members[id].len() as u64;
        if let Some(response) = self.keys.get(&received.key).filter(|_| body["confirm"] == true) {
            return (202, response.clone());
        }
        if let Some(job) = self.segments.all[id]["job"].as_str() {
            let mut refusal = error("job_in_progress");
            refusal["job_id"] = job.into();
            return (409, refusal);
        }
        if body["confirm"] != true {
            for joined in std::mem::take(&mut self.segments.joined_meanwhile) {
                self.segments.members.get_mut(id).unwrap().insert(joined.to_owned());
            }
            let members = (!self.segments.uncounted).then_some(members);
            let mut refusal = error("confirmation_required");
            refusal["plan"] = json!({"members": members, "consequences": ["They are gone for ever."]});
            return (409, refusal);
        }
        if body["expected_members"].as_u64().is_some_and(|expected| expected != members) {
            let mut refusal = error("members_changed");
            refusal["members"] = members.into();
            return (409, refusal);
        }
        self.delete_users_job(id, members, received)
    }

    fn delete_users_job(&mut self, id: &str, members: u64, received: &Received) -> (u16, Value) {
        let is_dry = received.body["dry_run"] == true;
        let job_id = format!("job_{}", self.jobs.len() + 1);
        let at_once = is_dry && !self.segments.slow_plans;
        let state = match self.approval_over {
            _ if at_once => "completed",
            Some(most) if members > most => "awaiting_approval",
            _ if !received.body["start_at"].is_null() => "scheduled",
            _ => "running",
        };
        let job = json!({"id": job_id, "action": "delete_segment", "state": state, "rows": members,
            "remaining": members, "counts": {}, "group": null, "created_at": null, "dry_run": is_dry, "plan": null,
            "segment_id": id, "phase": "deleting", "expected_members": received.body["expected_members"],
            "members_left": null, "settles_at": null, "start_at": received.body["start_at"], "verdict": null});
        self.jobs.insert(job_id.clone(), job.clone());
        if at_once {
            return (200, json!({"job": job, "plan": self.plan_of(members, members)}));
        }
        if !is_dry {
            self.segments.all.get_mut(id).unwrap()["job"] = job_id.into();
        }
        let response = json!({"job": job});
        self.keys.insert(received.key.clone(), response.clone());
        (202, response)
    }
}

/// Whether a row can be read. The space does not know the type `emial`.
fn names_one(row: &Value) -> bool {
    let names_one = |row: &str| row.contains(':') && !row.starts_with("emial:") || row.starts_with("use_");
    row.as_str().is_some_and(names_one)
}

fn rejected(rows: &[Value]) -> Vec<Value> {
    let bad = rows.iter().enumerate().filter(|(_, row)| !names_one(row));
    bad.map(|(at, _)| json!({"row": at, "code": "invalid_row", "message": "No good."})).collect()
}

fn check_members(body: &Value) -> Value {
    let rejected = rejected(body["rows"].as_array().unwrap());
    json!({"added": 0, "already": 0, "not_found": 0, "rejected_total": rejected.len(), "rejected": rejected})
}

/// A page of a list. The cursor is the number of entries before the next page.
fn page(entries: Vec<Value>, query: &str) -> Value {
    let next = query.split('&').find_map(|parameter| parameter.strip_prefix("next="));
    let start: usize = next.map_or(0, |next| next.parse().unwrap());
    let has_more = entries.len() > start + PAGE;
    let next = if has_more { (start + PAGE).to_string() } else { String::new() };
    let data: Vec<Value> = entries.into_iter().skip(start).take(PAGE).collect();
    json!({"data": data, "cursor": {"url": "/", "has_more": has_more, "next": next}})
}
