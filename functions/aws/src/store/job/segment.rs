//! Jobs of segments: their phases, and the rows that they make of the members.

use efface_core::{
    job::{JobHead, JobState, Page, Phase, SegmentJob, event::JobEvent},
    segment::Segment,
    space::SpaceId,
    time::Time,
};

use super::{aggregate_writes, event, new_job, page_writes, relist};
use crate::store::{
    Key, Store, StoreError,
    segment::{self, Turn},
    value::to_attribute,
    write::{MANY, Write},
};

/// A move of a job of a segment to another phase.
#[derive(Debug)]
pub struct PhaseMove {
    /// The next phase.
    pub to: Phase,
    /// The state that goes with it.
    pub state: JobState,
    /// What the job keeps of its segment from now on.
    pub segment: SegmentJob,
    /// What it tells.
    pub event: Option<JobEvent>,
    /// When.
    pub now: Time,
}

impl Store {
    /// Makes a job that is the segment's own from now on, in one transaction. `false` where the job is there already, or the
    /// segment has changed meanwhile.
    pub async fn create_segment_job(
        &self,
        space: &SpaceId,
        head: &JobHead,
        changed: Option<&Segment>,
    ) -> Result<bool, StoreError> {
        let mut writes = new_job(space, head, None)?;
        if let Some(changed) = changed {
            writes.push(segment::change(space, changed)?);
        }
        Ok(self.transact(writes, MANY).await?.is_done())
    }

    /// Moves a job to another phase, if it still is as it was read.
    pub async fn move_phase(&self, space: &SpaceId, head: &JobHead, to: PhaseMove) -> Result<bool, StoreError> {
        Ok(self.transact(phase_writes(space, head, to)?, MANY).await?.is_done())
    }

    /// The same for a job that takes its turn, after `before` where somebody had it, and its segment.
    pub async fn take_turn(
        &self,
        space: &SpaceId,
        head: &JobHead,
        to: PhaseMove,
        before: Option<Turn>,
        changed: Option<&Segment>,
    ) -> Result<bool, StoreError> {
        let mut writes = phase_writes(space, head, to)?;
        writes.push(segment::take_turn(space, Turn { job_id: head.job_id, version: head.version }, before)?);
        writes.extend(changed.map(|changed| segment::change(space, changed)).transpose()?);
        Ok(self.transact(writes, MANY).await?.is_done())
    }

    /// Keeps how far the job has come with the members of its segment, and commits the page of rows that this made, if the
    /// job still is as it was read.
    pub async fn keep_listed(
        &self,
        space: &SpaceId,
        head: &JobHead,
        (before, segment): (&SegmentJob, &SegmentJob),
        page: Option<&Page>,
    ) -> Result<bool, StoreError> {
        let update = Write::update(Key::job(space, head.job_id), "SET #segment = :segment")
            .when("version = :version AND #segment.#step = :step")
            .value(":segment", to_attribute(segment)?)
            .value(":step", before.step)
            .value(":version", head.version);
        let Some(page) = page else { return Ok(self.write(update).await?.is_done()) };
        let mut writes = page_writes(space, head.job_id, page)?;
        writes.extend(aggregate_writes(space, head, "all", &[("rows", page.rows)]));
        writes.push(update);
        Ok(self.transact(writes, MANY).await?.is_done())
    }
}

fn phase_writes(space: &SpaceId, head: &JobHead, to: PhaseMove) -> Result<Vec<Write>, StoreError> {
    let PhaseMove { to, state, segment, event, now } = to;
    let starts = head.started_at.is_none() && state == JobState::Running;
    let set = "SET phase = :phase, #state = :next, version = version + :one, changed_at = :now, #segment = :segment";
    let update = Write::update(
        Key::job(space, head.job_id),
        if starts { format!("{set}, started_at = :now") } else { set.to_owned() },
    )
    .when("version = :version")
    .value(":phase", to.as_str())
    .value(":next", state.as_str())
    .value(":one", 1_i64)
    .value(":version", head.version)
    .value(":now", now)
    .value(":segment", to_attribute(segment)?);
    let mut writes = relist(space, head, state);
    writes.push(update);
    writes.extend(event::of_change(space, head.job_id, head.version + 1, event.as_slice())?);
    Ok(writes)
}
