//! Chunks: the unit of a job's work. A page's rows are cut into chunks in their order; a chunk holds keyed hashes only.

use serde::{Deserialize, Serialize};

use super::{Counts, Outcome, RowRef, near_miss::NearMiss, row::Row};
use crate::{id::BadId, time::Time};

/// The most deletions that a chunk takes at once of what its job may still make.
const LARGEST_SLICE: i64 = 64;

/// How many chunks can take a slice one after the other before half of what is left is taken, about.
const SLICES: i64 = 16;

/// The deletions that a chunk takes at once of so many that its job may still make. Slices get smaller towards the end, so
/// that a chunk that deletes little does not keep others waiting.
pub fn slice(left: i64) -> i64 {
    (left / SLICES).clamp(1, LARGEST_SLICE).min(left.max(0))
}

/// Rows of a chunk: its item is written and read as a whole, and stays well below DynamoDB's 400 KB.
pub const CHUNK_ROWS: usize = 1_000;

/// Which chunk of a job, and which attempt at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChunkId {
    /// The page.
    pub page: u32,
    /// The chunk within its page.
    pub chunk: u32,
    /// 0, and one more after each redrive.
    pub attempt: u32,
}

impl ChunkId {
    /// A row of this chunk as a row of its job.
    pub fn row(self, at: usize) -> RowRef {
        let first = u64::from(self.chunk) * CHUNK_ROWS as u64;
        RowRef { page: self.page, row: u32::try_from(first + at as u64).unwrap_or(u32::MAX) }
    }
}

/// The outcomes of a chunk's rows, in their order, as they are packed: the number of an outcome; of a near miss, which is
/// `not_found`; or 0 for a row that is not decided yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcomes(Vec<u8>);

impl Outcomes {
    /// The outcomes before a chunk starts: rows that cannot be read are `invalid`, nothing else is decided.
    pub fn of(rows: &[Row]) -> Self {
        let number = |row: &Row| if matches!(row, Row::Invalid(_)) { Outcome::Invalid as u8 } else { 0 };
        Self(rows.iter().map(number).collect())
    }

    /// Unpacks the outcomes of so many rows; `None` where the bytes are not what [`to_bytes`](Self::to_bytes) makes.
    pub fn from_bytes(bytes: &[u8], rows: usize) -> Option<Self> {
        if bytes.len() != rows.div_ceil(2) {
            return None;
        }
        let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).take(rows);
        halves
            .map(|number| (number == 0 || outcome(number).is_some()).then_some(number))
            .collect::<Option<_>>()
            .map(Self)
    }

    /// Packs two rows into a byte.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect()
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.0.len()
    }

    /// The outcomes by row.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Option<Outcome>)> {
        self.0.iter().map(|number| outcome(*number)).enumerate()
    }

    /// Rows that are not decided.
    pub fn undecided(&self) -> Vec<usize> {
        self.iter().filter(|(_, outcome)| outcome.is_none()).map(|(row, _)| row).collect()
    }

    /// Decides a row of the chunk.
    pub fn set(&mut self, row: usize, outcome: Outcome) {
        self.set_number(row, outcome as u8);
    }

    /// Decides a row that is not found, but nearly.
    pub fn set_near_miss(&mut self, row: usize, near_miss: NearMiss) {
        self.set_number(row, near_miss as u8);
    }

    fn set_number(&mut self, row: usize, number: u8) {
        if let Some(slot) = self.0.get_mut(row) {
            *slot = number;
        }
    }

    /// How a row that is not found would be found.
    pub fn near_miss(&self, row: usize) -> Option<NearMiss> {
        NearMiss::from_number(*self.0.get(row)?)
    }

    /// Takes the failed rows back, to try them again; how many there were.
    pub fn retry_failed(&mut self) -> i64 {
        let failed = self.0.iter_mut().filter(|number| **number == Outcome::Failed as u8);
        failed.map(|number| *number = 0).fold(0, |count, ()| count + 1)
    }

    /// Rows by outcome, less the invalid: those are counted when their page is committed.
    pub fn counts(&self) -> Counts {
        let outcomes = self.iter().filter_map(|(_, outcome)| outcome);
        outcomes.filter(|outcome| *outcome != Outcome::Invalid).collect()
    }

    /// Whether every row is decided.
    pub fn is_complete(&self) -> bool {
        self.0.iter().all(|number| *number != 0)
    }
}

/// The outcome of a packed number; `None` for any other number.
fn outcome(number: u8) -> Option<Outcome> {
    Outcome::from_number(number).or_else(|| NearMiss::from_number(number).map(|_| Outcome::NotFound))
}

/// Where a chunk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChunkState {
    /// The chunk may start again: some of its rows have their outcome already.
    Waiting,
    /// A worker runs the chunk, or did and died.
    Started,
    /// Every row has its outcome.
    Completed,
}

impl ChunkState {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Started => "started",
            Self::Completed => "completed",
        }
    }
}

/// A chunk's state as the table holds it; before the chunk starts there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredChunk", into = "StoredChunk")]
pub struct Chunk {
    /// Where it stands.
    pub state: ChunkState,
    /// 0, and one more after each redrive.
    pub attempt: u32,
    /// Counts writes of outcomes, so that each is counted once.
    pub version: i64,
    /// The rows' outcomes.
    pub outcomes: Outcomes,
    /// The last sign of life of the worker that runs it.
    pub heartbeat_at: Time,
    /// Deletions that it may still make, where its job has a limit.
    pub grant: Option<i64>,
    /// How often the reconciler sent it again since that sign of life.
    pub resends: u32,
}

#[derive(Clone, Serialize, Deserialize)]
struct StoredChunk {
    state: ChunkState,
    attempt: u32,
    version: i64,
    rows: usize,
    #[serde(with = "serde_bytes")]
    outcomes: Vec<u8>,
    heartbeat_at: Time,
    #[serde(default)]
    grant: Option<i64>,
    #[serde(default)]
    resends: u32,
}

impl TryFrom<StoredChunk> for Chunk {
    type Error = BadId;

    fn try_from(stored: StoredChunk) -> Result<Self, BadId> {
        let StoredChunk { state, attempt, version, rows, outcomes, heartbeat_at, grant, resends } = stored;
        let outcomes = Outcomes::from_bytes(&outcomes, rows).ok_or(BadId("list of outcomes"))?;
        Ok(Self { state, attempt, version, outcomes, heartbeat_at, grant, resends })
    }
}

impl From<Chunk> for StoredChunk {
    fn from(chunk: Chunk) -> Self {
        let Chunk { state, attempt, version, outcomes, heartbeat_at, grant, resends } = chunk;
        let (rows, outcomes) = (outcomes.rows(), outcomes.to_bytes());
        Self { state, attempt, version, rows, outcomes, heartbeat_at, grant, resends }
    }
}

impl Chunk {
    /// The chunk as a start writes it: for the first time, or again from where it waited.
    pub fn start(before: Option<&Self>, attempt: u32, rows: &[Row], now: Time) -> Self {
        Self {
            state: ChunkState::Started,
            attempt,
            version: before.map_or(0, |chunk| chunk.version) + 1,
            outcomes: before.map_or_else(|| Outcomes::of(rows), |chunk| chunk.outcomes.clone()),
            heartbeat_at: now,
            grant: None,
            resends: 0,
        }
    }

    /// The chunk with its failed rows taken back, and how many they are; `None` where there is nothing to redrive.
    pub fn redriven(&self) -> Option<(Self, i64)> {
        let mut outcomes = self.outcomes.clone();
        let failed = outcomes.retry_failed();
        let (attempt, version) = (self.attempt + 1, self.version + 1);
        let next =
            Self { state: ChunkState::Waiting, attempt, version, outcomes, grant: None, resends: 0, ..self.clone() };
        (failed > 0 && self.state == ChunkState::Completed).then_some((next, failed))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::IdHash;

    fn hash(byte: u8) -> IdHash {
        IdHash::from_bytes([byte; 32])
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, rows in 0usize..20) {
            let _ = Outcomes::from_bytes(&bytes, rows);
        }

        #[test]
        fn outcomes_come_back(numbers in proptest::collection::vec(0u8..=9, 0..50)) {
            let outcomes = Outcomes(numbers);
            let back = Outcomes::from_bytes(&outcomes.to_bytes(), outcomes.rows()).unwrap();
            prop_assert_eq!(back.counts(), outcomes.counts());
            prop_assert_eq!(back, outcomes);
        }
    }

    #[test]
    fn slices_get_smaller_towards_the_end() {
        for (left, expected) in [(-1, 0), (0, 0), (1, 1), (31, 1), (32, 2), (1_000, 62), (1_024, 64), (10_000_000, 64)]
        {
            assert_eq!(slice(left), expected, "{left}");
        }
    }

    #[test]
    fn outcomes_that_nobody_wrote_are_not_read() {
        for (bytes, rows) in [(&[0xa0][..], 1), (&[], 1), (&[0x11], 3), (&[0x11, 0x11], 2)] {
            assert_eq!(Outcomes::from_bytes(bytes, rows), None, "{bytes:?}");
        }
    }

    #[test]
    fn only_failed_rows_of_a_completed_chunk_are_redriven() {
        let rows = [Row::Profile(hash(1)), Row::Profile(hash(2))];
        let mut chunk = Chunk::start(None, 0, &rows, Time::EPOCH);
        chunk.outcomes.set(0, Outcome::Deleted);
        chunk.outcomes.set(1, Outcome::Failed);
        assert_eq!(chunk.redriven(), None, "it runs");
        chunk.state = ChunkState::Completed;
        let (next, failed) = chunk.redriven().unwrap();
        assert_eq!((failed, next.attempt, next.state, next.outcomes.undecided()), (1, 1, ChunkState::Waiting, vec![1]));
        let again = Chunk::start(Some(&next), 1, &rows, Time::EPOCH);
        assert_eq!((again.version, again.outcomes.undecided()), (3, vec![1]));
    }
}
