//! `efface admin reapply`: a table that was restored from a backup takes over what was deleted and revoked since, from
//! the table that it replaces. Nobody uses the restored table until a first run is finished.
//!
//! The old table is scanned in segments, part by part. A part is done before the cursor moves past it, and doing it again
//! changes nothing: so a run may end anywhere, and the next one goes on. [`efface_core::reapply`] decides what becomes of
//! each item.
//!
//! The file is long because the report and the errors of the command stand beside the order of its steps.

mod jobs;
mod profile;
mod settings;

use std::{
    iter::Sum,
    ops::AddAssign,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use efface_aws::{
    Store, StoreError,
    clock::Clock,
    queue::Queue,
    store::{
        Item, Key,
        reapply::{OldItem, OldRecord, Over, ReapplyRun, SEGMENTS, read_there},
        table::Table,
    },
};
use efface_core::{
    deletion::Identifier,
    reapply::{IdentifierStep, TokenStep, identifier_step, later_use, token_step},
    time::Time,
    token_record::TokenRecord,
};
use futures::{StreamExt, TryStreamExt, future::try_join_all, stream};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Deadline, Engine, Error};

pub use settings::{Setting, SettingChange};

/// Items of a part: so few that a part that is done again costs little.
const PART: i32 = 500;

/// Items of a part that are dealt with at once.
const AT_ONCE: usize = 16;

/// How often the deletion of an identifier is decided anew, whose item has changed meanwhile.
const ATTEMPTS: usize = 4;

/// For so long a part is tried again while a table is unavailable.
const PART_TIME: Duration = Duration::from_mins(1);

/// How far a run has come with a segment.
type Segment = efface_aws::store::reapply::Segment<Carried>;

/// Why the command does nothing, or does not go on.
#[derive(Debug, Error)]
pub enum ReapplyError {
    /// Both names are the same table's.
    #[error("--from and --to are the same table: --from is the table in use, --to the one that was restored")]
    SameTable,
    /// The table can't be used.
    #[error("the table `{table}` is {status}: wait until it is ACTIVE")]
    NotActive {
        /// The table's name.
        table: String,
        /// Its status.
        status: String,
    },
    /// The table is no table of Efface.
    #[error("the table `{0}` is not one that Efface has used: check its name")]
    Foreign(String),
    /// The tables were written with two identifier keys.
    #[error("the tables were written with different identifier keys, so one is not a backup of the other")]
    OtherKey,
    /// The tables are named the wrong way round.
    #[error("`{0}` was restored from `{1}`: give --from {1} --to {0}")]
    Swapped(String, String),
    /// The time is to come.
    #[error("--since is in the future: it is the moment that the table was restored to")]
    Future,
    /// The table was restored to an earlier moment.
    #[error("`{table}` was restored to {restored_to}, before --since: give --since {restored_to}")]
    LaterThanBackup {
        /// The table's name.
        table: String,
        /// The moment that it was restored to.
        restored_to: Time,
    },
    /// A setting of the restored table contradicts the old table's.
    #[error("{0} of the restored table is set to something else than the old table's: switch it off, and run again")]
    Setting(Setting),
    /// The tables can't be read or written.
    #[error(transparent)]
    Engine(#[from] Error),
}

impl From<StoreError> for ReapplyError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

/// What was written to the restored table, by kind. After a crash it may lack what the last parts did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Items of the old table that were looked at.
    pub scanned: i64,
    /// Identifiers that were deleted.
    pub identifiers: i64,
    /// Those of them that are active again in the old table.
    pub came_back: i64,
    /// Those of them whose deletion is older than the backup should be.
    pub older: i64,
    /// Profiles whose heads were set to deleted.
    pub profiles: i64,
    /// Memberships of deleted profiles that were removed.
    pub memberships: i64,
    /// Deleted profiles whose traits were removed.
    pub traits: i64,
    /// Spaces that were made or changed.
    pub spaces: i64,
    /// Items of tokens that were made: a token has two.
    pub tokens: i64,
    /// Items of tokens that were revoked.
    pub revocations: i64,
    /// Idempotency keys.
    pub idempotency_keys: i64,
    /// Jobs that were cancelled.
    pub jobs: i64,
}

impl AddAssign for Carried {
    fn add_assign(&mut self, other: Self) {
        self.scanned += other.scanned;
        self.identifiers += other.identifiers;
        self.came_back += other.came_back;
        self.older += other.older;
        self.profiles += other.profiles;
        self.memberships += other.memberships;
        self.traits += other.traits;
        self.spaces += other.spaces;
        self.tokens += other.tokens;
        self.revocations += other.revocations;
        self.idempotency_keys += other.idempotency_keys;
        self.jobs += other.jobs;
    }
}

impl Sum for Carried {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

/// What the command is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The moment that the table was restored to.
    pub since: Time,
    /// Whether nothing is written.
    pub is_dry_run: bool,
    /// The present time.
    pub now: Time,
}

/// What a finished run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reapplied {
    /// What was written.
    pub carried: Carried,
    /// What became of the table's settings.
    pub settings: Vec<(Setting, SettingChange)>,
}

/// Who watches a run.
pub struct Watch<'a> {
    /// Whether it is to stop, once the parts that are being done are done.
    pub is_stopped: &'a dyn Fn() -> bool,
    /// Hears how many items were looked at, and how many there are, as DynamoDB counts them now and then.
    pub progress: &'a dyn Fn(i64, i64),
}

/// A run of the command.
#[derive(Debug)]
pub struct Reapply {
    from: Store,
    to: Store,
    /// On the restored table; its jobs are cancelled with it.
    engine: Engine,
    old: Table,
    restored: Table,
    asked: Asked,
    run: ReapplyRun,
    /// Items that are scanned at once.
    part: i32,
}

impl Reapply {
    /// Checks that the tables belong together, and finds out where to go on. Writes nothing.
    pub async fn open(from: Store, to: Store, asked: Asked, clock: Clock) -> Result<Self, ReapplyError> {
        let (old, restored) = (from.table().await?, to.table().await?);
        check_tables(&old, &restored, asked)?;
        check_keys(&from, &to, [&old.name, &restored.name]).await?;
        let run = next_run(to.reapply_run(&old.id).await?, asked.now);
        let engine = Engine::new(to.clone(), Queue::none(), clock);
        Ok(Self { from, to, engine, old, restored, asked, run, part: PART })
    }

    /// The same in parts of so many items.
    #[must_use]
    pub fn with_parts_of(self, items: i32) -> Self {
        Self { part: items, ..self }
    }

    /// Whether no run was finished before: nobody uses the restored table yet, so its jobs are cancelled and its settings
    /// are overwritten.
    pub fn is_first(&self) -> bool {
        self.run.finished == 0
    }

    /// Runs to the end, or until it is to stop: then `None`, and the next run goes on. Jobs come first: nothing else is
    /// done while one of them could go on.
    pub async fn run(&mut self, watch: &Watch<'_>) -> Result<Option<Reapplied>, ReapplyError> {
        let segments = self.segments().await?;
        self.cancel_jobs().await?;
        let scanned = AtomicI64::new(segments.iter().map(|segment| segment.counts.scanned).sum());
        let mut work = Vec::with_capacity(segments.len());
        for segment in segments {
            work.push(self.carry_segment(segment, &scanned, watch));
        }
        let segments = try_join_all(work).await?;
        if segments.iter().any(|segment| !segment.is_done) {
            return Ok(None);
        }
        let settings = self.restore_settings().await?;
        self.finish().await?;
        let mut carried: Carried = segments.into_iter().map(|segment| segment.counts).sum();
        carried.jobs += self.run.cancelled_jobs;
        Ok(Some(Reapplied { carried, settings }))
    }

    /// How far the run has come with each segment.
    async fn segments(&self) -> Result<Vec<Segment>, Error> {
        let run = self.run.run;
        let new = |segment| Segment { segment, run, ..Segment::default() };
        if self.asked.is_dry_run {
            return Ok((0..SEGMENTS).map(new).collect());
        }
        self.keep_run().await?;
        let begun: Vec<Segment> = self.to.reapply_segments(&self.old.id, run).await?;
        let find = |number| begun.iter().find(|segment| segment.segment == number).cloned();
        Ok((0..SEGMENTS).map(|number| find(number).unwrap_or_else(|| new(number))).collect())
    }

    /// Does a segment to its end, or until the run is to stop. A part that fails for a while is done again.
    async fn carry_segment(
        &self,
        mut segment: Segment,
        scanned: &AtomicI64,
        watch: &Watch<'_>,
    ) -> Result<Segment, Error> {
        while !segment.is_done && !(watch.is_stopped)() {
            let deadline = Deadline::after(PART_TIME);
            let next = self.engine.concurrency.run(deadline, || self.carry_part(&segment)).await?;
            let more = next.counts.scanned - segment.counts.scanned;
            (watch.progress)(scanned.fetch_add(more, Ordering::Relaxed) + more, self.old.items);
            segment = next;
        }
        Ok(segment)
    }

    /// Does the next part of a segment; how far the run has come with it then.
    async fn carry_part(&self, segment: &Segment) -> Result<Segment, Error> {
        let after = segment.after.clone().map(|(pk, sk)| Key { pk, sk });
        let part = self.from.scan_part(segment.segment, after, self.part).await?;
        let there = self.to.items(part.items.iter().map(|old| old.key.clone())).await?;
        let mut work = Vec::with_capacity(part.items.len());
        for old in &part.items {
            work.push(Box::pin(self.carry(old, there.get(&old.key))));
        }
        let done: Vec<Carried> = stream::iter(work).buffer_unordered(AT_ONCE).try_collect().await?;
        let is_done = part.more.is_none();
        let mut next = Segment { is_done, after: part.more.map(|key| (key.pk, key.sk)), ..segment.clone() };
        next.counts.scanned += part.scanned;
        next.counts += done.into_iter().sum();
        if !self.asked.is_dry_run {
            self.to.keep_reapply_segment(&self.old.id, &next).await?;
        }
        Ok(next)
    }

    async fn finish(&mut self) -> Result<(), Error> {
        self.run.finished = self.run.run;
        self.run.finished_at = Some(self.asked.now);
        self.keep_run().await
    }

    async fn keep_run(&self) -> Result<(), Error> {
        if self.asked.is_dry_run {
            return Ok(());
        }
        Ok(self.to.keep_reapply_run(&self.old.id, &self.run).await?)
    }

    async fn carry(&self, old: &OldItem, there: Option<&Item>) -> Result<Carried, Error> {
        match &old.record {
            OldRecord::Identifier(_, identifier) => {
                let restored: Option<Identifier> = read_there(there, "identifier")?;
                Ok(self.carry_identifier(old, identifier, restored.as_ref()).await?.unwrap_or_default())
            }
            OldRecord::Head(space, head) => self.carry_profile(space, old, head, there).await,
            OldRecord::Space => self.carry_settings(old, there).await,
            // Neither is counted as a space. A stop: what is stopped stays so, also where the table changes. The check value
            // of the log key: it follows the commitments, which were made with that key.
            OldRecord::Stop | OldRecord::LogKeyCheck => {
                self.carry_settings(old, there).await.map(|_| Carried::default())
            }
            OldRecord::Token(token) => self.carry_token(old, token, there).await,
            OldRecord::IdempotencyKey(expires_at) => self.carry_key(old, *expires_at, there).await,
            OldRecord::Job(space, job) => {
                let may_run = self.is_first() && !self.asked.is_dry_run;
                let is_cancelled = may_run && self.cancel_job(space, *job).await?;
                Ok(Carried { jobs: is_cancelled.into(), ..Carried::default() })
            }
        }
    }

    /// Takes the deletion of an identifier over; `None` where the restored table knows of it. Where the restored
    /// table's item has changed since it was read, decides anew.
    async fn carry_identifier(
        &self,
        old: &OldItem,
        identifier: &Identifier,
        restored: Option<&Identifier>,
    ) -> Result<Option<Carried>, Error> {
        let unreadable = || StoreError::Unreadable("identifier".to_owned());
        let mut there = restored.cloned();
        for _ in 0..ATTEMPTS {
            let step = identifier_step(identifier, there.as_ref()).ok_or_else(unreadable)?;
            if step == IdentifierStep::Keep {
                return Ok(None);
            }
            let deleted_at = identifier.deleted_at.ok_or_else(unreadable)?;
            let generation = there.as_ref().map_or(0, |there| there.generation);
            if self.take_over(old, step, Over::DeletedBefore(deleted_at, generation), generation).await? {
                return Ok(self.carried(step, deleted_at));
            }
            let items = self.to.items([old.key.clone()]).await?;
            there = read_there(items.get(&old.key), "identifier")?;
        }
        Err(Error::contended("the identifier"))
    }

    /// Carries a step out, if the restored table's item is as it was read. Whether it was, or would be.
    async fn take_over(
        &self,
        old: &OldItem,
        step: IdentifierStep,
        over: Over,
        generation: u64,
    ) -> Result<bool, StoreError> {
        if self.asked.is_dry_run {
            return Ok(true);
        }
        match step {
            IdentifierStep::Keep => Ok(true),
            IdentifierStep::Copy(None) => self.to.copy(old.item.clone(), over).await,
            IdentifierStep::Copy(Some(life)) => self.to.copy(old.tombstone_of(life)?, over).await,
            IdentifierStep::DeleteAgain(lost) => self.to.copy(old.lost_tombstone(lost)?, over).await,
            IdentifierStep::Recount(life) => self.to.recount(old.key.clone(), life, generation).await,
        }
    }

    /// What a step counts. A tombstone that tells the end of another life is no deletion.
    fn carried(&self, step: IdentifierStep, deleted_at: Time) -> Option<Carried> {
        let came_back = match step {
            IdentifierStep::Keep | IdentifierStep::Recount(_) => return None,
            IdentifierStep::Copy(_) => 0,
            IdentifierStep::DeleteAgain(_) => 1,
        };
        let older = i64::from(deleted_at < self.asked.since);
        Some(Carried { identifiers: 1, came_back, older, ..Carried::default() })
    }

    /// Settings have no time, so they are taken over only until the restored table is in use. A space that was made since
    /// the backup is made.
    async fn carry_settings(&self, old: &OldItem, there: Option<&Item>) -> Result<Carried, Error> {
        let over = if self.is_first() { Over::Anything } else { Over::Nothing };
        let is_wanted = there.is_none() || (self.is_first() && there != Some(&old.item));
        let written = is_wanted && self.copy(old.item.clone(), over).await?;
        Ok(Carried { spaces: written.into(), ..Carried::default() })
    }

    async fn carry_token(&self, old: &OldItem, token: &TokenRecord, there: Option<&Item>) -> Result<Carried, Error> {
        let restored: Option<TokenRecord> = read_there(there, "token")?;
        let used = restored.as_ref().and_then(|restored| later_use(token.last_used_at, restored.last_used_at));
        if let Some(used) = used.filter(|_| !self.asked.is_dry_run) {
            self.to.take_over_use(old.key.clone(), used).await?;
        }
        Ok(match token_step(token.revoked_at, restored.map(|token| token.revoked_at)) {
            TokenStep::Keep => Carried::default(),
            TokenStep::Copy => {
                let written = self.copy(old.item.clone(), Over::Nothing).await?;
                Carried { tokens: written.into(), ..Carried::default() }
            }
            TokenStep::Revoke(at) => {
                let written = self.asked.is_dry_run || self.to.revoke_item(old.key.clone(), at).await?;
                Carried { revocations: written.into(), ..Carried::default() }
            }
        })
    }

    /// Without its keys the restored table would take a request that is sent again for a new one.
    async fn carry_key(&self, old: &OldItem, expires_at: Time, there: Option<&Item>) -> Result<Carried, Error> {
        let is_wanted = expires_at > self.asked.now && there != Some(&old.item);
        let written = is_wanted && self.copy(old.item.clone(), Over::ExpiresBefore(expires_at)).await?;
        Ok(Carried { idempotency_keys: written.into(), ..Carried::default() })
    }

    /// Whether the item was written, or would be.
    async fn copy(&self, item: Item, over: Over) -> Result<bool, StoreError> {
        if self.asked.is_dry_run { Ok(true) } else { self.to.copy(item, over).await }
    }
}

fn check_tables(old: &Table, restored: &Table, asked: Asked) -> Result<(), ReapplyError> {
    if old.arn == restored.arn {
        return Err(ReapplyError::SameTable);
    }
    for table in [old, restored] {
        if !table.is_active() {
            return Err(ReapplyError::NotActive { table: table.name.clone(), status: table.status.clone() });
        }
        if !table.has_own_keys {
            return Err(ReapplyError::Foreign(table.name.clone()));
        }
    }
    let source = old.restored_from.as_ref().and_then(|(source, _)| source.as_ref());
    if source == Some(&restored.arn) {
        return Err(ReapplyError::Swapped(old.name.clone(), restored.name.clone()));
    }
    if asked.since > asked.now {
        return Err(ReapplyError::Future);
    }
    match restored.restored_from {
        Some((_, restored_to)) if restored_to.second() < asked.since.second() => {
            Err(ReapplyError::LaterThanBackup { table: restored.name.clone(), restored_to })
        }
        _ => Ok(()),
    }
}

async fn check_keys(from: &Store, to: &Store, names: [&String; 2]) -> Result<(), ReapplyError> {
    let mut keys = Vec::new();
    for (store, name) in [from, to].into_iter().zip(names) {
        keys.push(store.key_check().await?.ok_or_else(|| ReapplyError::Foreign(name.clone()))?);
    }
    if keys.first() == keys.last() { Ok(()) } else { Err(ReapplyError::OtherKey) }
}

/// The run that is unfinished, or a new one.
fn next_run(last: Option<ReapplyRun>, now: Time) -> ReapplyRun {
    let new = ReapplyRun {
        run: 1,
        finished: 0,
        started_at: now,
        finished_at: None,
        jobs_are_cancelled: false,
        cancelled_jobs: 0,
    };
    match last {
        None => new,
        Some(last) if last.finished < last.run => last,
        Some(last) => ReapplyRun { run: last.run + 1, started_at: now, cancelled_jobs: 0, ..last },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Time {
        Time::EPOCH.plus_seconds(second)
    }

    fn table(name: &str) -> Table {
        Table {
            name: name.to_owned(),
            id: name.to_owned(),
            arn: format!("arn:{name}"),
            status: "ACTIVE".to_owned(),
            has_own_keys: true,
            items: 0,
            restored_from: None,
            stream: None,
            is_protected: false,
        }
    }

    fn restored(name: &str, from: &str, second: i64) -> Table {
        Table { restored_from: Some((Some(format!("arn:{from}")), at(second))), ..table(name) }
    }

    #[test]
    fn tables_must_belong_together() {
        let asked = Asked { since: at(100), is_dry_run: false, now: at(200) };
        let check = |old: &Table, restored: &Table, expected: &str| {
            let error = check_tables(old, restored, asked).map_or_else(|error| error.to_string(), |()| String::new());
            assert!(error.starts_with(expected) && error.is_empty() == expected.is_empty(), "{error}");
        };
        check(&table("a"), &table("b"), "");
        check(&table("a"), &restored("b", "a", 100), "");
        check(&restored("a", "z", 50), &restored("b", "a", 100), "");
        check(&table("a"), &table("a"), "--from and --to are the same table");
        check(&restored("b", "a", 100), &table("a"), "`b` was restored from `a`: give --from a --to b");
        check(&table("a"), &restored("b", "a", 99), "`b` was restored to 1970-01-01T00:01:39.000Z, before --since");
        let creating = Table { status: "CREATING".to_owned(), ..table("b") };
        check(&table("a"), &creating, "the table `b` is CREATING");
        check(&table("a"), &Table { has_own_keys: false, ..table("b") }, "the table `b` is not one");
    }
}
