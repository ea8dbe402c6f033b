//! Deleting a profile: its heads are set to deleted first, and nothing is added to a profile but under a check of its
//! head. So what its partition lists afterwards is all that there is to remove, whoever removes it.

use aws_sdk_dynamodb::types::ReturnValue;
use efface_core::{
    deletion::RowActor,
    id::ProfileId,
    key::IdHash,
    profile::{DeletionCounts, DeletionCursor, Head},
    segment::SegmentId,
    space::SpaceId,
    time::Time,
    token::TokenId,
};

use super::{
    Key, Store, StoreError,
    keys::{EDGES, SEGMENT_EDGES, TRAITS, profile_partition},
    load::segment_of,
    profile::{KIND, Traits, read_traits},
    read::{Query, last_part, read, sort_key},
    value::{ToValue, to_attribute},
    write::{Write, Written},
};

/// Items that are listed at once: so many can be removed well within a worker's time.
const ITEMS_PER_PART: i32 = 2_000;

/// The deletion of a profile by a row of a job.
#[derive(Debug, Clone)]
pub struct ProfileDeletion {
    /// The space.
    pub space: SpaceId,
    /// The row.
    pub row: RowActor,
    /// Whose token asked.
    pub token_id: TokenId,
    /// When.
    pub at: Time,
}

/// What a start of a head's deletion came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartedDeletion {
    /// The head is deleted, by this row and now; the head as it is from now on.
    Now(Box<Head>),
    /// Nothing was changed; what is there.
    Not(Option<Box<Head>>),
}

/// A part of what a profile's partition lists.
#[derive(Debug, Default)]
pub struct Listed {
    /// The identifiers by their hashes.
    pub identifiers: Vec<IdHash>,
    /// The segments that it is a member of.
    pub segments: Vec<SegmentId>,
    /// The traits, where this part has them.
    pub traits: Option<Traits>,
    /// The sort key to go on after, where there is more.
    pub more: Option<String>,
}

impl Store {
    /// Sets an active head to deleted, if it is merged into `root`. Once a root's head is deleted no merge can be added, so
    /// its list of members is complete. With a version, only where nothing was added to the profile since it had that.
    pub async fn start_deletion(
        &self,
        deletion: &ProfileDeletion,
        profile: ProfileId,
        root: ProfileId,
        version: Option<i64>,
    ) -> Result<StartedDeletion, StoreError> {
        let row = &deletion.row;
        let as_planned = match version {
            None => "#state = :active AND #root = :root",
            // A head of before there were versions has none.
            Some(0) => "#state = :active AND #root = :root AND attribute_not_exists(version)",
            Some(_) => "#state = :active AND #root = :root AND version = :version",
        };
        let write = Write::update(
            Key::head(&deletion.space, profile),
            "SET #state = :deleted, deleted_at = :at, token_id = :token, job_id = :job, job_group = :group, \
             job_row = :row REMOVE created_at, updated_at, merged_at",
        )
        .when(as_planned)
        .values(
            version
                .filter(|version| *version != 0)
                .map(|version| (":version".to_owned(), version.to_value()))
                .into_iter()
                .collect(),
        )
        .value(":deleted", "deleted")
        .value(":active", "active")
        .value(":root", root)
        .value(":at", deletion.at)
        .value(":token", &deletion.token_id)
        .value(":job", row.job)
        .value(":group", row.group)
        .value(":row", row.row)
        .returning_old();
        Ok(match self.write_returning(write, ReturnValue::AllNew).await? {
            Written::Done(item) => StartedDeletion::Now(Box::new(read(item.unwrap_or_default(), KIND)?)),
            Written::Unmet(item) => StartedDeletion::Not(item.map(|item| read(item, KIND)).transpose()?.map(Box::new)),
        })
    }

    /// A part of what a profile's partition lists, after a sort key.
    pub async fn list_profile(
        &self,
        space: &SpaceId,
        profile: ProfileId,
        after: Option<String>,
    ) -> Result<Listed, StoreError> {
        let query = Query::all(profile_partition(space, profile)).after(after).limit(ITEMS_PER_PART);
        let (items, more) = self.query(query).await?;
        let mut listed = Listed { more, ..Listed::default() };
        for item in items {
            let key = sort_key(&item)?;
            if key.starts_with(EDGES) {
                listed.identifiers.push(last_part(key, "edge to an identifier")?);
            } else if key.starts_with(SEGMENT_EDGES) {
                listed.segments.push(segment_of(key)?);
            } else if key == TRAITS {
                listed.traits = Some(read_traits(item)?);
            }
        }
        Ok(listed)
    }

    /// The segments that a profile is a member of, at most about so many, and whether these are all.
    pub async fn segments_of(
        &self,
        space: &SpaceId,
        profile: ProfileId,
        most: i32,
    ) -> Result<(Vec<SegmentId>, bool), StoreError> {
        let query = Query::prefix(profile_partition(space, profile), SEGMENT_EDGES).limit(most);
        let (items, more) = self.query(query).await?;
        let segments = items.iter().map(|item| segment_of(sort_key(item)?)).collect::<Result<_, _>>()?;
        Ok((segments, more.is_none()))
    }

    /// Removes memberships. Their edges stay until this is done: memberships are found by them.
    pub async fn remove_memberships(
        &self,
        space: &SpaceId,
        profile: ProfileId,
        segments: &[SegmentId],
    ) -> Result<(), StoreError> {
        self.delete_many(segments.iter().map(|segment| Key::membership(space, segment, profile))).await
    }

    /// Removes the edges of memberships that are gone, and the traits where they are there.
    pub async fn remove_listed(&self, space: &SpaceId, profile: ProfileId, listed: &Listed) -> Result<(), StoreError> {
        let edges = listed.segments.iter().map(|segment| Key::segment_edge(space, profile, segment));
        let traits = listed.traits.iter().map(|_| Key::traits(space, profile));
        self.delete_many(edges.chain(traits)).await
    }

    /// Notes on the root's head that all of the profile is gone, where this row deleted it. It stays as it was noted first.
    pub async fn set_gone(&self, deletion: &ProfileDeletion, root: ProfileId) -> Result<(), StoreError> {
        let RowActor { job, row, .. } = &deletion.row;
        let write = Write::update(Key::head(&deletion.space, root), "SET gone_at = :at")
            .when("#state = :deleted AND job_id = :job AND job_row = :row AND attribute_not_exists(gone_at)")
            .value(":at", deletion.at)
            .value(":deleted", "deleted")
            .value(":job", *job)
            .value(":row", *row);
        self.write(write).await.map(drop)
    }

    /// Keeps on the root's head how far the deletion has come, and what it removed until there: the next run goes on
    /// from it.
    pub async fn keep_deletion_cursor(
        &self,
        space: &SpaceId,
        root: ProfileId,
        cursor: DeletionCursor,
        counts: DeletionCounts,
    ) -> Result<(), StoreError> {
        let write = Write::update(Key::head(space, root), "SET deletion_cursor = :cursor, deletion_counts = :counts")
            .when("#state = :deleted")
            .value(":deleted", "deleted")
            .value(":cursor", cursor)
            .value(":counts", to_attribute(counts)?);
        if self.write(write).await?.is_done() {
            return Ok(());
        }
        Err(StoreError::Internal("the head of a profile that is being deleted is active".to_owned()))
    }
}
