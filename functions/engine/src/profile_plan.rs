//! What a profile consists of: what the plan of its deletion tells.

use std::collections::BTreeSet;

use efface_aws::store::profile::{Traits, edge_ranges};
use efface_core::{
    deletion::Identifier, id::ProfileId, identifier::IdentifierType, profile::Head, segment::SegmentId, space::SpaceId,
};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use crate::{Engine, Error};

/// Identifiers that are told at most: with values of 2 KiB they fit the response of a function.
const MOST_IDENTIFIERS: usize = 250;

/// Members of a merged profile, and segments, that are told at most.
const MOST: usize = 1_000;

/// Members whose segments are listed at once.
const AT_ONCE: usize = 16;

/// What there is of a merged profile. All of it, unless it is very large.
#[derive(Debug)]
pub struct ProfileContents {
    /// Its members, the root first.
    pub members: Vec<ProfileId>,
    /// The active identifiers of its members.
    pub identifiers: Vec<Identifier>,
    /// Its traits by name.
    pub traits: Traits,
    /// The segments that a member belongs to.
    pub segments: BTreeSet<SegmentId>,
    /// Whether this is all.
    pub is_complete: bool,
}

impl Engine {
    /// Reads what a merged profile consists of, up to limits of its parts, and of time. Four requests for a profile of one
    /// member and up to 100 identifiers, and at most three more for each further member.
    pub async fn profile_contents(
        &self,
        space: &SpaceId,
        root: &Head,
        until: Instant,
    ) -> Result<ProfileContents, Error> {
        let ranges = edge_ranges(root, None, None);
        let identifiers = self.store.list_identifiers(space, ranges, MOST_IDENTIFIERS, until);
        let (identifiers, traits) = tokio::try_join!(identifiers, self.store.list_traits(space, root))?;
        let (identifiers, more) = identifiers;
        let members: Vec<ProfileId> = root.members().take(MOST).collect();
        let (segments, has_all) = self.segments_of(space, &members, until).await?;
        let is_complete = more.is_none() && has_all && members.len() == root.members().count();
        Ok(ProfileContents { members, identifiers, traits, segments, is_complete })
    }

    /// The segments of some members, and whether these are all.
    async fn segments_of(
        &self,
        space: &SpaceId,
        members: &[ProfileId],
        until: Instant,
    ) -> Result<(BTreeSet<SegmentId>, bool), Error> {
        let most = i32::try_from(MOST).unwrap_or(i32::MAX);
        let mut lists = Vec::with_capacity(members.len());
        for member in members {
            lists.push(self.store.segments_of(space, *member, most));
        }
        let mut lists = stream::iter(lists).buffered(AT_ONCE);
        let (mut segments, mut has_all) = (BTreeSet::new(), true);
        while let Some((found, is_all)) = lists.try_next().await? {
            segments.extend(found);
            has_all &= is_all;
            if segments.len() >= MOST || Instant::now() >= until {
                has_all &= lists.try_next().await?.is_none();
                break;
            }
        }
        Ok((segments, has_all))
    }

    /// Whether a profile has an active identifier of a type beside a given one.
    pub async fn has_another(
        &self,
        space: &SpaceId,
        root: &Head,
        id_type: &IdentifierType,
        target: &Identifier,
        until: Instant,
    ) -> Result<bool, Error> {
        let types = BTreeSet::from([id_type.clone()]);
        let (found, _) = self.store.list_identifiers(space, edge_ranges(root, Some(&types), None), 2, until).await?;
        Ok(found.iter().any(|other| other.value != target.value))
    }
}
