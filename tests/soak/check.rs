//! Compares the table before and after the jobs: exactly the changes of the model, and nothing else.

use std::{
    collections::{BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
};

use dynoxide::{
    Database, ImportOptions,
    actions::scan::ScanRequest,
    types::{AttributeValue, Item},
};

use crate::{
    population::{CROWD, ItemKind, People, VALUE_PREFIX},
    rows::{Action, Plan},
};

/// The first letters of the keys of items that are not compared: those of jobs, keys and limits.
const JOB_ITEMS: &str = "JEFOQLNYXKR";

/// Whether an item is not compared: also the gates of a segment, and the head of the segment that a job empties.
fn is_job_item(item: &Item) -> bool {
    let is = |name: &str, value: &str| matches!(item.get(name), Some(AttributeValue::S(text)) if text == value);
    let AttributeValue::S(pk) = &item["pk"] else { panic!("a key that is no string") };
    JOB_ITEMS.contains(&pk[..1]) || is("sk", CROWD) && pk.starts_with("G#") || is("sk", "-") && pk.starts_with("M#")
}

/// The attributes that a deletion sets on an identifier.
const TOMBSTONE: [&str; 8] =
    ["state", "deleted_at", "token_id", "request_id", "reason", "job_id", "job_group", "job_row"];
/// The attributes that a deletion by a job sets on the head of a profile.
const DELETED_HEAD: [&str; 7] = ["state", "deleted_at", "gone_at", "token_id", "job_id", "job_group", "job_row"];

/// What the requests that make the jobs set on their token.
const LAST_USE: &str = "last_used_at";

/// A fingerprint of each compared item, by a fingerprint of its key.
pub(crate) type Prints = HashMap<u64, u64>;

/// The expected change of an item.
#[derive(Debug, Clone, Copy)]
enum Change {
    Gone,
    /// Deleted by a row of this group of this job. `left` is the fingerprint of the attributes that must not change.
    Deleted {
        job: usize,
        group: u32,
        left: u64,
    },
}

/// A completed job.
pub(crate) struct Done<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) id: String,
    /// For each group the row that deleted its target.
    pub(crate) actors: Vec<usize>,
    pub(crate) page_rows: usize,
    /// People to whom a later line added something before they were deleted.
    pub(crate) joined: BTreeSet<u32>,
}

/// Writes the items of a plan's people straight into the table. Returns the number of items.
pub(crate) fn populate(database: &Database, table: &str, people: &People, plan: &Plan) -> usize {
    let mut batch = Vec::new();
    let mut total = 0;
    let mut flush = |batch: &mut Vec<Item>| {
        total += batch.len();
        database.import_items(table, std::mem::take(batch), ImportOptions::default()).unwrap();
    };
    flush(&mut people.segments());
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
    scan(database, table, |item| {
        if !is_job_item(&item) {
            prints.insert(key_print(&item), print(&item, &[]));
        }
    });
    prints
}

/// Compares the table with the fingerprints from before the jobs. Returns the differences from the model, and the new
/// fingerprints. Long, because each kind of item has its own expectation.
pub(crate) fn compare(
    database: &Database,
    table: &str,
    people: &People,
    before: &Prints,
    jobs: &[Done<'_>],
) -> (Vec<String>, Prints) {
    let mut changes = HashMap::new();
    for (at, job) in jobs.iter().enumerate() {
        expect(people, at, job, &mut changes);
    }
    let mut faults = Vec::new();
    let mut after = Prints::with_capacity(before.len());
    scan(database, table, |item| {
        let is_job_item = is_job_item(&item);
        let key = key_print(&item);
        let change = changes.remove(&key);
        let mut fault = |what: &str| {
            if faults.len() < 100 {
                faults.push(format!("{what}: {}", shown(&item)));
            }
        };
        if (is_job_item || change.is_some()) && format!("{item:?}").contains(VALUE_PREFIX) {
            fault("a raw value is left");
        }
        if is_job_item {
            return;
        }
        let own = print(&item, &[]);
        after.insert(key, own);
        match change {
            Some(Change::Gone) => fault("not deleted"),
            Some(Change::Deleted { job, group, left }) => {
                if let Err(what) = check_deleted(&item, &jobs[job], group, left) {
                    fault(what);
                }
            }
            None if before.get(&key) != Some(&own) => fault("added or changed"),
            None => {}
        }
    });
    let missing = before.keys().filter(|key| !after.contains_key(key));
    let lost = missing.filter(|key| !matches!(changes.remove(key), Some(Change::Gone))).count();
    if lost > 0 {
        faults.push(format!("{lost} items are missing that should not have been deleted"));
    }
    if !changes.is_empty() {
        faults.push(format!("{} items of the model were not in the table", changes.len()));
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
    if is_identifier && item.get("generation") != Some(&AttributeValue::N("2".to_owned())) {
        return Err("its generation is not that of a first deletion");
    }
    let actor = job.actors[usize::try_from(group).unwrap()];
    if !is("job_row", &format!("{}:{}", actor / job.page_rows, actor % job.page_rows)) {
        return Err("deleted by another row than the one with the outcome `deleted`");
    }
    let known: &[&str] = if is_identifier { &TOMBSTONE } else { &DELETED_HEAD };
    // Only the root's head tells when all of the profile was gone.
    let is_root = item.get("root") == item.get("profile_id");
    let mut required = known.iter().filter(|name| is_root || **name != "gone_at");
    if required.any(|name| !item.contains_key(*name)) || left != print(item, &ignored(is_identifier)) {
        return Err("other attributes have changed");
    }
    Ok(())
}

/// The attributes that a deletion may change or remove.
fn ignored(is_identifier: bool) -> Vec<&'static str> {
    if is_identifier {
        [&TOMBSTONE[..], &["generation", "request_ids", "value"]].concat()
    } else {
        [&DELETED_HEAD[..], &["created_at", "updated_at", "merged_at"]].concat()
    }
}

/// Adds the expected changes of all items that a job deletes.
fn expect(people: &People, job: usize, done: &Done<'_>, changes: &mut HashMap<u64, Change>) {
    let plan = done.plan;
    for (group, target) in (0..).zip(&plan.targets) {
        let mut person = people.person(target.person);
        person.later_lines = usize::from(done.joined.contains(&target.person));
        for (what, item) in people.items(&person) {
            let deleted = |is_identifier| {
                let left = print(&item, &ignored(is_identifier));
                Change::Deleted { job, group, left }
            };
            let change = match (what, target.id) {
                (ItemKind::Identifier(id), Some(target)) if id == usize::from(target) => deleted(true),
                (ItemKind::Identifier(_), None) => deleted(true),
                (ItemKind::Head, None) => deleted(false),
                (ItemKind::Removable, None) => Change::Gone,
                _ => continue,
            };
            let is_new = changes.insert(key_print(&item), change).is_none();
            assert!(is_new || plan.action == Action::Identifier, "two groups of rows delete one item");
        }
    }
}

pub(crate) fn is_identifier(item: &Item) -> bool {
    matches!(item.get("pk"), Some(AttributeValue::S(pk)) if pk.starts_with("I#"))
}

/// All items of a table.
pub(crate) fn scan(database: &Database, table: &str, mut each: impl FnMut(Item)) {
    let mut start = None;
    loop {
        let request = ScanRequest {
            table_name: table.to_owned(),
            exclusive_start_key: start,
            // Without a limit the emulator reads the rest of the table for each page.
            limit: Some(2_000),
            consistent_read: Some(true),
            ..ScanRequest::default()
        };
        let page = database.scan(request).unwrap();
        page.items.unwrap_or_default().into_iter().for_each(&mut each);
        start = page.last_evaluated_key;
        if start.is_none() {
            return;
        }
    }
}

fn key_print(item: &Item) -> u64 {
    let mut hasher = DefaultHasher::new();
    for name in ["pk", "sk"] {
        let AttributeValue::S(text) = &item[name] else { panic!("a key that is no string") };
        text.hash(&mut hasher);
    }
    hasher.finish()
}

/// A fingerprint of all attributes but the ignored ones.
fn print(item: &Item, ignored: &[&str]) -> u64 {
    let is_compared = |name: &&String| *name != LAST_USE && !ignored.contains(&name.as_str());
    let mut names: Vec<&String> = item.keys().filter(is_compared).collect();
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
