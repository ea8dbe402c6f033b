//! Publishing the log of one space.

use std::time::Duration;

use efface_aws::{
    log_queue::LogPointer,
    log_store::{Replaced, Stored, StoredKeys},
    metrics::{self, Metric},
};
use efface_core::{
    journal::Head,
    log::{Checkpoint, Extension, Frontier, Origin, Succession, Wake, note::VerifierKey},
    space::SpaceId,
    time::Time,
};

use super::{
    LogError, Published, Publisher,
    backlog::{Backlog, entries},
    edge::Edge,
    last::{Last, size},
};
use crate::Deadline;

/// How often a run begins anew where another one was faster.
const ATTEMPTS: usize = 3;

/// The delay of the pointer that is sent where other runs were faster each time.
const CONTENDED: Duration = Duration::from_secs(2);

/// The part of a run's time that reading the backlog leaves for publishing its first step.
const PUBLISHING: Duration = Duration::from_secs(30);

/// What is asked of a run.
#[derive(Debug, Clone, Copy)]
struct Asked {
    wake: Wake,
    /// How many entries must be published; `None` for all that there are.
    size: Option<u64>,
}

/// What a run has found.
struct Found {
    own: VerifierKey,
    last: Option<Last>,
    keys: Option<StoredKeys>,
    head: Head,
}

impl Publisher {
    /// Publishes what the journal of a space has committed, if it is time, and has the space rest if that is all. A pointer
    /// that comes too early is sent again.
    ///
    /// # Errors
    /// Nothing is signed where log and journal contradict each other ([`LogError::is_inconsistent`]).
    pub async fn publish(&self, space: &SpaceId, wake: Wake, deadline: Deadline) -> Result<Published, LogError> {
        self.publish_up_to(space, wake, None, deadline).await
    }

    /// The same, if fewer than so many entries are published: for a pointer that waits for them. Without that, each of many
    /// urgent pointers would be sent again and again for as long as the journal grows.
    pub async fn publish_up_to(
        &self,
        space: &SpaceId,
        wake: Wake,
        size: Option<u64>,
        deadline: Deadline,
    ) -> Result<Published, LogError> {
        let asked = Asked { wake, size };
        for _ in 0..ATTEMPTS {
            if let Some(published) = Box::pin(self.attempt(space, asked, deadline)).await.inspect_err(count)? {
                return Ok(published);
            }
        }
        // Other runs publish this log all the time.
        let again = self.send_again(space, asked, CONTENDED).await?;
        Ok(Published { again, ..Published::default() })
    }

    /// `None` where another run was faster.
    async fn attempt(&self, space: &SpaceId, asked: Asked, deadline: Deadline) -> Result<Option<Published>, LogError> {
        let Asked { wake, size: wanted } = asked;
        let own = self.verifier_key(space).await?;
        let checkpoint = self.files.checkpoint(space).await?;
        let signed_at = checkpoint.as_ref().map(|stored| stored.signed_at);
        // Most of the spaces that the schedule finds have a pointer, and are left with this one request.
        if wake == Wake::Schedule && !self.wait(wake, signed_at, 0).is_zero() {
            return Ok(Some(Published::default()));
        }
        let keys = self.files.keys(space).await?;
        let last = checkpoint.map(|stored| Last::open(stored, keys.as_ref())).transpose()?;
        if wanted.is_some_and(|wanted| wanted <= size(last.as_ref())) {
            return Ok(Some(Published::default()));
        }
        if last.is_none() && self.files.has_full_bundle(space).await? {
            self.stop_unless_moved(space, None, LogError::NoCheckpoint).await?;
            return Ok(None);
        }
        // The head is read after the checkpoint, else a run at the same time could publish more than this one knows of, and
        // the journal would seem to be too short.
        let head = self.journal.head(space).await?;
        self.go_on(space, asked, Found { own, last, keys, head }, deadline).await
    }

    fn wait(&self, wake: Wake, signed_at: Option<Time>, behind: u64) -> Duration {
        self.rate.wait(wake, signed_at, self.clock.now(), behind)
    }

    async fn go_on(
        &self,
        space: &SpaceId,
        asked: Asked,
        found: Found,
        deadline: Deadline,
    ) -> Result<Option<Published>, LogError> {
        let (wake, size) = (asked.wake, size(found.last.as_ref()));
        if follows(&found)? == Succession::Same {
            if self.end_keys(space, found.last.as_ref(), found.keys.as_ref()).await? == Replaced::Lost {
                return Ok(None);
            }
            let again = self.rest(space, wake, &found.head).await?;
            return Ok(Some(Published { again, ..Published::default() }));
        }
        let behind = found.head.n() - size;
        let wait = self.wait(wake, found.last.as_ref().map(|last| last.signed_at), behind);
        if !wait.is_zero() {
            let again = self.send_again(space, asked, wait).await?;
            return Ok(Some(Published { behind, again, ..Published::default() }));
        }
        let head = found.head.clone();
        let published = self.publish_steps(space, found, deadline).await;
        let published = published.inspect_err(|_| metrics::raise(Metric::LogBehind, behind))?;
        let Some(Steps { entries, checkpoints, reached }) = published else { return Ok(None) };
        let behind = head.n() - reached;
        metrics::raise(Metric::LogBehind, behind);
        let again = match behind {
            0 => self.rest(space, wake, &head).await?,
            _ if wake == Wake::Urgent => self.send_again(space, asked, Duration::ZERO).await?,
            _ => self.hand_on(space, wake, Duration::ZERO).await?,
        };
        Ok(Some(Published { entries, checkpoints, behind, again }))
    }

    /// Publishes the backlog, step by step, until the deadline. `None` where another run was faster at the first step.
    async fn publish_steps(
        &self,
        space: &SpaceId,
        found: Found,
        deadline: Deadline,
    ) -> Result<Option<Steps>, LogError> {
        let Found { own, mut last, keys, head } = found;
        let size = size(last.as_ref());
        let mut steps = Steps { reached: size, ..Steps::default() };
        let edge = Edge::read(&self.journal, &self.files, space, size).await?;
        let log = edge.tree(last.as_ref().map(|last| &last.checkpoint))?;
        self.put_back(space, &edge).await?;
        let mut edge = edge.files;
        let backlog = Backlog::read(&self.journal, space, log, &head, self.step, deadline.less(PUBLISHING));
        let Backlog { first, ends } = backlog.await?;
        if self.list_key(space, &own, last.as_ref(), keys.as_ref()).await? == Replaced::Lost {
            return Ok(None);
        }
        let (origin, mut next) = (Origin::from(own.name().clone()), Some(first));
        for end in ends {
            let entries = match next.take() {
                Some(first) => first,
                None if deadline.is_over() => break,
                None => entries(&self.journal, space, steps.reached, end.size()).await?,
            };
            let checkpoint = last.as_ref().map(|last| &last.checkpoint);
            let extension = Extension::new(&origin, checkpoint, &edge, &entries, &end).map_err(LogError::from)?;
            let stored = self.publish_extension(space, &own, last.as_ref(), &extension).await?;
            let Some(Stored { version, was_there }) = stored else {
                return Ok((steps.reached > size).then_some(steps));
            };
            steps.add(end.size(), was_there);
            if extension.files.keys().any(|tile| !tile.is_partial()) {
                self.remove_superseded(space, steps.reached).await;
            }
            let signed_at = self.clock.now();
            last = Some(Last { checkpoint: extension.checkpoint, signer: own.clone(), signed_at, version });
            edge = extension.edge;
        }
        Ok(Some(steps))
    }

    /// Has a space rest that is published as far as this head. Where it has more by now, a pointer is sent: whoever committed
    /// them relies on one. After an urgent pointer it does not rest, as the pointer of the first entry is still under way: the
    /// next entry would wake another one.
    async fn rest(&self, space: &SpaceId, wake: Wake, head: &Head) -> Result<Option<Duration>, LogError> {
        if wake == Wake::Urgent || !head.is_dirty() || self.journal.rest(space, head).await? {
            return Ok(None);
        }
        self.hand_on(space, wake, self.rate.interval).await
    }

    /// Sends a pointer to a space that is not published to its end, also for the schedule: that space's pointer is lost. An
    /// urgent one is not sent on: the pointer of the first entry is under way beside it.
    async fn hand_on(&self, space: &SpaceId, wake: Wake, delay: Duration) -> Result<Option<Duration>, LogError> {
        if wake == Wake::Urgent {
            return Ok(None);
        }
        self.queue.send(space, delay, false).await?;
        Ok(Some(delay))
    }

    /// Sends the pointer again, to wait or to go on. The schedule comes again itself.
    async fn send_again(&self, space: &SpaceId, asked: Asked, delay: Duration) -> Result<Option<Duration>, LogError> {
        if asked.wake == Wake::Schedule {
            return Ok(None);
        }
        let pointer = LogPointer::new(space.clone(), asked.wake == Wake::Urgent).up_to(asked.size);
        self.queue.send_pointer(&pointer, delay).await?;
        Ok(Some(delay))
    }
}

/// What a run has published.
#[derive(Debug, Clone, Copy, Default)]
struct Steps {
    /// What nobody else has published meanwhile.
    entries: u64,
    checkpoints: u64,
    /// The size of the log now.
    reached: u64,
}

impl Steps {
    /// Adds a step to a size. Of several runs that make the same one, only one counts it: the metric is a sum.
    fn add(&mut self, size: u64, was_there: bool) {
        if !was_there {
            let entries = size - self.reached;
            metrics::add(Metric::LogEntries, entries);
            (self.entries, self.checkpoints) = (self.entries + entries, self.checkpoints + 1);
        }
        self.reached = size;
    }
}

/// How the journal's head follows the last checkpoint.
fn follows(found: &Found) -> Result<Succession, LogError> {
    let head = Checkpoint::of(Origin::from(found.own.name().clone()), found.head.frontier());
    match &found.last {
        Some(last) => Ok(last.checkpoint.followed_by(&head)?),
        None => Ok(Checkpoint::of(head.origin().clone(), &Frontier::new()).followed_by(&head)?),
    }
}

/// Whatever stopped the run: the space is behind by an entry at least.
fn count(error: &LogError) {
    metrics::raise(Metric::LogBehind, 1);
    if error.is_inconsistent() {
        metrics::add(Metric::LogInconsistent, 1);
    }
}
