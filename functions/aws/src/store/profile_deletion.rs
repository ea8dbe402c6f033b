//! Deleting a profile whole: its heads are fenced first, and nothing is added to a profile but under a check of its
//! head. So what its partition lists afterwards is all that there is to remove, whoever removes it.

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{DeleteRequest, ReturnValue, ReturnValuesOnConditionCheckFailure, WriteRequest},
};
use efface_core::{
    job::{Group, Taker},
    key::IdHash,
    profile::{ProfileId, RequestId},
    space::SpaceId,
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::{
    Item, Key, Store, StoreError,
    identifier::{Deletion, names, text_or_null},
    keys::{EDGES, SEGMENT_EDGES, TRAITS, profile_partition},
    profile::{Head, Traits, read_traits},
    read, sort_key, text,
};

/// Items that are listed at once: so many can be removed well within a worker's time.
const ITEMS_PER_PART: i32 = 2_000;

/// Who deletes a profile whole, and when.
#[derive(Debug, Clone)]
pub struct Eraser {
    /// The space.
    pub space: SpaceId,
    /// The row of a job.
    pub taker: Taker,
    /// Whose token asked.
    pub token_id: String,
    /// When.
    pub at: Time,
}

impl Eraser {
    /// The deletion of one identifier under a profile, which may be fenced; none where that is no profile's id.
    pub fn deletion(&self, target: &IdHash, profile: &str, is_fenced: bool) -> Option<Deletion> {
        // A job's id is made of a request's; another one could not have been made by us.
        let request = self.taker.job.request().unwrap_or_else(|| RequestId::new(self.at, [0; 10]));
        Some(Deletion {
            space: self.space.clone(),
            target: target.clone(),
            profile: ProfileId::parse(profile).ok()?,
            at: self.at,
            request,
            token_id: self.token_id.clone(),
            taker: Some(self.taker.clone()),
            is_fenced,
        })
    }
}

/// What the deletion of a profile took along.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Identifiers that were active.
    pub external_ids: i64,
    /// Memberships of segments.
    pub memberships: i64,
    /// Profiles that were merged into it.
    pub merges: i64,
    /// Traits, by name.
    pub traits: i64,
}

/// What became of the fence around a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fenced {
    /// It stands: the head as it is from now on.
    Now(Head),
    /// Nothing was changed; this is what is there.
    Not(Option<Head>),
}

/// What a part of a profile's partition lists.
#[derive(Debug, Default)]
pub struct Listed {
    /// The identifiers by their hashes.
    pub identifiers: Vec<IdHash>,
    /// The segments by their names.
    pub segments: Vec<String>,
    /// The traits, where this part has them.
    pub traits: Option<Traits>,
    /// Where to go on.
    pub more: Option<String>,
}

impl Store {
    /// Fences an active head. The root of a merged whole is fenced as a root only: with it, the list of what was merged
    /// into it is final.
    pub async fn fence(&self, eraser: &Eraser, profile: &ProfileId, root: &ProfileId) -> Result<Fenced, StoreError> {
        let taker = &eraser.taker;
        let written = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::head(&eraser.space, profile).into()))
            .update_expression(
                "SET #state = :deleted, deleted_at = :at, token_id = :token, job_id = :job, job_group = :group, \
                 job_row = :row REMOVE created_at, updated_at",
            )
            .condition_expression("#state = :active AND #root = :root")
            .set_expression_attribute_names(Some(names(&["state", "root"])))
            .expression_attribute_values(":deleted", text("deleted"))
            .expression_attribute_values(":active", text("active"))
            .expression_attribute_values(":root", text(root.as_str()))
            .expression_attribute_values(":at", text(eraser.at.to_string()))
            .expression_attribute_values(":token", text(&eraser.token_id))
            .expression_attribute_values(":job", text(taker.job.as_str()))
            .expression_attribute_values(":group", text_or_null(taker.group.as_ref().map(Group::as_str)))
            .expression_attribute_values(":row", text(&taker.row))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let (item, is_fenced) = match written {
            Ok(reply) => (reply.attributes, true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => (failed.item.clone(), false),
                _ => return Err(error.into()),
            },
        };
        let head = item.filter(|item| !item.is_empty()).map(read::<Head>).transpose()?;
        Ok(match head {
            Some(head) if is_fenced => Fenced::Now(head),
            head => Fenced::Not(head),
        })
    }

    /// A part of what a profile's partition lists.
    pub async fn list_profile(
        &self,
        space: &SpaceId,
        profile: &ProfileId,
        after: Option<String>,
    ) -> Result<Listed, StoreError> {
        let partition = profile_partition(space, profile);
        let start = after.map(|sk| Item::from(Key { pk: partition.clone(), sk }));
        let reply = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(partition))
            .set_exclusive_start_key(start)
            .consistent_read(true)
            .limit(ITEMS_PER_PART)
            .send()
            .await?;
        let mut listed = Listed::default();
        for item in reply.items.unwrap_or_default() {
            let key = sort_key(&item);
            if let Some(edge) = key.strip_prefix(EDGES) {
                listed.identifiers.extend(edge.rsplit_once('#').and_then(|(_, hash)| IdHash::parse(hash)));
            } else if let Some(segment) = key.strip_prefix(SEGMENT_EDGES) {
                listed.segments.push(segment.to_owned());
            } else if key == TRAITS {
                listed.traits = Some(read_traits(item)?);
            }
        }
        listed.more = reply.last_evaluated_key.map(|key| sort_key(&key).to_owned());
        Ok(listed)
    }

    /// Removes memberships. Their edges stay until this is done: by them they are found.
    pub async fn remove_memberships(
        &self,
        space: &SpaceId,
        profile: &ProfileId,
        segments: &[String],
    ) -> Result<(), StoreError> {
        let keys = segments.iter().map(|segment| Key::membership(space, segment, profile));
        self.write_many(keys.filter_map(delete).collect()).await
    }

    /// Removes the edges of memberships that are gone, and the traits where they are there.
    pub async fn remove_listed(&self, space: &SpaceId, profile: &ProfileId, listed: &Listed) -> Result<(), StoreError> {
        let edges = listed.segments.iter().map(|segment| Key::segment_edge(space, profile, segment));
        let traits = listed.traits.iter().map(|_| Key::traits(space, profile));
        self.write_many(edges.chain(traits).filter_map(delete).collect()).await
    }

    /// Remembers how far the deletion of a profile has come, and what it took along until there: whoever goes on with it
    /// starts from here.
    pub async fn mark_erased(
        &self,
        space: &SpaceId,
        root: &ProfileId,
        place: &str,
        erased: Erased,
    ) -> Result<(), StoreError> {
        let erased = serde_dynamo::to_attribute_value(erased)
            .map_err(|_| StoreError::Internal("counts of a deletion".to_owned()))?;
        let update = self.client.update_item().table_name(&self.table).set_key(Some(Key::head(space, root).into()));
        let update = update
            .update_expression("SET erased_to = :place, erased = :erased")
            .condition_expression("#state = :deleted")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":deleted", text("deleted"))
            .expression_attribute_values(":place", text(place))
            .expression_attribute_values(":erased", erased);
        update.send().await?;
        Ok(())
    }
}

fn delete(key: Key) -> Option<WriteRequest> {
    let request = DeleteRequest::builder().set_key(Some(key.into())).build().ok()?;
    Some(WriteRequest::builder().delete_request(request).build())
}
