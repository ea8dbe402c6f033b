//! Loads lines concurrently. Lines are started in their order, and can finish in any order.

use std::{collections::HashMap, io, rc::Rc};

use efface_aws::{Store, StoreError, clock::Clock, store::space::SpaceChangeError};
use efface_core::{
    key::{MasterKey, SpaceKey},
    load::{LoadLine, ProfileLine},
    log::LogKey,
    space::{Space, SpaceChange, SpaceId},
};
use efface_engine::load::{LoadError, Loaded, Loader as ProfileLoader};
use futures::{StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use thiserror::Error;
use tokio::sync::mpsc;

use super::{
    Load,
    counts::{Counts, End, Failure, Outcome},
    lines::Line,
    order::Order,
    progress::Progress,
    retry::retry,
};
use crate::{Interrupts, connect::Connection, error::explain, hints::table_command};

/// Why a line was not loaded. No message contains the value of an identifier.
#[derive(Debug, Error)]
enum LineFailure {
    #[error("there is no space `{0}`; create it first, with a space line or `{create}`",
        create = table_command(format_args!("admin space create {}", .0)))]
    UnknownSpace(SpaceId),
    #[error("{}", match .0 { LoadError::Store(error) => explain(error), other => other.to_string() })]
    Profile(#[from] LoadError),
    #[error("{}", match .0 { SpaceChangeError::Store(error) => explain(error), other => other.to_string() })]
    Space(#[from] SpaceChangeError),
    #[error("{}", explain(.0))]
    Store(#[from] StoreError),
}

impl LineFailure {
    /// Whether the table is unavailable, so that the next line would fail too.
    fn is_unavailable(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Unavailable(_))
                | Self::Profile(LoadError::Store(StoreError::Unavailable(_)))
                | Self::Space(SpaceChangeError::Store(StoreError::Unavailable(_)))
        )
    }

    /// Whether repeating may succeed: the table is unavailable, or someone else wrote to the same items.
    fn is_transient(&self) -> bool {
        self.is_unavailable()
            || matches!(self, Self::Profile(LoadError::Contended) | Self::Space(SpaceChangeError::Raced(_)))
    }
}

/// A space and its key. They are read once per run.
type OpenSpace = Rc<(Space, SpaceKey)>;

/// The number of a finished line, and its result.
type Done = (u64, Result<Loaded, LineFailure>);

/// The state of one run.
pub(crate) struct Loader {
    store: Store,
    profiles: ProfileLoader,
    key: MasterKey,
    clock: Clock,
    keep_going: bool,
    spaces: HashMap<SpaceId, OpenSpace>,
    order: Order,
    in_flight: FuturesUnordered<LocalBoxFuture<'static, Done>>,
    counts: Counts,
    progress: Progress,
    interrupts: Interrupts,
    /// The number of the last line that was started or rejected.
    last_handled: u64,
    /// Why no further line is started. `None` while lines are started.
    end: Option<End>,
}

impl Loader {
    pub(crate) fn new(
        connection: Connection,
        log_key: LogKey,
        load: &Load,
        progress: Progress,
        interrupts: Interrupts,
    ) -> Self {
        Self {
            profiles: ProfileLoader::new(connection.store.clone(), log_key),
            store: connection.store,
            key: connection.key,
            clock: Clock::system(),
            keep_going: load.keep_going,
            spaces: HashMap::new(),
            order: Order::new(load.concurrency.into()),
            in_flight: FuturesUnordered::new(),
            counts: Counts::default(),
            progress,
            interrupts,
            last_handled: load.from_line - 1,
            end: None,
        }
    }

    /// Loads until there are no more lines or a reason to stop. Lines in flight are always finished.
    pub(crate) async fn run(mut self, mut lines: mpsc::Receiver<io::Result<Line>>) -> Outcome {
        while let Some(line) = self.next(&mut lines).await {
            self.progress.set(self.counts.lines, line.end);
            self.start(line).await;
            if self.end.is_some() {
                break;
            }
        }
        while self.finish_one().await {}
        self.progress.end();
        let end = self.end.unwrap_or(End::Complete);
        let unfinished = [Some(self.last_handled + 1), self.order.first(), self.counts.first_failed()];
        let resume_at = unfinished.into_iter().flatten().min().filter(|_| end != End::Complete);
        Outcome { end, counts: self.counts, resume_at }
    }

    /// Waits for the next line, and meanwhile processes lines in flight. `None` if there is none or loading stops.
    async fn next(&mut self, lines: &mut mpsc::Receiver<io::Result<Line>>) -> Option<Line> {
        loop {
            tokio::select! {
                () = self.interrupts.reached(1) => self.end = Some(End::Interrupted),
                Some(done) = self.in_flight.next() => self.finish(done),
                line = lines.recv() => match line? {
                    Ok(line) => return Some(line),
                    Err(error) => {
                        self.progress.note(&format!("the file could not be read further: {error}"));
                        self.end = Some(End::Unavailable);
                    }
                },
            }
            if self.end.is_some() {
                return None;
            }
        }
    }

    /// Starts a line, after waiting for those lines in flight that must finish before it.
    async fn start(&mut self, line: Line) {
        let number = line.number;
        match line.content {
            Ok(content) => {
                while self.order.must_wait(&content) && self.finish_one().await {}
                if self.interrupts.requested() {
                    self.end = Some(End::Interrupted);
                }
                if self.end.is_some() {
                    return;
                }
                match self.begin(number, content).await {
                    Ok(()) => {}
                    Err(failure) => self.fail(number, &failure.to_string(), failure.is_unavailable()),
                }
            }
            Err(error) => self.fail(number, &error.0, false),
        }
        self.last_handled = number;
    }

    /// Writes a space line, or adds a profile line to the lines in flight.
    async fn begin(&mut self, number: u64, content: LoadLine) -> Result<(), LineFailure> {
        let space = match &content {
            LoadLine::Space(id, change) => {
                self.spaces.remove(id);
                let apply = async || Ok(apply_space(&self.store, id, change, &self.clock).await?);
                retry(&self.interrupts, LineFailure::is_transient, apply).await?;
                self.counts.add_space();
                return Ok(());
            }
            LoadLine::Profile(profile) => self.space(&profile.space_id).await?,
        };
        self.order.start(number, &content);
        if let LoadLine::Profile(profile) = content {
            self.in_flight.push(Box::pin(self.load(number, profile, space)));
        }
        Ok(())
    }

    async fn space(&mut self, id: &SpaceId) -> Result<OpenSpace, LineFailure> {
        if let Some(open) = self.spaces.get(id) {
            return Ok(Rc::clone(open));
        }
        let read = async || Ok(self.store.space(id).await?);
        let space = retry(&self.interrupts, LineFailure::is_transient, read).await?;
        let space = space.ok_or_else(|| LineFailure::UnknownSpace(id.clone()))?;
        let open = Rc::new((space, self.key.space_key(id)));
        self.spaces.insert(id.clone(), Rc::clone(&open));
        Ok(open)
    }

    fn load(&self, number: u64, profile: ProfileLine, space: OpenSpace) -> impl Future<Output = Done> + use<> {
        let (loader, clock, interrupts) = (self.profiles.clone(), self.clock.clone(), self.interrupts.clone());
        async move {
            let load = async || Ok(loader.load(&space.0, &space.1, &profile, clock.now()).await?);
            (number, retry(&interrupts, LineFailure::is_transient, load).await)
        }
    }

    /// Waits until one line in flight is finished. `false` if there is none, or after a second Ctrl-C.
    async fn finish_one(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.interrupts.reached(2) => {
                self.end = Some(End::Interrupted);
                false
            }
            done = self.in_flight.next() => done.map(|done| self.finish(done)).is_some(),
        }
    }

    fn finish(&mut self, (number, result): Done) {
        self.order.finish(number);
        match result {
            Ok(loaded) => self.counts.add_profile(loaded),
            Err(failure) => self.fail(number, &failure.to_string(), failure.is_unavailable()),
        }
    }

    fn fail(&mut self, line: u64, message: &str, is_unavailable: bool) {
        self.progress.note(&format!("line {line}: {message}"));
        self.counts.add_failure(Failure { line, message: message.to_owned() });
        // After Ctrl-C, operations are not retried, so an unavailable table is then reported as an interruption.
        match self.end {
            None if is_unavailable && self.interrupts.requested() => self.end = Some(End::Interrupted),
            None if is_unavailable => self.end = Some(End::Unavailable),
            None if !self.keep_going => self.end = Some(End::BadLine),
            _ => {}
        }
    }
}

/// Creates a space, or changes it if it exists.
async fn apply_space(
    store: &Store,
    id: &SpaceId,
    change: &SpaceChange,
    clock: &Clock,
) -> Result<Space, SpaceChangeError> {
    if store.space(id).await?.is_none() {
        match store.create_space(id, change, clock.now()).await {
            Err(SpaceChangeError::Exists(_)) => {}
            result => return result,
        }
    }
    store.update_space(id, change, clock.now()).await
}
