//! Segments, their members and their gates.
//!
//! A change of a segment is a put of the whole record under the version that was read. Gates follow: closing puts the
//! version of the change into each shard, opening removes the gates of earlier versions. So a late step of an earlier change
//! neither closes what was opened since for good, nor opens what was closed since.

use efface_core::{
    id::ProfileId,
    job::{JobHead, JobId},
    segment::{MemberCursor, SHARDS, Segment, SegmentId},
    space::SpaceId,
};
use futures::{StreamExt, TryStreamExt, future::try_join_all, stream};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{
    Key, Store, StoreError,
    keys::{MEMBERS, members_partition, segments_partition},
    read::{Query, last_part, read, sort_key},
    value::ToValue,
    write::{MANY, Write},
};

pub(super) const KIND: &str = "segment";

/// Shards that are read, opened or closed at once.
const AT_ONCE: u16 = 16;

/// Members that are listed of one shard in one request: about 1 MB, which is what a query reads at most.
const MEMBERS_AT_ONCE: usize = 10_000;

/// Members that are asked for of each of many shards at least.
const MEMBERS_AT_LEAST: usize = 100;

/// Segments that are listed at once.
const LISTED_AT_ONCE: i32 = 100;

/// Whose turn it is to empty a segment of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The job.
    pub job_id: JobId,
    /// The version of the job's head when it took the turn: a job that takes it again has another one.
    pub version: i64,
}

#[derive(Deserialize)]
struct Gate {
    version: i64,
}

impl Store {
    /// Reads a segment, also a deleted one.
    pub async fn segment(&self, space: &SpaceId, segment: &SegmentId) -> Result<Option<Segment>, StoreError> {
        self.get(Key::segment(space, segment), KIND).await
    }

    /// Makes a segment. `false` where it is there, or was.
    pub async fn create_segment(&self, space: &SpaceId, segment: &Segment) -> Result<bool, StoreError> {
        Ok(self.write(Write::put_new(Key::segment(space, &segment.segment_id), segment)?).await?.is_done())
    }

    /// Changes a segment, if it still has the version before this one.
    pub async fn change_segment(&self, space: &SpaceId, segment: &Segment) -> Result<bool, StoreError> {
        Ok(self.write(change(space, segment)?).await?.is_done())
    }

    /// A page of a space's segments by id, after one, with where to go on. Without `all`, those that are
    /// disabled are left out. At `until` the page ends with what was found.
    pub async fn list_segments(
        &self,
        space: &SpaceId,
        mut after: Option<String>,
        limit: usize,
        all: bool,
        until: Instant,
    ) -> Result<(Vec<Segment>, bool), StoreError> {
        let mut found: Vec<Segment> = Vec::new();
        loop {
            let query = Query::all(segments_partition(space)).after(after).limit(LISTED_AT_ONCE);
            let (items, more) = self.query(query).await?;
            let segments = items.into_iter().map(|item| read(item, KIND)).collect::<Result<Vec<Segment>, _>>()?;
            found.extend(segments.into_iter().filter(|it| it.exists() && (all || !it.is_disabled())));
            after = more;
            let is_over = Instant::now() >= until && !found.is_empty();
            if found.len() > limit || after.is_none() || is_over {
                let has_more = found.len() > limit || after.is_some();
                found.truncate(limit);
                return Ok((found, has_more));
            }
        }
    }

    /// Closes all gates of a segment. Those that a later change closed stay as they are.
    pub async fn close_gates(&self, space: &SpaceId, segment: &Segment) -> Result<(), StoreError> {
        let close = |shard| {
            let gate = [("version".to_owned(), segment.version.to_value())].into();
            let put = Write::put(Key::gate(space, &segment.segment_id, shard), gate);
            put.when("attribute_not_exists(pk) OR version < :version").value(":version", segment.version)
        };
        self.write_each((0..SHARDS).map(close)).await
    }

    /// Opens the gates of a segment that earlier changes closed.
    pub async fn open_gates(&self, space: &SpaceId, segment: &Segment) -> Result<(), StoreError> {
        self.write_each((0..SHARDS).map(|shard| open(space, segment, shard))).await
    }

    /// Opens one gate, if an earlier change than the segment's last closed it.
    pub async fn open_gate(&self, space: &SpaceId, segment: &Segment, shard: u16) -> Result<(), StoreError> {
        self.write(open(space, segment, shard)).await.map(drop)
    }

    /// The version of the change that closed a gate; `None` where it is open.
    pub async fn gate(&self, space: &SpaceId, segment: &SegmentId, shard: u16) -> Result<Option<i64>, StoreError> {
        let gate: Option<Gate> = self.get(Key::gate(space, segment, shard), "gate of a segment").await?;
        Ok(gate.map(|gate| gate.version))
    }

    async fn write_each(&self, writes: impl Iterator<Item = Write>) -> Result<(), StoreError> {
        let mut work = Vec::new();
        for write in writes {
            work.push(self.write(write));
        }
        stream::iter(work).buffer_unordered(AT_ONCE.into()).try_for_each(|_| async { Ok(()) }).await
    }

    /// Up to so many members of a segment from a cursor on, by consistent reads, and where to go on. As many shards are read
    /// at once as are needed by what those before them had: of a small segment most are empty, of a large one the first is
    /// enough. Little more is read than is asked for.
    pub async fn members(
        &self,
        space: &SpaceId,
        segment: &SegmentId,
        mut from: MemberCursor,
        limit: usize,
    ) -> Result<(Vec<ProfileId>, MemberCursor), StoreError> {
        let (mut found, mut width) = (Vec::new(), 1);
        while found.len() < limit && !from.is_end() {
            let share = 2 * (limit - found.len()) / usize::from(width);
            let most = share.clamp(MEMBERS_AT_LEAST.min(limit), MEMBERS_AT_ONCE);
            let (before, end) = (found.len(), (from.shard + width).min(SHARDS));
            let shards = (from.shard..end).map(|shard| {
                let after = from.after.filter(|_| shard == from.shard);
                self.members_of(space, segment, shard, after, most)
            });
            let listed = try_join_all(shards).await?;
            for (shard, (members, has_more)) in (from.shard..end).zip(listed) {
                let room = limit - found.len();
                let is_cut = has_more || members.len() > room;
                found.extend(members.into_iter().take(room));
                let last = found.last().copied().filter(|last: &ProfileId| u16::from(last.shard()) == shard);
                from = match last {
                    Some(last) if is_cut => MemberCursor::after(last),
                    _ if is_cut => MemberCursor::at(shard),
                    _ => MemberCursor::at(shard + 1),
                };
                if is_cut {
                    break;
                }
            }
            let needed = match found.len() - before {
                0 => AT_ONCE.into(),
                read => (limit - found.len()) / (read / usize::from(width) + 1),
            };
            width = u16::try_from(needed).unwrap_or(AT_ONCE).clamp(1, AT_ONCE.min(2 * width));
        }
        Ok((found, from))
    }

    /// Up to so many members of a shard, and whether there may be more.
    async fn members_of(
        &self,
        space: &SpaceId,
        segment: &SegmentId,
        shard: u16,
        after: Option<ProfileId>,
        most: usize,
    ) -> Result<(Vec<ProfileId>, bool), StoreError> {
        let query = Query::prefix(members_partition(space, segment, shard), MEMBERS);
        let query = query.after(after.map(|after| after.to_string())).limit(i32::try_from(most).unwrap_or(i32::MAX));
        let (items, more) = self.query(query).await?;
        let members = items.iter().map(|item| last_part(sort_key(item)?, "membership"));
        Ok((members.collect::<Result<_, _>>()?, more.is_some()))
    }

    /// How many members a shard has.
    pub async fn count_members(&self, space: &SpaceId, segment: &SegmentId, shard: u16) -> Result<i64, StoreError> {
        self.count_items(&Query::prefix(members_partition(space, segment, shard), MEMBERS)).await
    }

    /// Removes the memberships of profiles that are deleted, or are being deleted, with their edges.
    pub async fn remove_members(
        &self,
        space: &SpaceId,
        segment: &SegmentId,
        members: &[ProfileId],
    ) -> Result<(), StoreError> {
        let keys = members
            .iter()
            .flat_map(|member| [Key::membership(space, segment, *member), Key::segment_edge(space, *member, segment)]);
        self.delete_many(keys).await
    }

    /// Whose turn it is to empty a segment of the space.
    pub async fn turn(&self, space: &SpaceId) -> Result<Option<Turn>, StoreError> {
        self.get(Key::segment_turn(space), "turn of a space").await
    }

    /// Ends what a job has of its space and of its segment, if the job is as it was read: its turn, where it has that, and
    /// `changed`, the segment as it is from now on. Whether it did.
    pub async fn let_go(&self, space: &SpaceId, head: &JobHead, changed: Option<&Segment>) -> Result<bool, StoreError> {
        let check = Write::check(Key::job(space, head.job_id), "version = :version").value(":version", head.version);
        let mut writes = vec![check];
        if self.turn(space).await?.is_some_and(|turn| turn.job_id == head.job_id) {
            let end = Write::delete(Key::segment_turn(space));
            writes.push(end.when("attribute_not_exists(pk) OR job_id = :job").value(":job", head.job_id));
        }
        writes.extend(changed.map(|changed| change(space, changed)).transpose()?);
        if writes.len() == 1 {
            return Ok(true);
        }
        Ok(self.transact(writes, MANY).await?.is_done())
    }
}

/// A segment as it is to be, if it still has the version before this one.
pub(super) fn change(space: &SpaceId, segment: &Segment) -> Result<Write, StoreError> {
    let put = Write::put_record(Key::segment(space, &segment.segment_id), segment)?;
    Ok(put.when("version = :before").value(":before", segment.version - 1))
}

/// Gives a job the turn, where nobody has it, or `before` still has it.
pub(super) fn take_turn(space: &SpaceId, turn: Turn, before: Option<Turn>) -> Result<Write, StoreError> {
    let take = Write::put_record(Key::segment_turn(space), &turn)?;
    Ok(match before {
        None => take.when("attribute_not_exists(pk)"),
        Some(Turn { job_id, version }) => {
            take.when("job_id = :before AND version = :version").value(":before", job_id).value(":version", version)
        }
    })
}

fn open(space: &SpaceId, segment: &Segment, shard: u16) -> Write {
    let delete = Write::delete(Key::gate(space, &segment.segment_id, shard));
    delete.when("version < :version").value(":version", segment.version)
}
