//! The emergency stop, and the list of all spaces, whose entries hold the stop of each space.

use efface_core::{
    job::{JobHead, JobId},
    space::{Space, SpaceId},
    stop::{Stop, Stops},
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::{
    Item, Key, Store, StoreError,
    keys::SPACES,
    read::{Query, partition_key, read, sort_key},
    value::{ToValue, to_attribute},
    write::Write,
};

const KIND: &str = "entry of a space";

/// Items that are looked at together in a search for spaces.
const SEARCHED: i32 = 1_000;

/// How often a stop that met another change is decided anew.
const ATTEMPTS: usize = 8;

/// The entry of a space in the list of all spaces; of the stack, its stop alone. An entry may be of a space that was made
/// before there was a list, and then says only what was noted since.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Entry {
    #[serde(default)]
    activated: Option<bool>,
    #[serde(default)]
    stop: Option<Stop>,
}

/// A space in the list of all spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSpace {
    /// Its id.
    pub id: SpaceId,
    /// Its settings.
    pub space: Space,
    /// Its last stop.
    pub stop: Option<Stop>,
}

/// What a chunk's worker looks at: the job's head, and whether anything is stopped.
#[derive(Debug)]
pub struct JobAndStops {
    /// The job's head; `None` where there is none, or a read that is not consistent does not see it yet.
    pub head: Option<JobHead>,
    /// The stops.
    pub stops: Stops,
}

/// How far the search for spaces that are not in the list has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceSearch {
    /// The key after which it goes on.
    pub after: Option<(String, String)>,
    /// Items that were looked at.
    pub scanned: i64,
    /// Spaces that were found; most of them are in the list before.
    pub found: i64,
    /// When it came to the end of the table.
    pub finished_at: Option<Time>,
}

impl Store {
    /// The stops of a space and of the stack, as of the last acknowledged writes: one request.
    pub async fn stops(&self, space: &SpaceId) -> Result<Stops, StoreError> {
        let items = self.get_many([Key::stop(), Key::listed_space(space)]).await?;
        let mut stops = Stops::default();
        for item in items {
            note(&mut stops, item)?;
        }
        Ok(stops)
    }

    /// What a chunk's worker looks at: one request. Not `consistent`, it costs half as much, and is perhaps as things were a
    /// moment ago.
    pub async fn job_and_stops(
        &self,
        space: &SpaceId,
        job: JobId,
        consistent: bool,
    ) -> Result<JobAndStops, StoreError> {
        let head = Key::job(space, job);
        let keys = [head.clone(), Key::stop(), Key::listed_space(space)];
        let mut seen = JobAndStops { head: None, stops: Stops::default() };
        for item in self.get_batches(keys, consistent).await? {
            if partition_key(&item)? == head.pk {
                seen.head = Some(read(item, "job")?);
            } else {
                note(&mut seen.stops, item)?;
            }
        }
        Ok(seen)
    }

    /// The last stop of a space; `None`: of the stack.
    pub async fn stop(&self, space: Option<&SpaceId>) -> Result<Option<Stop>, StoreError> {
        Ok(self.get::<Entry>(stop_key(space), KIND).await?.and_then(|entry| entry.stop))
    }

    /// Changes the last stop of a space, or of the stack, as `next` says of it; the stop as it is then, and whether this
    /// changed it. Of two changes at once, the later one is decided anew.
    pub async fn change_stop(
        &self,
        space: Option<&SpaceId>,
        next: impl Fn(Option<&Stop>) -> Option<Stop>,
    ) -> Result<(Option<Stop>, bool), StoreError> {
        for _ in 0..ATTEMPTS {
            let last = self.stop(space).await?;
            let Some(next) = next(last.as_ref()) else { return Ok((last, false)) };
            let write = Write::update(stop_key(space), "SET #stop = :stop").value(":stop", to_attribute(next)?);
            let write = match last {
                None => write.when("attribute_not_exists(#stop)"),
                Some(last) => write
                    .when("#stop.#number = :number AND #stop.ended_at = :ended")
                    .value(":number", last.number)
                    .value(":ended", last.ended_at),
            };
            if self.write(write).await?.is_done() {
                return Ok((Some(next), true));
            }
        }
        Err(StoreError::Unavailable("the stop is contended".to_owned()))
    }

    /// Up to so many spaces of the list, by id, after one; and the last one where there are more.
    pub async fn list_spaces(
        &self,
        after: Option<&SpaceId>,
        limit: i32,
    ) -> Result<(Vec<ListedSpace>, Option<SpaceId>), StoreError> {
        let query = Query::all(SPACES.to_owned()).after(after.map(ToString::to_string)).limit(limit);
        let (items, more) = self.query(query).await?;
        let mut entries = Vec::with_capacity(items.len());
        for item in items {
            let id: SpaceId = sort_key(&item)?.parse().map_err(|_| StoreError::unreadable(KIND))?;
            entries.push((id, read::<Entry>(item, KIND)?));
        }
        let mut settings = self.settings(entries.iter().map(|(id, _)| id)).await?;
        let listed = entries.into_iter().map(|(id, entry)| {
            let space = settings.remove(&Key::space(&id).pk).ok_or_else(|| StoreError::unreadable("listed space"))?;
            Ok(ListedSpace { id, space, stop: entry.stop })
        });
        let more = more.map(|more| more.parse().map_err(|_| StoreError::unreadable(KIND))).transpose()?;
        Ok((listed.collect::<Result<_, StoreError>>()?, more))
    }

    /// Settings of spaces, by partition key.
    async fn settings<'a>(
        &self,
        spaces: impl Iterator<Item = &'a SpaceId>,
    ) -> Result<std::collections::HashMap<String, Space>, StoreError> {
        let items = self.get_many(spaces.map(Key::space)).await?;
        items.into_iter().map(|item| Ok((partition_key(&item)?.to_owned(), read(item, "space")?))).collect()
    }

    /// How far the search for spaces that are not in the list has come; `None` where it was never begun.
    pub async fn space_search(&self) -> Result<Option<SpaceSearch>, StoreError> {
        self.get(Key::space_search(), "search for spaces").await
    }

    /// Goes on with the search by one request: notes the spaces that it finds in the list, then how far it has come. Doing it
    /// again changes nothing. A finished search begins anew.
    pub async fn search_spaces(&self, search: &SpaceSearch, now: Time) -> Result<SpaceSearch, StoreError> {
        let search = if search.finished_at.is_some() { &SpaceSearch::default() } else { search };
        let after = search.after.clone().map(|(pk, sk)| Item::from(Key { pk, sk }));
        let scan = self.client.scan().table_name(&self.table).limit(SEARCHED).set_exclusive_start_key(after);
        let reply = scan
            .filter_expression("begins_with(pk, :spaces) AND sk = :alone")
            .expression_attribute_values(":spaces", "S#".to_value())
            .expression_attribute_values(":alone", "-".to_value())
            .send()
            .await?;
        let mut next = SpaceSearch { scanned: search.scanned + i64::from(reply.scanned_count), ..search.clone() };
        for item in reply.items.unwrap_or_default() {
            let id = partition_key(&item)?.strip_prefix("S#").and_then(|id| id.parse().ok());
            self.note_space(&id.ok_or_else(|| StoreError::unreadable("space"))?).await?;
            next.found += 1;
        }
        let key = |item: Item| Ok::<_, StoreError>((partition_key(&item)?.to_owned(), sort_key(&item)?.to_owned()));
        next.after = reply.last_evaluated_key.map(key).transpose()?;
        next.finished_at = next.after.is_none().then_some(now);
        self.write(Write::put_record(Key::space_search(), &next)?).await?;
        Ok(next)
    }

    /// Notes a space in the list as its settings are now, unless that was done before.
    async fn note_space(&self, id: &SpaceId) -> Result<(), StoreError> {
        if let Some(entry) = self.get::<Entry>(Key::listed_space(id), KIND).await?
            && entry.activated.is_some()
        {
            return Ok(());
        }
        let Some(space) = self.space(id).await? else { return Ok(()) };
        let note = listed(id, &space).when("attribute_not_exists(activated)");
        self.write(note).await.map(drop)
    }
}

/// Notes a space in the list: it belongs to the transaction that changes its settings.
pub(super) fn listed(id: &SpaceId, space: &Space) -> Write {
    Write::update(Key::listed_space(id), "SET activated = :activated").value(":activated", space.activated)
}

fn stop_key(space: Option<&SpaceId>) -> Key {
    space.map_or_else(Key::stop, Key::listed_space)
}

/// Notes what an item says of the stops of a space.
pub(super) fn note(stops: &mut Stops, item: Item) -> Result<(), StoreError> {
    let is_of_stack = partition_key(&item)? == Key::stop().pk;
    let entry: Entry = read(item, KIND)?;
    if is_of_stack {
        stops.all = entry.stop;
    } else {
        stops.space = entry.stop;
        stops.is_deactivated = entry.activated == Some(false);
    }
    Ok(())
}
