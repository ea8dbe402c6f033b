//! The look at a space: how its journal compares with its log, and whether what it lacks leads to the root that was signed.

use std::time::Duration;

use efface_core::{
    journal::{Entry, Head, Pack, pack::MAX_ENTRIES},
    log::{
        Checkpoint, Conflict, ExtensionError, Frontier, Hash, Origin, Succession,
        note::{KeyName, VerifierKey},
        proof::Consistency,
    },
    space::SpaceId,
};
use futures::StreamExt;

use super::{
    super::{
        LogError, STEP,
        backlog::Backlog,
        edge::{Edge, read_files},
        read::Signed,
    },
    Progress, Rebuild, RebuildError, Watch,
    leaves::leaves,
    window::Part,
};
use crate::Deadline;

/// How long a journal that is longer than its log may be read, and be settled.
const READING: Duration = Duration::from_hours(1);

/// What a look at a space has found.
pub(super) struct Look {
    /// How many entries the log has.
    pub(super) log: u64,
    /// How many the journal has.
    pub(super) journal: u64,
    /// The key that has signed the last checkpoint.
    pub(super) signer: Option<VerifierKey>,
    pub(super) compared: Compared,
}

/// How a journal compares with its log.
pub(super) enum Compared {
    /// The journal has what was signed.
    Whole,
    /// It has entries, and nothing at all is published: either the space is new, or these are other buckets.
    WithoutLog,
    /// It lacks entries, and what follows them leads to the root that was signed.
    Lacking(Box<Part>),
}

impl Rebuild {
    /// Looks at a space. Of the entries that its journal lacks, up to about so many are noted. `None` where it was stopped.
    pub(super) async fn look(
        &self,
        space: &SpaceId,
        room: u64,
        watch: &Watch<'_>,
    ) -> Result<Option<Look>, RebuildError> {
        let origin = self.origin(space)?;
        let stored = self.reader.signed(space).await?;
        if stored.is_none() && self.reader.files.has_full_bundle(space).await.map_err(LogError::from)? {
            return Err(LogError::NoCheckpoint.into());
        }
        // After the checkpoint, as the publisher does it: else the journal would seem to be too short.
        let head = self.journal().head(space).await?;
        let (last, signer) = match stored {
            Some(Signed { checkpoint, signer, .. }) => (checkpoint, Some(self.vouched(signer)?)),
            None => (Checkpoint::of(origin.clone(), &Frontier::new()), None),
        };
        let (log, journal) = (last.size(), head.n());
        let compared = match last.followed_by(&Checkpoint::of(origin, head.frontier())) {
            Ok(Succession::Same) => self.whole(space).await.map(Some),
            Ok(Succession::Larger(_)) if signer.is_none() => Ok(Some(Compared::WithoutLog)),
            Ok(Succession::Larger(_)) => {
                self.check_longer(space, &last, &head).await?;
                self.whole(space).await.map(Some)
            }
            Err(Conflict::Smaller { .. }) => self.lacking(space, &last, head, room, watch).await,
            Err(Conflict::OtherRoot { .. }) => Err(RebuildError::OtherEntries),
            Err(error @ Conflict::OtherLog { .. }) => Err(LogError::from(error).into()),
        };
        Ok(compared?.map(|compared| Look { log, journal, signer, compared }))
    }

    /// Demands that this key may have signed. The list of keys is in the bucket, so it says nothing about who wrote it.
    fn vouched(&self, signer: VerifierKey) -> Result<VerifierKey, RebuildError> {
        match &self.asked.signers {
            None if self.asked.is_dry_run => Ok(signer),
            Some(keys) if keys.contains(signer.public_key()) => Ok(signer),
            _ => Err(RebuildError::OtherSigner(Box::new(signer))),
        }
    }

    fn origin(&self, space: &SpaceId) -> Result<Origin, LogError> {
        let name: KeyName = format!("{}/{space}", self.asked.origin).parse()?;
        Ok(name.into())
    }

    /// Settles a journal that has what was signed: a run that died may have left entries that are not drained.
    async fn whole(&self, space: &SpaceId) -> Result<Compared, RebuildError> {
        if !self.asked.is_dry_run {
            self.writer.settle(space, Deadline::after(READING)).await?;
        }
        Ok(Compared::Whole)
    }

    /// Checks that a journal that is longer than its log begins with it, as the publisher does.
    async fn check_longer(&self, space: &SpaceId, last: &Checkpoint, head: &Head) -> Result<(), RebuildError> {
        let last = Some(last).filter(|last| last.size() > 0);
        let size = last.map_or(0, Checkpoint::size);
        let edge = Edge::read(self.journal(), &self.reader.files, space, size).await?;
        let tree = edge.tree(last).map_err(LogError::from)?;
        let deadline = Deadline::after(READING);
        match Backlog::read(self.journal(), space, tree, head, STEP, deadline).await {
            Ok(_) => Ok(()),
            Err(LogError::Extension(ExtensionError::NotCommitted(_))) => Err(RebuildError::OtherEntries),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads all entries that a journal lacks, and demands that they lead from its tree to the root that was signed. Notes the
    /// first of them.
    async fn lacking(
        &self,
        space: &SpaceId,
        last: &Checkpoint,
        head: Head,
        room: u64,
        watch: &Watch<'_>,
    ) -> Result<Option<Compared>, RebuildError> {
        let (from, size) = (head.n(), last.size());
        let to = from.saturating_add(room.max(MAX_ENTRIES as u64)).min(size);
        let (mut tree, mut part) = (head.frontier().clone(), Part::new(head, to, size));
        let mut bundles = leaves(&self.reader.files, space, from..size, size);
        while let Some(bundle) = bundles.next().await {
            for leaf in bundle? {
                let leaf_hash = Hash::leaf(&leaf);
                part.note(tree.size(), &leaf, leaf_hash);
                tree.push(leaf_hash).map_err(|error| LogError::from(ExtensionError::from(error)))?;
            }
            (watch.progress)(Progress::Verified(space, tree.size() - from, size - from));
            if (watch.is_stopped)() {
                return Ok(None);
            }
        }
        if tree.size() != size || tree.root() != last.root() {
            return Err(self.why_other(space, last, part.head()).await?);
        }
        let left = self.journal().pack(space, from).await?;
        if left.is_some_and(|left| !part.begins_with(&left)) {
            return Err(RebuildError::OtherPack(from));
        }
        Ok(Some(Compared::Lacking(Box::new(part))))
    }

    /// Why the entries that a journal lacks do not lead to the root that was signed: by the log's tiles, whether the journal
    /// is its beginning.
    async fn why_other(&self, space: &SpaceId, last: &Checkpoint, head: &Head) -> Result<RebuildError, RebuildError> {
        let question = Consistency::new(head.n(), last.size()).map_err(LogError::from)?;
        let tiles = read_files(&self.reader.files, space, question.tiles().into_iter()).await?;
        let proof = question.build(&tiles)?;
        let is_beginning = question.verify(head.frontier().root(), last.root(), &proof).is_ok();
        Ok(if is_beginning { RebuildError::OtherBundles } else { RebuildError::OtherEntries })
    }
}

impl Part {
    /// Whether a pack at its beginning has its leaves.
    fn begins_with(&self, pack: &Pack) -> bool {
        let own = self.hashes().get(..pack.entries().len());
        own.is_some_and(|own| pack.entries().iter().map(Entry::leaf_hash).eq(own.iter().copied()))
    }
}
