//! Rows as chunks store them: packed keyed hashes, without what they were written as.

use super::{
    finding::Finding,
    near_miss::{MAX_FORMS, NearMiss},
};
use crate::{id::ProfileId, key::IdHash, rows::RowFault};

/// One row, without what it was written as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// The row cannot be read.
    Invalid(RowFault),
    /// Delete the profile of this identifier.
    Profile(IdHash),
    /// Delete the profile with this id.
    ProfileId(ProfileId),
    /// Delete the profile with this root, if it is as the plan found it.
    Planned(Finding),
    /// Delete an identifier of a profile.
    Identifier {
        /// What finds the profile.
        lookup: Lookup,
        /// The identifier to delete.
        target: IdHash,
        /// Whether the identifier to delete is a `user_id`, too.
        is_user_id: bool,
    },
    /// A row of a dry run: the identifier, and other forms of it.
    Plan {
        /// As it was written.
        own: IdHash,
        /// Other forms, at most [`MAX_FORMS`]; none equals `own`.
        others: Vec<(NearMiss, IdHash)>,
    },
}

/// What finds the profile whose identifier is to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// A `user_id`. It may guard the deletion of another one.
    UserId(IdHash),
    /// An identifier of another type.
    Other(IdHash),
    /// The profile's own id.
    Profile(ProfileId),
}

impl Lookup {
    /// The identifier, where it is one.
    pub fn identifier(self) -> Option<IdHash> {
        match self {
            Self::UserId(hash) | Self::Other(hash) => Some(hash),
            Self::Profile(_) => None,
        }
    }

    /// The `user_id`, where it is one.
    pub fn user_id(self) -> Option<IdHash> {
        if let Self::UserId(hash) = self { Some(hash) } else { None }
    }
}

impl Row {
    /// The identifier that the row looks up first.
    pub fn lookup(&self) -> Option<IdHash> {
        match self {
            Self::Invalid(_) | Self::ProfileId(_) | Self::Planned(_) => None,
            Self::Profile(hash) | Self::Plan { own: hash, .. } => Some(*hash),
            Self::Identifier { lookup, .. } => lookup.identifier(),
        }
    }
}

const INVALID: u8 = 0;
const PROFILE: u8 = 1;
const IDENTIFIER: u8 = 2;
const USER_ID: u8 = 3;
const PROFILE_ID: u8 = 4;
const IDENTIFIER_BY_PROFILE_ID: u8 = 5;
const USER_ID_BY_PROFILE_ID: u8 = 6;
const IDENTIFIER_BY_OTHER: u8 = 7;
const USER_ID_BY_OTHER: u8 = 9;
const PLANNED: u8 = 10;
const PLAN: u8 = 8;

/// Packs rows: a byte for the kind, then the fault, or profile ids of 16 bytes and hashes of 32. A dry run's row also has the number of its
/// other forms and, before the hash of each, a byte for the near miss.
pub fn pack(rows: &[Row]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rows.len() * 33);
    for row in rows {
        match row {
            Row::Invalid(fault) => bytes.extend([INVALID, fault.to_byte()]),
            Row::Profile(hash) => push(&mut bytes, PROFILE, [hash]),
            Row::ProfileId(profile) => {
                bytes.push(PROFILE_ID);
                bytes.extend(profile.as_bytes());
            }
            Row::Planned(Finding { root, version }) => {
                bytes.push(PLANNED);
                bytes.extend(root.as_bytes());
                bytes.extend(version.to_be_bytes());
            }
            Row::Identifier { lookup, target, is_user_id } => {
                let kind = |identifier, user_id| if *is_user_id { user_id } else { identifier };
                match lookup {
                    Lookup::UserId(lookup) => push(&mut bytes, kind(IDENTIFIER, USER_ID), [lookup, target]),
                    Lookup::Other(lookup) => {
                        push(&mut bytes, kind(IDENTIFIER_BY_OTHER, USER_ID_BY_OTHER), [lookup, target]);
                    }
                    Lookup::Profile(profile) => {
                        bytes.push(kind(IDENTIFIER_BY_PROFILE_ID, USER_ID_BY_PROFILE_ID));
                        bytes.extend(profile.as_bytes());
                        bytes.extend(target.as_bytes());
                    }
                }
            }
            Row::Plan { own, others } => {
                let others = others.iter().take(MAX_FORMS);
                push(&mut bytes, PLAN, [own]);
                bytes.push(u8::try_from(others.len()).unwrap_or(0));
                others.for_each(|(near_miss, other)| push(&mut bytes, *near_miss as u8, [other]));
            }
        }
    }
    bytes
}

fn push<'a>(bytes: &mut Vec<u8>, kind: u8, hashes: impl IntoIterator<Item = &'a IdHash>) {
    bytes.push(kind);
    hashes.into_iter().for_each(|hash| bytes.extend(hash.as_bytes()));
}

/// Unpacks rows; `None` where the bytes are not what [`pack`] makes.
pub fn unpack(mut bytes: &[u8]) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    while let Some(kind) = take_byte(&mut bytes) {
        rows.push(match kind {
            INVALID => Row::Invalid(RowFault::from_byte(take_byte(&mut bytes)?)?),
            PROFILE => Row::Profile(take_hash(&mut bytes)?),
            PROFILE_ID => Row::ProfileId(take_profile(&mut bytes)?),
            PLANNED => {
                let root = take_profile(&mut bytes)?;
                let (version, rest) = bytes.split_first_chunk()?;
                bytes = rest;
                Row::Planned(Finding { root, version: i64::from_be_bytes(*version) })
            }
            IDENTIFIER | USER_ID => {
                let lookup = Lookup::UserId(take_hash(&mut bytes)?);
                Row::Identifier { lookup, target: take_hash(&mut bytes)?, is_user_id: kind == USER_ID }
            }
            IDENTIFIER_BY_OTHER | USER_ID_BY_OTHER => {
                let lookup = Lookup::Other(take_hash(&mut bytes)?);
                Row::Identifier { lookup, target: take_hash(&mut bytes)?, is_user_id: kind == USER_ID_BY_OTHER }
            }
            IDENTIFIER_BY_PROFILE_ID | USER_ID_BY_PROFILE_ID => {
                let lookup = Lookup::Profile(take_profile(&mut bytes)?);
                Row::Identifier { lookup, target: take_hash(&mut bytes)?, is_user_id: kind == USER_ID_BY_PROFILE_ID }
            }
            PLAN => {
                let own = take_hash(&mut bytes)?;
                let others = take_byte(&mut bytes)?;
                let other = |bytes: &mut _| Some((NearMiss::from_number(take_byte(bytes)?)?, take_hash(bytes)?));
                Row::Plan { own, others: (0..others).map(|_| other(&mut bytes)).collect::<Option<_>>()? }
            }
            _ => return None,
        });
    }
    Some(rows)
}

fn take_byte(bytes: &mut &[u8]) -> Option<u8> {
    let (byte, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*byte)
}

fn take_hash(bytes: &mut &[u8]) -> Option<IdHash> {
    let (hash, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(IdHash::from_bytes(*hash))
}

fn take_profile(bytes: &mut &[u8]) -> Option<ProfileId> {
    let (id, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(ProfileId::from_bytes(*id))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::chunk::CHUNK_ROWS, *};

    fn hash(byte: u8) -> IdHash {
        IdHash::from_bytes([byte; 32])
    }

    fn row() -> impl Strategy<Value = Row> {
        prop_oneof![
            Just(Row::Invalid(RowFault::from_byte(1).unwrap())),
            any::<u8>().prop_map(|b| Row::Profile(hash(b))),
            any::<u8>().prop_map(|b| Row::ProfileId(ProfileId::from_bytes([b; 16]))),
            any::<(u8, i64)>()
                .prop_map(|(b, version)| { Row::Planned(Finding { root: ProfileId::from_bytes([b; 16]), version }) }),
            (0..3_usize, any::<(u8, u8, bool)>()).prop_map(|(kind, (l, t, is_user_id))| Row::Identifier {
                lookup: [
                    Lookup::UserId(hash(l)),
                    Lookup::Other(hash(l)),
                    Lookup::Profile(ProfileId::from_bytes([l; 16]))
                ][kind],
                target: hash(t),
                is_user_id
            }),
            (any::<u8>(), proptest::collection::vec((7..=8u8, any::<u8>()), 0..=MAX_FORMS)).prop_map(
                |(own, others)| {
                    let others = others.into_iter().map(|(near, b)| (NearMiss::from_number(near).unwrap(), hash(b)));
                    Row::Plan { own: hash(own), others: others.collect() }
                }
            ),
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
        }
    }

    #[test]
    fn a_chunk_of_the_largest_rows_fits_an_item() {
        let row = Row::Plan { own: hash(1), others: vec![(NearMiss::OtherForm, hash(2)); MAX_FORMS] };
        assert!(pack(&vec![row; CHUNK_ROWS]).len() < 300_000);
    }
}
