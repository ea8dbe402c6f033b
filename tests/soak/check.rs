//! The table before and after: exactly what the model says has changed, and nothing else.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use dynoxide::{
    Database, ImportOptions,
    actions::scan::ScanRequest,
    types::{AttributeValue, Item},
};

use crate::{
    people::{MARK, People, What},
    rows::{Action, Plan},
};

/// Items of jobs: they come and go.
const JOB_ITEMS: &str = "JOQLNYXKR";

/// What a tombstone has that its identifier had not, or had otherwise.
const TOMBSTONE: [&str; 8] =
    ["state", "deleted_at", "token_id", "request_id", "reason", "job_id", "job_group", "job_row"];
const FENCE: [&str; 6] = ["state", "deleted_at", "token_id", "job_id", "job_group", "job_row"];

/// All items but those of jobs: a fingerprint of the key, and one of all the rest.
pub(crate) type Prints = HashMap<u64, u64>;

/// What must have become of an item.
#[derive(Debug, Clone, Copy)]
enum Change {
    Gone,
    /// Deleted by a row of this group of this job; and what must be left of it.
    Deleted {
        job: usize,
        group: u32,
        left: u64,
    },
}

/// A job that is done.
pub(crate) struct Done<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) id: String,
    /// The row that deleted the target of each group.
    pub(crate) takers: Vec<usize>,
    pub(crate) page_rows: usize,
}

/// Writes people's items into an empty table, past everything; how many.
pub(crate) fn populate(database: &Database, table: &str, people: &People, plan: &Plan) -> usize {
    let mut batch = Vec::new();
    let mut total = 0;
    let mut flush = |batch: &mut Vec<Item>| {
        total += batch.len();
        database.import_items(table, std::mem::take(batch), ImportOptions::default()).unwrap();
    };
    for number in plan.people.clone() {
        batch.extend(people.items(&people.person(number)).into_iter().map(|(_, item)| item));
        if batch.len() > 20_000 {
            flush(&mut batch);
        }
    }
    flush(&mut batch);
    total
}

/// Fingerprints of the whole table.
pub(crate) fn prints(database: &Database, table: &str) -> Prints {
    let mut prints = Prints::new();
    scan(database, table, |pk, item| {
        if !JOB_ITEMS.contains(&pk[..1]) {
            prints.insert(key_print(&item), print(&item, &[]));
        }
    });
    prints
}

/// Compares the table with what it was before jobs were done. What differs from the model, and the fingerprints.
pub(crate) fn compare(
    database: &Database,
    table: &str,
    people: &People,
    before: &Prints,
    jobs: &[Done<'_>],
) -> (Vec<String>, Prints) {
    let mut changes = HashMap::new();
    for (at, job) in jobs.iter().enumerate() {
        expect(people, at, job.plan, &mut changes);
    }
    let mut faults = Vec::new();
    let mut after = Prints::with_capacity(before.len());
    scan(database, table, |pk, item| {
        let is_job_item = JOB_ITEMS.contains(&pk[..1]);
        let key = key_print(&item);
        let change = changes.remove(&key);
        let mut fault = |what: &str| {
            if faults.len() < 100 {
                faults.push(format!("{what}: {}", shown(&item)));
            }
        };
        if (is_job_item || change.is_some()) && format!("{item:?}").contains(MARK) {
            fault("a value is left");
        }
        if is_job_item {
            return;
        }
        let own = print(&item, &[]);
        after.insert(key, own);
        match change {
            Some(Change::Gone) => fault("still there"),
            Some(Change::Deleted { job, group, left }) => {
                if let Err(what) = check_deleted(&item, &jobs[job], group, left) {
                    fault(what);
                }
            }
            None if before.get(&key) != Some(&own) => fault("new, or changed"),
            None => {}
        }
    });
    let missing = before.keys().filter(|key| !after.contains_key(key));
    let lost = missing.filter(|key| !matches!(changes.remove(key), Some(Change::Gone))).count();
    if lost > 0 {
        faults.push(format!("{lost} items are gone that should be there"));
    }
    if !changes.is_empty() {
        faults.push(format!("{} items never were there", changes.len()));
    }
    (faults, after)
}

fn check_deleted(item: &Item, job: &Done<'_>, group: u32, left: u64) -> Result<(), &'static str> {
    let is = |name: &str, value: &str| matches!(item.get(name), Some(AttributeValue::S(text)) if text == value);
    let is_identifier = is_identifier(item);
    if !is("state", "deleted") || !is("job_id", &job.id) || item.contains_key("value") {
        return Err("not deleted by its job");
    }
    if is_identifier && !is("reason", "job") {
        return Err("deleted for another reason");
    }
    let taker = job.takers[usize::try_from(group).unwrap()];
    if !is("job_row", &format!("{}:{}", taker / job.page_rows, taker % job.page_rows)) {
        return Err("deleted by another row than the one that says so");
    }
    let known: &[&str] = if is_identifier { &TOMBSTONE } else { &FENCE };
    if known.iter().any(|name| !item.contains_key(*name)) || left != print(item, &ignored(is_identifier)) {
        return Err("something else of it has changed");
    }
    Ok(())
}

/// What of an item its deletion may change.
fn ignored(is_identifier: bool) -> Vec<&'static str> {
    if is_identifier {
        [&TOMBSTONE[..], &["request_ids", "value"]].concat()
    } else {
        [&FENCE[..], &["created_at", "updated_at"]].concat()
    }
}

/// What must become of the items of those whom a job deletes.
fn expect(people: &People, job: usize, plan: &Plan, changes: &mut HashMap<u64, Change>) {
    for (group, target) in (0..).zip(&plan.targets) {
        for (what, item) in people.items(&people.person(target.person)) {
            let deleted = |is_identifier| {
                let left = print(&item, &ignored(is_identifier));
                Change::Deleted { job, group, left }
            };
            let change = match (what, target.id) {
                (What::Identifier(id), Some(target)) if id == usize::from(target) => deleted(true),
                (What::Identifier(_), None) => deleted(true),
                (What::Head, None) => deleted(false),
                (What::Rest, None) => Change::Gone,
                _ => continue,
            };
            let is_new = changes.insert(key_print(&item), change).is_none();
            assert!(is_new || plan.action == Action::Identifier, "two groups delete one item");
        }
    }
}

fn is_identifier(item: &Item) -> bool {
    matches!(item.get("pk"), Some(AttributeValue::S(pk)) if pk.starts_with("I#"))
}

fn scan(database: &Database, table: &str, mut each: impl FnMut(&str, Item)) {
    let mut start = None;
    loop {
        let request = ScanRequest {
            table_name: table.to_owned(),
            exclusive_start_key: start,
            // Without a limit the emulator reads the rest of the table for every page.
            limit: Some(2_000),
            consistent_read: Some(true),
            ..ScanRequest::default()
        };
        let page = database.scan(request).unwrap();
        for item in page.items.unwrap_or_default() {
            let AttributeValue::S(pk) = &item["pk"] else { panic!("a key that is no text") };
            let pk = pk.clone();
            each(&pk, item);
        }
        start = page.last_evaluated_key;
        if start.is_none() {
            return;
        }
    }
}

fn key_print(item: &Item) -> u64 {
    let mut hasher = DefaultHasher::new();
    for name in ["pk", "sk"] {
        let AttributeValue::S(text) = &item[name] else { panic!("a key that is no text") };
        text.hash(&mut hasher);
    }
    hasher.finish()
}

/// A fingerprint of all attributes but some.
fn print(item: &Item, ignored: &[&str]) -> u64 {
    let mut names: Vec<&String> = item.keys().filter(|name| !ignored.contains(&name.as_str())).collect();
    names.sort_unstable();
    let mut hasher = DefaultHasher::new();
    for name in names {
        name.hash(&mut hasher);
        match &item[name] {
            AttributeValue::S(text) => text.hash(&mut hasher),
            AttributeValue::SS(texts) => {
                let mut texts = texts.clone();
                texts.sort_unstable();
                texts.hash(&mut hasher);
            }
            other => format!("{other:?}").hash(&mut hasher),
        }
    }
    hasher.finish()
}

fn shown(item: &Item) -> String {
    let item: std::collections::BTreeMap<_, _> = item.iter().collect();
    format!("{item:?}")
}
