//! The loop: lines are started in their order and finish in any.

use std::{collections::HashMap, io, rc::Rc};

use efface_aws::{
    Store, StoreError,
    clock::Clock,
    store::{
        load::{LoadError, Loaded},
        space::SpaceChangeError,
    },
};
use efface_core::{
    key::{MasterKey, SpaceKey},
    load::{LoadLine, ProfileLine},
    space::{Space, SpaceChange, SpaceId},
};
use futures::{StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use thiserror::Error;
use tokio::sync::mpsc;

use super::{
    Load,
    lines::Line,
    order::Order,
    patience::patiently,
    progress::Progress,
    tally::{End, Failure, Outcome, Tally},
};
use crate::{Interrupts, connect::Site, error::explain};

/// Why a line was not loaded. No text here holds an identifier's value.
#[derive(Debug, Error)]
enum LineFailure {
    #[error("there is no space `{0}`; make it first, with a space line or `efface admin space create {0}`")]
    UnknownSpace(SpaceId),
    #[error("{}", match .0 { LoadError::Store(error) => explain(error), other => other.to_string() })]
    Profile(#[from] LoadError),
    #[error("{}", match .0 { SpaceChangeError::Store(error) => explain(error), other => other.to_string() })]
    Space(#[from] SpaceChangeError),
    #[error("{}", explain(.0))]
    Store(#[from] StoreError),
}

impl LineFailure {
    /// Whether the table is away: then the next line would fare no better.
    fn is_unavailable(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Unavailable(_))
                | Self::Profile(LoadError::Store(StoreError::Unavailable(_)))
                | Self::Space(SpaceChangeError::Store(StoreError::Unavailable(_)))
        )
    }

    /// Whether trying again may work: the table is away, or others write to the same items.
    fn passes(&self) -> bool {
        self.is_unavailable()
            || matches!(self, Self::Profile(LoadError::Contended) | Self::Space(SpaceChangeError::Raced(_)))
    }
}

/// A space and its key, read once in a run.
type OpenSpace = Rc<(Space, SpaceKey)>;

/// A line that is done with.
type Done = (u64, Result<Loaded, LineFailure>);

/// What a run needs to know while it runs.
pub(crate) struct Loader {
    store: Store,
    key: MasterKey,
    clock: Clock,
    keep_going: bool,
    spaces: HashMap<SpaceId, OpenSpace>,
    order: Order,
    in_flight: FuturesUnordered<LocalBoxFuture<'static, Done>>,
    tally: Tally,
    progress: Progress,
    interrupts: Interrupts,
    /// The last line that was started or found bad.
    handled: u64,
    /// Set as soon as no further line may be started.
    end: Option<End>,
}

impl Loader {
    pub(crate) fn new(site: Site, load: &Load, progress: Progress, interrupts: Interrupts) -> Self {
        Self {
            store: site.store,
            key: site.key,
            clock: Clock::system(),
            keep_going: load.keep_going,
            spaces: HashMap::new(),
            order: Order::new(load.concurrency.into()),
            in_flight: FuturesUnordered::new(),
            tally: Tally::default(),
            progress,
            interrupts,
            handled: load.from_line - 1,
            end: None,
        }
    }

    /// Loads until the lines or the patience end; then lines in flight are finished, whatever the reason.
    pub(crate) async fn run(mut self, mut lines: mpsc::Receiver<io::Result<Line>>) -> Outcome {
        while let Some(line) = self.next(&mut lines).await {
            self.progress.at(self.tally.lines, line.end);
            self.start(line).await;
            if self.end.is_some() {
                break;
            }
        }
        while self.finish_one().await {}
        self.progress.end();
        let end = self.end.unwrap_or(End::Complete);
        let open = [Some(self.handled + 1), self.order.first(), self.tally.first_failed()];
        let go_on_at = open.into_iter().flatten().min().filter(|_| end != End::Complete);
        Outcome { end, tally: self.tally, go_on_at }
    }

    /// The next line. Lines in flight go on while it is waited for.
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

    /// Starts a line as soon as the lines before it allow.
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
        self.handled = number;
    }

    /// Writes a space line; puts a profile line in flight.
    async fn begin(&mut self, number: u64, content: LoadLine) -> Result<(), LineFailure> {
        let space = match &content {
            LoadLine::Space(id, change) => {
                self.spaces.remove(id);
                let apply = async || Ok(apply_space(&self.store, id, change, &self.clock).await?);
                patiently(&self.interrupts, LineFailure::passes, apply).await?;
                self.tally.space();
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
        let space = patiently(&self.interrupts, LineFailure::passes, read).await?;
        let space = space.ok_or_else(|| LineFailure::UnknownSpace(id.clone()))?;
        let open = Rc::new((space, self.key.space_key(id)));
        self.spaces.insert(id.clone(), Rc::clone(&open));
        Ok(open)
    }

    fn load(&self, number: u64, profile: ProfileLine, space: OpenSpace) -> impl Future<Output = Done> + use<> {
        let (store, clock, interrupts) = (self.store.clone(), self.clock.clone(), self.interrupts.clone());
        async move {
            let load = async || Ok(store.load_profile(&space.0, &space.1, &profile, clock.now()).await?);
            (number, patiently(&interrupts, LineFailure::passes, load).await)
        }
    }

    /// Waits for a line in flight. `false` where there is none, or nobody wants to wait any longer.
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
            Ok(loaded) => self.tally.profile(loaded),
            Err(failure) => self.fail(number, &failure.to_string(), failure.is_unavailable()),
        }
    }

    fn fail(&mut self, line: u64, message: &str, is_unavailable: bool) {
        self.progress.note(&format!("line {line}: {message}"));
        self.tally.failure(Failure { line, message: message.to_owned() });
        // A load that was asked to stop gives up on a table that is away: that is not the table's end.
        match self.end {
            None if is_unavailable && self.interrupts.requested() => self.end = Some(End::Interrupted),
            None if is_unavailable => self.end = Some(End::Unavailable),
            None if !self.keep_going => self.end = Some(End::BadLine),
            _ => {}
        }
    }
}

/// Makes a space, or changes it where it is there.
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
    store.update_space(id, change).await
}
