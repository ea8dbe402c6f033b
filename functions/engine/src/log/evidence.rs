//! What proves to clients what happened: the journal, the published log, and the log key, which ties entries to
//! identifiers.

use std::time::Duration;

use efface_aws::{Journal, log_queue::LogQueue, log_store::LogStore};
use efface_core::{
    log::{Hash, LogKey},
    space::SpaceId,
    time::Time,
};
use quick_cache::sync::Cache;
use tokio::time::Instant;

use super::{LogError, LogReader};
use crate::journal::search::JournalSearch;

/// How long one instance takes the head of a log for the present one.
const REMEMBERED: Duration = Duration::from_secs(5);

/// Spaces whose head one instance remembers at most.
const SPACES: usize = 4_096;

/// What the HTTP API reads of journals and logs. One for the life of a process; to make it sends no request.
#[derive(Debug)]
pub struct Evidence {
    pub(super) journal: Journal,
    pub(super) reader: LogReader,
    pub(super) queue: LogQueue,
    pub(super) key: LogKey,
    search: JournalSearch,
    heads: Cache<SpaceId, (Instant, LogHead)>,
}

/// The head of a published log, verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogHead {
    /// How many entries it has.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
    /// When it was signed.
    pub signed_at: Time,
}

impl Evidence {
    /// The journal's table, the log's files, the queue that hastens the publisher, and the log key.
    pub fn new(journal: Journal, files: LogStore, queue: LogQueue, key: LogKey) -> Self {
        let search = JournalSearch::new(journal.clone());
        Self { journal, reader: LogReader::new(files), queue, key, search, heads: Cache::new(SPACES) }
    }

    /// The published log.
    pub fn reader(&self) -> &LogReader {
        &self.reader
    }

    /// Searches of the journal.
    pub fn search(&self) -> &JournalSearch {
        &self.search
    }

    /// The head of a space's log, at most 5 seconds old; `None` where nothing is published.
    pub async fn head(&self, space: &SpaceId) -> Result<Option<LogHead>, LogError> {
        match self.heads.get(space) {
            Some((read_at, head)) if read_at.elapsed() < REMEMBERED => Ok(Some(head)),
            _ => self.read_head(space).await,
        }
    }

    /// The head of a space's log, if it has the entry with this number: a remembered one will do, as logs only grow.
    pub(super) async fn head_with(&self, space: &SpaceId, number: u64) -> Result<Option<LogHead>, LogError> {
        let has_it = |head: &LogHead| head.size > number;
        if let Some((_, head)) = self.heads.get(space).filter(|(_, head)| has_it(head)) {
            return Ok(Some(head));
        }
        Ok(self.read_head(space).await?.filter(has_it))
    }

    async fn read_head(&self, space: &SpaceId) -> Result<Option<LogHead>, LogError> {
        let head = self.reader.head(space).await?;
        if let Some(head) = head {
            self.heads.insert(space.clone(), (Instant::now(), head));
        }
        Ok(head)
    }
}
