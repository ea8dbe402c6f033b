//! Segments: made, renamed, disabled, enabled and deleted. Beside it: their [`members`], and the jobs that empty them
//! ([`empty`], and `job::segment`).

mod empty;
mod members;

use efface_aws::{Store, StoreError};
use efface_core::{
    api_error::ApiError,
    id::ProfileId,
    job::{JobHead, JobId, JobState, JobStatus},
    segment::{Author, MemberCursor, SHARDS, Segment, SegmentId, SegmentKind, SegmentName, SegmentState},
    space::SpaceId,
    time::Time,
};
use futures::{StreamExt, stream};

use crate::{Deadline, Engine, Error};

pub use empty::{Emptied, EmptySegment};
pub use members::{Change, Changed};

/// How often a change that met another is decided anew.
const ATTEMPTS: usize = 8;

/// For so long, in seconds, a request may be making a job.
const MAKING_SECONDS: i64 = 60;

/// Shards that are counted at once.
const AT_ONCE: usize = 16;

impl Engine {
    /// Makes a segment; whether it was made by this call.
    ///
    /// # Errors
    /// [`ApiError::SegmentExists`] where there is another one under this id.
    pub async fn create_segment(
        &self,
        space: &SpaceId,
        id: SegmentId,
        name: SegmentName,
        kind: SegmentKind,
        author: &Author<'_>,
    ) -> Result<(Segment, bool), Error> {
        let made = Segment::new(id, name, kind, author.now);
        let segment = Segment { changed_by: author.token_id.cloned(), ..made };
        for _ in 0..ATTEMPTS {
            match self.store.segment(space, &segment.segment_id).await? {
                Some(there) if there.exists() => {
                    let is_same = there.name == segment.name && there.kind == segment.kind;
                    return if is_same { Ok((there, false)) } else { Err(ApiError::SegmentExists.into()) };
                }
                there => {
                    if let Some(made) = make(&self.store, space, &segment, there, author).await? {
                        return Ok((made, true));
                    }
                }
            }
        }
        Err(Error::contended("the segment"))
    }

    /// A segment that is there.
    ///
    /// # Errors
    /// [`ApiError::SegmentNotFound`]
    pub async fn segment(&self, space: &SpaceId, id: &SegmentId) -> Result<Segment, Error> {
        let segment = self.store.segment(space, id).await?.filter(Segment::exists);
        Ok(segment.ok_or(ApiError::SegmentNotFound)?)
    }

    /// Gives a segment another name.
    ///
    /// # Errors
    /// [`ApiError::SegmentNotFound`]
    pub async fn rename_segment(
        &self,
        space: &SpaceId,
        id: &SegmentId,
        name: &SegmentName,
        author: &Author<'_>,
    ) -> Result<Segment, Error> {
        for _ in 0..ATTEMPTS {
            let segment = self.segment(space, id).await?;
            if is_done(&segment, author) {
                return Ok(segment);
            }
            let renamed = Segment { name: name.clone(), ..segment.next(author) };
            if segment.name == *name || self.store.change_segment(space, &renamed).await? {
                return Ok(Segment { name: name.clone(), ..segment });
            }
        }
        Err(Error::contended("the segment"))
    }

    /// Lets nobody join a segment from now on. When this returns, nobody does. Of requests with the same idempotency
    /// key one is carried out.
    ///
    /// # Errors
    /// [`ApiError::SegmentNotFound`]
    pub async fn disable_segment(
        &self,
        space: &SpaceId,
        id: &SegmentId,
        author: &Author<'_>,
    ) -> Result<Segment, Error> {
        self.disable(space, id, author, |_| true).await?.ok_or(ApiError::SegmentNotFound.into())
    }

    /// The same for the job that empties the segment, while it does. Whether the segment is the job's own.
    pub(crate) async fn disable_for_job(&self, space: &SpaceId, id: &SegmentId, job: JobId) -> Result<bool, Error> {
        let author = Author::own(self.clock.now());
        Ok(self.disable(space, id, &author, |segment| segment.active_job == Some(job)).await?.is_some())
    }

    /// The same; `None` where there is no such segment for whoever asks.
    async fn disable(
        &self,
        space: &SpaceId,
        id: &SegmentId,
        author: &Author<'_>,
        is_asked_for: impl Fn(&Segment) -> bool,
    ) -> Result<Option<Segment>, Error> {
        for _ in 0..ATTEMPTS {
            let segment = self.store.segment(space, id).await?.filter(Segment::exists);
            let Some(segment) = segment.filter(&is_asked_for) else { return Ok(None) };
            match segment.state {
                SegmentState::Disabled => return Ok(Some(segment)),
                SegmentState::Disabling => {
                    self.store.close_gates(space, &segment).await?;
                    let disabled = moved(&segment, SegmentState::Disabled, &segment.finisher(author.now));
                    self.store.change_segment(space, &disabled).await?;
                }
                _ if is_done(&segment, author) => return Ok(Some(segment)),
                _ => {
                    let disabling = moved(&segment, SegmentState::Disabling, author);
                    let disabling = Segment { disabled_at: Some(self.clock.now()), ..disabling };
                    self.store.change_segment(space, &disabling).await?;
                }
            }
        }
        Err(Error::contended("the segment"))
    }

    /// Lets profiles join a segment again, once for requests with one idempotency key.
    ///
    /// # Errors
    /// [`ApiError::SegmentNotFound`]; [`ApiError::JobInProgress`] while a job empties it.
    pub async fn enable_segment(&self, space: &SpaceId, id: &SegmentId, author: &Author<'_>) -> Result<Segment, Error> {
        for _ in 0..ATTEMPTS {
            let segment = self.segment(space, id).await?;
            match segment.state {
                SegmentState::Enabled => return Ok(segment),
                SegmentState::Enabling => finish_enabling(&self.store, space, &segment, author.now).await?,
                _ if is_done(&segment, author) => return Ok(segment),
                _ => {
                    // A job that has not started yet disables it then. A start changes the segment, too, so that what was
                    // read here is old.
                    if let Some(head) = self.job_of_segment(space, &segment).await?
                        && head.started_at.is_some()
                    {
                        return Err(ApiError::JobInProgress(head.job_id).into());
                    }
                    let enabling = moved(&segment, SegmentState::Enabling, author);
                    self.store.change_segment(space, &enabling).await?;
                }
            }
        }
        Err(Error::contended("the segment"))
    }

    /// Deletes a segment that has no members, once for requests with one idempotency key. Its gates are closed first and stay
    /// closed, so that whoever wants to join it looks for it, and makes it anew.
    ///
    /// # Errors
    /// [`ApiError::SegmentNotFound`], [`ApiError::SegmentNotEmpty`]; [`ApiError::JobInProgress`] where it has a job that is
    /// not over.
    pub async fn delete_segment(&self, space: &SpaceId, id: &SegmentId, author: &Author<'_>) -> Result<Segment, Error> {
        for _ in 0..ATTEMPTS {
            let segment = self.store.segment(space, id).await?.ok_or(ApiError::SegmentNotFound)?;
            if is_done(&segment, author) {
                return Ok(segment);
            }
            if !segment.exists() {
                return Err(ApiError::SegmentNotFound.into());
            }
            if let Some(head) = self.job_of_segment(space, &segment).await? {
                return Err(ApiError::JobInProgress(head.job_id).into());
            }
            let was_enabled = segment.state.takes_members();
            if self.has_members(space, id).await? {
                return Err(ApiError::SegmentNotEmpty.into());
            }
            let segment = self.disable_segment(space, id, &follows(author)).await?;
            if self.has_members(space, id).await? {
                // Unless somebody has changed it since.
                let enabling = moved(&segment, SegmentState::Enabling, &follows(author));
                if was_enabled && self.store.change_segment(space, &enabling).await? {
                    finish_enabling(&self.store, space, &enabling, author.now).await?;
                }
                return Err(ApiError::SegmentNotEmpty.into());
            }
            let deleted = moved(&segment, SegmentState::Deleted, author);
            if segment.active_job.is_none() && self.store.change_segment(space, &deleted).await? {
                return Ok(segment);
            }
        }
        Err(Error::contended("the segment"))
    }

    async fn has_members(&self, space: &SpaceId, id: &SegmentId) -> Result<bool, StoreError> {
        Ok(!self.store.members(space, id, MemberCursor::default(), 1).await?.0.is_empty())
    }

    /// How many members a segment has; `None` where the time was too short to count them.
    pub async fn count_members(
        &self,
        space: &SpaceId,
        id: &SegmentId,
        deadline: Deadline,
    ) -> Result<Option<i64>, StoreError> {
        let mut work = Vec::new();
        for shard in 0..SHARDS {
            work.push(async move {
                if deadline.is_over() {
                    return Ok(None);
                }
                let count = tokio::time::timeout_at(deadline.instant(), self.store.count_members(space, id, shard));
                count.await.ok().transpose()
            });
        }
        let mut counts = stream::iter(work).buffer_unordered(AT_ONCE);
        let mut total = 0;
        while let Some(count) = counts.next().await {
            let Some(count) = count? else { return Ok(None) };
            total += count;
        }
        Ok(Some(total))
    }

    /// The job that empties a segment, or is going to. One that is over is the segment's no more.
    pub(crate) async fn job_of_segment(&self, space: &SpaceId, segment: &Segment) -> Result<Option<JobHead>, Error> {
        let Some(job) = segment.active_job else { return Ok(None) };
        match self.store.job(space, job).await? {
            Some(status) if !status.head.state.is_final() => return Ok(Some(status.head)),
            Some(status) => {
                self.end_segment_job(space, &status).await?;
                // It may have been redriven meanwhile.
                let status = self.store.job(space, job).await?;
                return Ok(status.map(|status| status.head).filter(|head| !head.state.is_final()));
            }
            // It is just being made: a read may find the segment before the job.
            None if self.is_new(job) => return Err(Error::contended("the segment")),
            None => {
                let ended = without_job(segment, segment.state, self.clock.now());
                self.store.change_segment(space, &ended).await?;
            }
        }
        Ok(None)
    }

    /// Whether a job's request is so young that it may still be made.
    fn is_new(&self, job: JobId) -> bool {
        let age = job.request().time().map(|at| self.clock.now().second() - at.second());
        age.is_some_and(|age| age < MAKING_SECONDS)
    }

    /// Ends what a job has of its space and its segment, when it is over: its turn, and that nobody enables the segment. With
    /// `auto_enable` the segment is enabled, if everybody is deleted. It can be repeated; where the job was redriven
    /// meanwhile, nothing happens.
    pub(crate) async fn end_segment_job(&self, space: &SpaceId, status: &JobStatus) -> Result<(), Error> {
        let JobStatus { head, progress } = status;
        let Some(emptied) = head.emptied_segment() else { return Ok(()) };
        let is_empty = emptied.left == Some(0) && progress.counts.failed == 0;
        let now = self.clock.now();
        let enables = emptied.auto_enable && head.state == JobState::Completed && is_empty;
        for _ in 0..ATTEMPTS {
            let segment = self.store.segment(space, &emptied.segment_id).await?.filter(Segment::exists);
            let own = segment.as_ref().filter(|segment| segment.active_job == Some(head.job_id));
            let ended = own.map(|segment| {
                let state = if enables { SegmentState::Enabling } else { segment.state };
                without_job(segment, state, now)
            });
            if !self.store.let_go(space, head, ended.as_ref()).await? {
                let there = self.store.job(space, head.job_id).await?;
                if there.is_none_or(|there| there.head.version != head.version) {
                    return Ok(());
                }
                continue;
            }
            match ended.or(segment) {
                Some(segment) if segment.state == SegmentState::Enabling => {
                    finish_enabling(&self.store, space, &segment, now).await?;
                }
                // It was cancelled while it closed the gates.
                Some(segment) if segment.state == SegmentState::Disabling => {
                    let is_disabling = |segment: &Segment| segment.state == SegmentState::Disabling;
                    self.disable(space, &segment.segment_id, &Author::own(now), is_disabling).await?;
                }
                _ => {}
            }
            return Ok(());
        }
        Err(Error::contended("the segment"))
    }
}

/// Whether a request with an idempotency key has changed the segment before.
fn is_done(segment: &Segment, author: &Author<'_>) -> bool {
    author.request.is_some_and(|request| segment.requests.contains(&request))
}

/// Who does what follows from a change. The request is remembered once, with the change that it asked for.
fn follows<'a>(author: &Author<'a>) -> Author<'a> {
    Author { request: None, ..*author }
}

/// A segment in its next state.
fn moved(segment: &Segment, state: SegmentState, author: &Author<'_>) -> Segment {
    let disabled_at = segment.disabled_at.filter(|_| !state.takes_members());
    Segment { state, disabled_at, ..segment.next(author) }
}

/// A segment whose job is over, in its next state. Efface itself changes it. But where somebody's change of the state
/// is not finished, the record goes on to say whose it is, for who finishes it.
fn without_job(segment: &Segment, state: SegmentState, now: Time) -> Segment {
    let goes_on = state == segment.state && state.is_unfinished();
    let author = if goes_on { segment.finisher(now) } else { Author::own(now) };
    Segment { active_job: None, ..moved(segment, state, &author) }
}

/// Opens the gates of a segment that is being enabled.
async fn finish_enabling(store: &Store, space: &SpaceId, segment: &Segment, now: Time) -> Result<(), StoreError> {
    store.open_gates(space, segment).await?;
    store.change_segment(space, &moved(segment, SegmentState::Enabled, &segment.finisher(now))).await.map(drop)
}

/// Makes a segment that is not there, or was deleted. `None` where somebody else was faster.
async fn make(
    store: &Store,
    space: &SpaceId,
    segment: &Segment,
    deleted: Option<Segment>,
    author: &Author<'_>,
) -> Result<Option<Segment>, StoreError> {
    let Some(deleted) = deleted else {
        return Ok(store.create_segment(space, segment).await?.then(|| segment.clone()));
    };
    let Segment { version, requests, changed_at, changed_by, .. } = deleted.next(&follows(author));
    let made = Segment { state: SegmentState::Enabling, version, requests, changed_at, changed_by, ..segment.clone() };
    if !store.change_segment(space, &made).await? {
        return Ok(None);
    }
    finish_enabling(store, space, &made, author.now).await?;
    Ok(Some(moved(&made, SegmentState::Enabled, &made.finisher(author.now))))
}

/// Whether profiles may join a segment. One that is not there is made, as a segment that a load names.
pub(crate) async fn takes_members(
    store: &Store,
    space: &SpaceId,
    id: &SegmentId,
    now: Time,
) -> Result<bool, StoreError> {
    for _ in 0..ATTEMPTS {
        let there = store.segment(space, id).await?;
        match there {
            Some(segment) if segment.exists() => return Ok(segment.state.takes_members()),
            there => {
                let segment = Segment::of_load(id.clone(), now);
                if make(store, space, &segment, there, &Author::own(now)).await?.is_some() {
                    return Ok(true);
                }
            }
        }
    }
    Err(StoreError::Unavailable("the segment is contended".to_owned()))
}

/// The same for a profile that may have met a closed gate: a gate that is left from before is opened.
pub(crate) async fn takes_member(
    store: &Store,
    space: &SpaceId,
    id: &SegmentId,
    profile: ProfileId,
    now: Time,
) -> Result<bool, StoreError> {
    if store.gate(space, id, profile.shard().into()).await?.is_none() {
        return Ok(true);
    }
    if !takes_members(store, space, id, now).await? {
        return Ok(false);
    }
    if let Some(segment) = store.segment(space, id).await?.filter(|segment| segment.state.takes_members()) {
        store.open_gate(space, &segment, profile.shard().into()).await?;
    }
    Ok(true)
}
