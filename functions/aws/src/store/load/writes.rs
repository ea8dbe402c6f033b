//! What a line writes, as the items of transactions. Each is conditional on what the line was decided on.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, ConditionCheck, Put, TransactWriteItem, Update, builders::UpdateBuilder},
};
use efface_core::{
    deletion::{Claim, Identifier, remembered},
    identifier::ExternalId,
    key::IdHash,
    load::MAX_LINE_BYTES,
    profile::ProfileId,
    space::SpaceId,
};

use super::{Line, LoadError, Writes};
use crate::store::{
    Item, Key, Store, StoreError,
    identifier::{canceled_for, failed_condition, is_conflict, names},
    profile::{Head, Traits, merge_traits, read_traits, write_traits},
    sort_key, text,
};

impl Store {
    /// The head and the traits, where they change; and the root's list of merged profiles.
    pub(super) async fn profile_writes(
        &self,
        line: &Line<'_>,
        id: &ProfileId,
        head: Option<&Head>,
        root: Option<&ProfileId>,
    ) -> Result<Writes, LoadError> {
        let mut writes = Writes::new();
        let traits_key = Key::traits(line.space_id, id);
        let old: Option<Traits> = match head {
            Some(_) => self.get_many([traits_key.clone()]).await?.pop().map(read_traits).transpose()?,
            None => None,
        };
        let mut traits = old.unwrap_or_default();
        let before = write_traits(&traits);
        let new = line.traits(&traits);
        merge_traits(&mut traits, new);
        let after = write_traits(&traits);
        if after.as_s().is_ok_and(|json| json.len() > MAX_LINE_BYTES) {
            return Err(LoadError::LargeTraits);
        }
        if after != before {
            let mut item = Item::from(traits_key);
            item.insert("traits".to_owned(), after);
            let mut put = Put::builder().table_name(&self.table).set_item(Some(item));
            // What was merged must still be what is there.
            put = match before {
                AttributeValue::S(json) if json == "{}" => put.condition_expression("attribute_not_exists(pk)"),
                before => put.condition_expression("traits = :before").expression_attribute_values(":before", before),
            };
            writes.push(TransactWriteItem::builder().set_put(put.build().ok()).build());
        }
        if head.is_none() {
            writes.push(self.new_head(line, id, root));
        } else if let Some(root) = root {
            let update = Update::builder()
                .update_expression("SET #root = :root, updated_at = :now")
                .set_expression_attribute_names(Some(names(&["state", "root"])))
                .condition_expression("#state = :active AND #root = :self AND attribute_not_exists(merged)")
                .expression_attribute_values(":self", text(id.as_str()))
                .expression_attribute_values(":active", text("active"))
                .expression_attribute_values(":root", text(root.as_str()))
                .expression_attribute_values(":now", text(line.now.to_string()));
            writes.push(self.update(update, Key::head(line.space_id, id)));
        }
        if let Some(root) = root {
            let update = Update::builder()
                .update_expression("SET updated_at = :now ADD merged :merged")
                .set_expression_attribute_names(Some(names(&["state", "root"])))
                .condition_expression("#state = :active AND #root = :root")
                .expression_attribute_values(":now", text(line.now.to_string()))
                .expression_attribute_values(":active", text("active"))
                .expression_attribute_values(":root", text(root.as_str()))
                .expression_attribute_values(":merged", AttributeValue::Ss(vec![id.as_str().to_owned()]));
            writes.push(self.update(update, Key::head(line.space_id, root)));
        }
        Ok(writes)
    }

    pub(super) fn new_head(&self, line: &Line<'_>, id: &ProfileId, root: Option<&ProfileId>) -> TransactWriteItem {
        let mut item = Item::from(Key::head(line.space_id, id));
        let now = line.now.to_string();
        for (name, value) in [
            ("profile_id", id.as_str()),
            ("state", "active"),
            ("root", root.unwrap_or(id).as_str()),
            ("loaded_as", line.hashes[0].as_str()),
            ("created_at", now.as_str()),
            ("updated_at", now.as_str()),
        ] {
            item.insert(name.to_owned(), text(value));
        }
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk)").build().ok();
        TransactWriteItem::builder().set_put(put).build()
    }

    /// Memberships and their edges, less those that the profile has already.
    pub(super) async fn segment_writes(
        &self,
        line: &Line<'_>,
        id: &ProfileId,
        exists: bool,
    ) -> Result<Vec<Writes>, StoreError> {
        let mut segments: BTreeSet<&String> = line.profile.segments.iter().collect();
        if exists && !segments.is_empty() {
            let all: Vec<Key> = segments.iter().map(|name| Key::segment_edge(line.space_id, id, name)).collect();
            for edges in all.chunks(100) {
                for item in self.get_many(edges.iter().cloned()).await? {
                    segments.retain(|name| sort_key(&item).strip_prefix("M#") != Some(name.as_str()));
                }
            }
        }
        let keys = segments
            .into_iter()
            .map(|name| [Key::membership(line.space_id, name, id), Key::segment_edge(line.space_id, id, name)]);
        Ok(keys.map(|pair| pair.map(|key| self.put(Item::from(key))).to_vec()).collect())
    }

    pub(super) fn identifier_writes(
        &self,
        line: &Line<'_>,
        id: &ProfileId,
        claims: &[Claim],
        stored: &HashMap<String, Identifier>,
    ) -> Vec<Writes> {
        let mut writes = Vec::new();
        for ((hash, external_id), claim) in line.hashes.iter().zip(&line.profile.external_ids).zip(claims) {
            let old = stored.get(hash.as_str());
            if !matches!(claim, Claim::New | Claim::Again) {
                writes.extend(self.tell_event(line, hash, claim, old).map(|told| vec![told]));
                continue;
            }
            let edge = Key::edge(line.space_id, id, external_id.id_type.as_str(), hash);
            writes.push(vec![self.activate(line, id, hash, external_id, old), self.put(Item::from(edge))]);
        }
        writes
    }

    /// Keeps the latest event that named an active identifier: once it is deleted, no event up to that one brings it back.
    fn tell_event(
        &self,
        line: &Line<'_>,
        hash: &IdHash,
        claim: &Claim,
        old: Option<&Identifier>,
    ) -> Option<TransactWriteItem> {
        let (Claim::Held(_), Some(old), Some(event)) = (claim, old, line.profile.timestamp) else { return None };
        if old.event_time.is_some_and(|told| told >= event) {
            return None;
        }
        let update = Update::builder()
            .update_expression("SET event_time = :event")
            .condition_expression("#state = :active AND profile_id = :profile")
            .set_expression_attribute_names(Some(names(&["state"])))
            .expression_attribute_values(":active", text("active"))
            .expression_attribute_values(":profile", text(&old.profile_id))
            .expression_attribute_values(":event", text(event.to_string()));
        Some(self.update(update, Key::identifier(line.space_id, hash)))
    }

    /// Makes an identifier active, provided that it is still as it was read. The record of an earlier deletion stays.
    pub(super) fn activate(
        &self,
        line: &Line<'_>,
        id: &ProfileId,
        hash: &IdHash,
        external_id: &ExternalId,
        old: Option<&Identifier>,
    ) -> TransactWriteItem {
        let event_time = line.profile.timestamp.map_or(AttributeValue::Null(true), |at| text(at.to_string()));
        let mut expression = "SET #state = :active, profile_id = :profile, #type = :type, #value = :value, \
                              event_time = :event, created_at = :now"
            .to_owned();
        let mut update = Update::builder()
            .set_expression_attribute_names(Some(names(&["state", "type", "value"])))
            .expression_attribute_values(":active", text("active"))
            .expression_attribute_values(":profile", text(id.as_str()))
            .expression_attribute_values(":type", text(external_id.id_type.as_str()))
            .expression_attribute_values(":value", text(external_id.value.expose()))
            .expression_attribute_values(":event", event_time)
            .expression_attribute_values(":now", text(line.now.to_string()));
        let Some(deleted_at) = old.and_then(|old| old.deleted_at) else {
            update = update.update_expression(expression).condition_expression("attribute_not_exists(pk)");
            return self.update(update, Key::identifier(line.space_id, hash));
        };
        let kept = old.map(|old| remembered(&old.request_ids, line.now)).unwrap_or_default();
        if kept.is_empty() {
            expression.push_str(" REMOVE request_ids");
        } else {
            expression.push_str(", request_ids = :requests");
            update = update.expression_attribute_values(":requests", AttributeValue::Ss(kept));
        }
        update = update
            .update_expression(expression)
            .condition_expression("#state = :deleted AND deleted_at = :deleted_at")
            .expression_attribute_values(":deleted", text("deleted"))
            .expression_attribute_values(":deleted_at", text(deleted_at.to_string()));
        self.update(update, Key::identifier(line.space_id, hash))
    }

    /// Tells when the profile was added to, provided that it is there.
    pub(super) fn touch_head(&self, line: &Line<'_>, id: &ProfileId) -> TransactWriteItem {
        let update = Update::builder()
            .update_expression("SET updated_at = :now")
            .condition_expression("#state = :active")
            .set_expression_attribute_names(Some(names(&["state"])))
            .expression_attribute_values(":active", text("active"))
            .expression_attribute_values(":now", text(line.now.to_string()));
        self.update(update, Key::head(line.space_id, id))
    }

    pub(super) fn head_check(&self, space: &SpaceId, id: &ProfileId) -> TransactWriteItem {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(Key::head(space, id).into()))
            .condition_expression("#state = :active")
            .set_expression_attribute_names(Some(names(&["state"])))
            .expression_attribute_values(":active", text("active"));
        TransactWriteItem::builder().set_condition_check(check.build().ok()).build()
    }

    pub(super) fn put(&self, item: Item) -> TransactWriteItem {
        let put = Put::builder().table_name(&self.table).set_item(Some(item)).build().ok();
        TransactWriteItem::builder().set_put(put).build()
    }

    pub(super) fn update(&self, update: UpdateBuilder, key: Key) -> TransactWriteItem {
        let update = update.table_name(&self.table).set_key(Some(key.into())).build().ok();
        TransactWriteItem::builder().set_update(update).build()
    }

    /// Whether the writes were done; `false` where something that they were decided on has changed.
    pub(super) async fn transact(&self, writes: Writes) -> Result<bool, StoreError> {
        let Err(error) = self.client.transact_write_items().set_transact_items(Some(writes)).send().await else {
            return Ok(true);
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                let reasons = canceled.cancellation_reasons();
                if reasons.iter().any(|reason| failed_condition(reason) || is_conflict(reason)) {
                    Ok(false)
                } else {
                    Err(canceled_for(reasons))
                }
            }
            _ => Err(error.into()),
        }
    }
}
