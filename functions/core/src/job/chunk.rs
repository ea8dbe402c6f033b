//! Chunks: the unit of a job's work. A page's rows are cut into chunks in their order; a chunk holds keyed hashes only.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Counts, Outcome};
use crate::{key::IdHash, rows::RowFault};

/// Rows of a chunk: its item is written and read as a whole, and stays well below DynamoDB's 400 KB.
pub const CHUNK_ROWS: usize = 1_000;

/// One row, without what it was written as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// It can't be read.
    Invalid(RowFault),
    /// Delete the profile of this identifier.
    Profile(IdHash),
    /// Delete an identifier of the profile of a `user_id`.
    Identifier {
        /// The `user_id`.
        lookup: IdHash,
        /// The identifier to delete.
        target: IdHash,
        /// Whether the identifier to delete is a `user_id`, too.
        is_user_id: bool,
    },
    /// A row of a dry run: the identifier, and the same in lower and in upper case.
    Plan {
        /// As it was written.
        own: IdHash,
        /// Other ways to write it; none that is the same.
        others: Vec<IdHash>,
    },
}

const INVALID: u8 = 0;
const PROFILE: u8 = 1;
const IDENTIFIER: u8 = 2;
const USER_ID: u8 = 3;
/// And more for each other case.
const PLAN: u8 = 8;

/// Packs rows: a byte for the kind, then what belongs to it.
pub fn pack(rows: &[Row]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rows.len() * 33);
    for row in rows {
        match row {
            Row::Invalid(fault) => bytes.extend([INVALID, fault.to_byte()]),
            Row::Profile(hash) => push(&mut bytes, PROFILE, [hash]),
            Row::Identifier { lookup, target, is_user_id } => {
                push(&mut bytes, if *is_user_id { USER_ID } else { IDENTIFIER }, [lookup, target]);
            }
            Row::Plan { own, others } => {
                let kind = PLAN + u8::try_from(others.len()).unwrap_or_default();
                push(&mut bytes, kind, std::iter::once(own).chain(others));
            }
        }
    }
    bytes
}

fn push<'a>(bytes: &mut Vec<u8>, kind: u8, hashes: impl IntoIterator<Item = &'a IdHash>) {
    bytes.push(kind);
    for hash in hashes {
        bytes.extend(URL_SAFE_NO_PAD.decode(hash.as_str()).unwrap_or_default());
    }
}

/// Unpacks rows; nothing where the bytes are not what [`pack`] makes.
pub fn unpack(mut bytes: &[u8]) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    while let Some((kind, rest)) = bytes.split_first() {
        bytes = rest;
        rows.push(match *kind {
            INVALID => {
                let (fault, rest) = bytes.split_first()?;
                bytes = rest;
                Row::Invalid(RowFault::from_byte(*fault)?)
            }
            PROFILE => Row::Profile(take(&mut bytes)?),
            IDENTIFIER | USER_ID => {
                let (lookup, target) = (take(&mut bytes)?, take(&mut bytes)?);
                Row::Identifier { lookup, target, is_user_id: *kind == USER_ID }
            }
            PLAN..=10 => {
                let own = take(&mut bytes)?;
                let others = (PLAN..*kind).map(|_| take(&mut bytes)).collect::<Option<_>>()?;
                Row::Plan { own, others }
            }
            _ => return None,
        });
    }
    Some(rows)
}

fn take(bytes: &mut &[u8]) -> Option<IdHash> {
    let (hash, rest) = bytes.split_at_checked(32)?;
    *bytes = rest;
    IdHash::parse(&URL_SAFE_NO_PAD.encode(hash))
}

/// The outcomes of a chunk's rows, in their order; `None` for a row that is not decided yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcomes(Vec<Option<Outcome>>);

impl Outcomes {
    /// Nothing is decided but what can't be read.
    pub fn of(rows: &[Row]) -> Self {
        Self(rows.iter().map(|row| matches!(row, Row::Invalid(_)).then_some(Outcome::Invalid)).collect())
    }

    /// Unpacks what [`to_bytes`](Self::to_bytes) made of so many rows.
    pub fn from_bytes(bytes: &[u8], rows: usize) -> Self {
        let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let mut outcomes: Vec<_> = halves.take(rows).map(Outcome::from_number).collect();
        outcomes.resize(rows, None);
        Self(outcomes)
    }

    /// Packs two rows into a byte.
    pub fn to_bytes(&self) -> Vec<u8> {
        let number = |outcome: Option<&Option<Outcome>>| outcome.copied().flatten().map_or(0, |outcome| outcome as u8);
        self.0.chunks(2).map(|pair| number(pair.first()) << 4 | number(pair.get(1))).collect()
    }

    /// The outcomes by row.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Option<Outcome>)> {
        self.0.iter().copied().enumerate()
    }

    /// Rows that are not decided.
    pub fn undecided(&self) -> Vec<usize> {
        self.iter().filter(|(_, outcome)| outcome.is_none()).map(|(row, _)| row).collect()
    }

    /// Decides a row.
    pub fn set(&mut self, row: usize, outcome: Outcome) {
        if let Some(slot) = self.0.get_mut(row) {
            *slot = Some(outcome);
        }
    }

    /// Takes the failed rows back, to try them again; how many there were.
    pub fn retry_failed(&mut self) -> i64 {
        let failed = self.0.iter_mut().filter(|outcome| **outcome == Some(Outcome::Failed));
        failed.map(|outcome| *outcome = None).count().try_into().unwrap_or_default()
    }

    /// How many came to what, less the invalid: those are counted when their page is committed.
    pub fn counts(&self) -> Counts {
        self.0.iter().flatten().copied().filter(|outcome| *outcome != Outcome::Invalid).collect()
    }

    /// Whether every row is decided.
    pub fn is_complete(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hash(byte: u8) -> IdHash {
        IdHash::parse(&URL_SAFE_NO_PAD.encode([byte; 32])).unwrap()
    }

    fn row() -> impl Strategy<Value = Row> {
        prop_oneof![
            Just(Row::Invalid(RowFault::from_byte(1).unwrap())),
            any::<u8>().prop_map(|b| Row::Profile(hash(b))),
            any::<(u8, u8, bool)>().prop_map(|(l, t, is_user_id)| Row::Identifier {
                lookup: hash(l),
                target: hash(t),
                is_user_id
            }),
            (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..=2))
                .prop_map(|(own, others)| Row::Plan { own: hash(own), others: others.into_iter().map(hash).collect() }),
        ]
    }

    proptest! {
        #[test]
        fn rows_come_back_as_they_were_packed(rows in proptest::collection::vec(row(), 0..50)) {
            prop_assert_eq!(unpack(&pack(&rows)), Some(rows));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = unpack(&bytes);
            let _ = Outcomes::from_bytes(&bytes, 7).to_bytes();
        }

        #[test]
        fn outcomes_come_back(numbers in proptest::collection::vec(0u8..=6, 0..50)) {
            let outcomes = Outcomes(numbers.into_iter().map(Outcome::from_number).collect());
            let rows = outcomes.0.len();
            let back = Outcomes::from_bytes(&outcomes.to_bytes(), rows);
            prop_assert_eq!(back.counts(), outcomes.counts());
            prop_assert_eq!(back, outcomes);
        }
    }

    #[test]
    fn a_chunk_of_the_largest_rows_fits_an_item() {
        let row = Row::Plan { own: hash(1), others: vec![hash(2), hash(3)] };
        assert!(pack(&vec![row; CHUNK_ROWS]).len() < 300_000);
    }
}
