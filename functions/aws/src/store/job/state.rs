//! A job's way through its states. A job that stops tells its counters first to accept no chunks, and then looks whether
//! any runs: a chunk starts by counting itself on a counter, so none starts unnoticed.

use efface_core::{
    id::RequestId,
    job::{
        Approval, Control, JobHead, JobId, JobState, JobStatus, Phase, SHARDS,
        event::{EventKind, JobEvent, of_move},
        finding::FindingsDigest,
        state::{ControlRequest, aggregate_change},
        status::by_outcome,
    },
    space::SpaceId,
    stop::StopMark,
    time::Time,
};

use futures::future::join_all;

use super::{KIND, aggregate_writes, event, relist};
use crate::store::{
    Item, Key, Store, StoreError,
    value::{ToValue, to_attribute},
    write::{MANY, Write},
};

/// Requests that a job's head remembers, so that they can be sent again.
const CONTROLS: usize = 16;

/// A move of a job to another state.
#[derive(Debug)]
pub struct Move<'a> {
    /// The next state.
    pub to: JobState,
    /// Whether failed rows are taken back, to be tried again.
    pub redrives: bool,
    /// The control that asks for it; `None` where the job's counters or the time do.
    pub asked: Option<&'a ControlRequest<'a>>,
    /// The request with an idempotency key that asked for it.
    pub request: Option<RequestId>,
    /// What it tells beside that it moved.
    pub event: Option<JobEvent>,
    /// When.
    pub now: Time,
}

impl Move<'_> {
    /// A move that nobody asked for.
    pub fn to(state: JobState, now: Time) -> Self {
        Self { to: state, redrives: false, asked: None, request: None, event: None, now }
    }

    /// When the job may start after it.
    fn start_at(&self, head: &JobHead) -> Option<Time> {
        self.asked.map_or(head.start_at, |asked| asked.start_at(head))
    }

    fn events(&self, JobStatus { head, progress }: &JobStatus) -> Vec<JobEvent> {
        let (control, token_id) = self.asked.map(|asked| (asked.control, asked.token_id)).unzip();
        let cause = self.asked.and_then(|asked| asked.cause);
        let event = |kind| {
            let event = JobEvent::new(kind, head, progress, token_id.flatten(), self.now);
            JobEvent { cause, start_at: self.start_at(head).filter(|_| kind == EventKind::Scheduled), ..event }
        };
        of_move(control, self.to).into_iter().map(event).chain(self.event.clone()).collect()
    }
}

impl Store {
    /// Moves a job to another state, if it still is as it was read. Reaching a final state adds the job's counts to the
    /// aggregate counters; a redrive subtracts them again.
    pub async fn move_job(&self, space: &SpaceId, status: &JobStatus, to: Move<'_>) -> Result<bool, StoreError> {
        let JobStatus { head, progress } = status;
        let events = to.events(status);
        let start_at = to.start_at(head).filter(|at| head.start_at != Some(*at));
        let Move { to, redrives, asked, request, now, .. } = to;
        let job = head.job_id;
        let is_final = to.is_final();
        let is_control = |control| asked.is_some_and(|asked| asked.control == control);
        let mut controls = head.controls.clone();
        controls.extend(request);
        controls.drain(..controls.len().saturating_sub(CONTROLS));
        let mut approvals = head.approvals.clone();
        let approver = asked.filter(|asked| asked.control == Control::Approve).and_then(|asked| asked.token_id);
        approvals.extend(approver.map(|token_id| Approval { token_id: token_id.clone(), at: now }));
        // A job that empties a segment takes its turn again.
        let waits = redrives && head.emptied_segment().is_some();
        let set = "SET #state = :next, version = version + :one, changed_at = :now, redriving = :redriving, \
                   redrives = :redrives, finished_at = :finished, verified_at = :none, #counts = :counts, \
                   controls = :controls, approvals = :approvals";
        let set = if waits { format!("{set}, phase = :waiting") } else { set.to_owned() };
        // What the head tells of its end. A redrive leaves it, for the next end to write over.
        let rows = is_final.then(|| head.rows(progress));
        let set = if rows.is_some() { format!("{set}, #rows = :rows") } else { set };
        let set = if start_at.is_some() { format!("{set}, start_at = :start_at") } else { set };
        let cancelled_by = asked.filter(|_| to == JobState::Cancelling).map(ControlRequest::cancelled_by);
        let set = if cancelled_by.is_some() { format!("{set}, cancelled_by = :cancelled_by") } else { set };
        // The mark of a stop stays until the job is resumed or cancelled. Other jobs never have the attribute.
        let stop = asked.and_then(|asked| asked.stop);
        let set = match stop {
            Some(_) => format!("{set}, stopped_by = :stop"),
            None if head.stopped_by.is_some() && to != JobState::Paused => format!("{set} REMOVE stopped_by"),
            None => set,
        };
        let stop = stop.map(|stop| Ok::<_, StoreError>((":stop".to_owned(), to_attribute(stop)?))).transpose()?;
        let cancelled_by = cancelled_by.map(|by| Ok::<_, StoreError>((":cancelled_by".to_owned(), to_attribute(by)?)));
        let update = Write::update(Key::job(space, job), set)
            .values(Item::from_iter(stop))
            .values(Item::from_iter(cancelled_by.transpose()?))
            .values(Item::from_iter(rows.map(|rows| (":rows".to_owned(), rows.to_value()))))
            .values(Item::from_iter(start_at.map(|at| (":start_at".to_owned(), at.to_value()))))
            .values(Item::from_iter(waits.then(|| (":waiting".to_owned(), Phase::Waiting.as_str().to_value()))))
            // A redrive also stores the end that it read.
            .when(if redrives {
                "#state = :state AND version = :version AND verified_at = :verified"
            } else {
                "#state = :state AND version = :version"
            })
            .values(Item::from_iter(redrives.then(|| (":verified".to_owned(), head.verified_at.to_value()))))
            .value(":next", to.as_str())
            .value(":state", head.state.as_str())
            .value(":one", 1_i64)
            .value(":version", head.version)
            .value(":redriving", redrives || (head.redriving && !is_final))
            .value(":redrives", head.redrives + u32::from(redrives))
            .value(":none", None::<Time>)
            .value(":finished", is_final.then_some(now))
            .value(":counts", to_attribute(is_final.then_some(progress.counts))?)
            .value(":controls", to_attribute(controls)?)
            .value(":approvals", to_attribute(approvals)?)
            .value(":now", now);
        let mut writes = relist(space, head, to);
        writes.push(update);
        writes.extend(event::of_change(space, job, head.version + 1, &events)?);
        if redrives {
            writes.extend(event::of_last_end(space, status)?);
        }
        // A job whose limit is used up may delete as many again, where a person says so.
        let is_renewed = is_control(Control::Resume) && asked.is_some_and(|asked| asked.cause.is_none());
        if let Some(most) = head.max_deletions.filter(|_| is_renewed) {
            writes.extend(self.renewed_allowance(space, job, most).await?);
        }
        if redrives {
            writes.push(Write::put_key(Key::live_job(space, job)));
        }
        if let Some((of, sign)) = aggregate_change(head.state, to, redrives) {
            let mut amounts: Vec<_> = by_outcome(&progress.counts).map(|(name, rows)| (name, sign * rows)).collect();
            amounts.extend([("jobs", sign), ("rows", sign * head.rows(progress))]);
            writes.extend(aggregate_writes(space, head, of.as_str(), &amounts));
        }
        Ok(self.transact(writes, MANY).await?.is_done())
    }

    /// Writes the mark of a stop over that of a paused job, or removes it: then only persons resume the job. Whether the job
    /// still was as it was read.
    pub async fn mark_stopped(
        &self,
        space: &SpaceId,
        head: &JobHead,
        mark: Option<StopMark>,
    ) -> Result<bool, StoreError> {
        let key = Key::job(space, head.job_id);
        let write = match mark {
            Some(mark) => Write::update(key, "SET stopped_by = :mark, version = version + :one")
                .value(":mark", to_attribute(mark)?),
            None => Write::update(key, "SET version = version + :one REMOVE stopped_by"),
        };
        let write = write.when("version = :version AND attribute_exists(stopped_by)");
        let write = write.value(":one", 1_i64).value(":version", head.version);
        Ok(self.write(write).await?.is_done())
    }

    /// Notes that a chunk of a queued job has started, where none had before.
    pub async fn set_running(&self, space: &SpaceId, job: JobId, now: Time) -> Result<(), StoreError> {
        let write = Write::update(
            Key::job(space, job),
            "SET #state = :running, changed_at = :now, version = version + :one, \
             started_at = if_not_exists(started_at, :now)",
        )
        .when("#state = :queued")
        .value(":running", JobState::Running.as_str())
        .value(":queued", JobState::Queued.as_str())
        .value(":one", 1_i64)
        .value(":now", now);
        self.write(write).await.map(drop)
    }

    /// Ends a redrive, unless the job's state has changed meanwhile: all failed rows wait to be tried again.
    pub async fn end_redrive(&self, space: &SpaceId, head: &JobHead) -> Result<(), StoreError> {
        let write = Write::update(Key::job(space, head.job_id), "SET redriving = :no")
            .when("version = :version")
            .value(":no", false)
            .value(":version", head.version);
        self.write(write).await.map(drop)
    }

    /// Has the job's counters accept chunks or not, as its state says. A step of an earlier change of the state does
    /// nothing.
    pub async fn set_accepting(&self, space: &SpaceId, job: JobId) -> Result<(), StoreError> {
        let Some(head) = self.get::<JobHead>(Key::job(space, job), KIND).await? else { return Ok(()) };
        let set = |shard| {
            let write = Write::update(
                Key::counter(space, job, shard),
                "SET accepting = :accepting, accepting_version = :version",
            );
            write
                .when("attribute_not_exists(accepting_version) OR accepting_version < :version")
                .value(":accepting", head.state.accepts_chunks())
                .value(":version", head.version)
        };
        // All are tried, also where one fails: a counter that stays behind lets chunks start.
        let written = join_all((0..SHARDS).map(|shard| self.write(set(shard)))).await;
        written.into_iter().collect::<Result<Vec<_>, _>>().map(drop)
    }

    /// Takes a finished job off the list of those to look after. `verified` is when its outcomes were found to add up,
    /// and their digest, or that of what a dry run found.
    pub async fn retire_job(
        &self,
        space: &SpaceId,
        head: &JobHead,
        verified: Option<(Time, Option<FindingsDigest>)>,
    ) -> Result<bool, StoreError> {
        let (at, digest) = verified.unzip();
        let update = Write::update(Key::job(space, head.job_id), "SET verified_at = :verified, digest = :digest")
            .when("version = :version")
            .value(":verified", at)
            .value(":digest", digest.flatten())
            .value(":version", head.version);
        let live = Write::delete(Key::live_job(space, head.job_id));
        Ok(self.transact(vec![update, live], MANY).await?.is_done())
    }

    /// Keeps how far a job had come when the reconciler looked, and how often its chunks were sent again since.
    pub async fn keep_seen(
        &self,
        space: &SpaceId,
        job: JobId,
        seen: i64,
        resends: u32,
        now: Time,
    ) -> Result<(), StoreError> {
        let write = Write::update(Key::job(space, job), "SET seen = :seen, seen_at = :now, resends = :resends")
            .when("attribute_exists(pk)")
            .value(":seen", seen)
            .value(":resends", resends)
            .value(":now", now);
        self.write(write).await.map(drop)
    }
}
