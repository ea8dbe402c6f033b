//! The people that rows refer to, generated from a seed, and their items. A test compares the items with loaded ones.

use std::{collections::HashMap, ops::Range};

use dynoxide::types::{AttributeValue, Item};
use efface_aws::store::{
    Key,
    profile::{Trait, Traits},
};
use efface_core::{
    id::ProfileId,
    identifier::IdentifierType,
    key::{IdHash, SpaceKey},
    log::LogKey,
    segment::Segment,
    space::SpaceId,
    time::Time,
};
use efface_tests::app::{log_key, master};
use serde_json::{Value, value::RawValue};

/// The beginning of every identifier value. Nothing else in the table contains it.
pub(crate) const VALUE_PREFIX: &str = "soak!";

/// The timestamp of all profile lines.
pub(crate) const TIMESTAMP: &str = "2026-01-01T00:00:00.000Z";

/// The generation of an identifier that was activated once.
const ACTIVATED: u64 = 1;

const SEGMENTS: [&str; 4] = ["seg_vip", "seg_new", "seg_lapsed", "seg_churn"];

/// The segment that a job empties.
pub(crate) const CROWD: &str = "seg_crowd";

/// All people of one seed. A person is generated from the seed and a number when needed.
pub(crate) struct People {
    seed: u64,
    key: SpaceKey,
    log_key: LogKey,
    space: SpaceId,
    loaded_at: Time,
    /// Those that are members of [`CROWD`].
    pub(crate) crowd: Range<u32>,
}

/// A person: a profile, and for some people another one that was merged into it.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) root: Profile,
    pub(crate) member: Option<Profile>,
    /// Lines that added something to the root since it was made.
    pub(crate) later_lines: usize,
}

/// The content of a profile line.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    pub(crate) id: ProfileId,
    /// Types and values; the `user_id`s come first.
    pub(crate) ids: Vec<(&'static str, String)>,
    pub(crate) segments: Vec<&'static str>,
    pub(crate) has_trait: bool,
}

/// The kind of an item, as far as deletions treat it differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemKind {
    Head,
    /// An identifier, by its index in [`Person::ids`].
    Identifier(usize),
    /// The edge of an identifier. Deletions leave it.
    Edge,
    /// A membership, its edge, or the traits. The deletion of the profile removes them.
    Removable,
}

impl Person {
    /// Types and values of all identifiers, those of the root first.
    pub(crate) fn ids(&self) -> Vec<&(&'static str, String)> {
        self.root.ids.iter().chain(self.member.iter().flat_map(|member| &member.ids)).collect()
    }

    pub(crate) fn user_ids(&self) -> usize {
        self.root.ids.iter().filter(|(id_type, _)| *id_type == "user_id").count()
    }
}

impl People {
    /// Those of a space, under the keys of all tests.
    pub(crate) fn new(seed: u64, space: SpaceId, loaded_at: Time) -> Self {
        Self { seed, key: master().space_key(&space), log_key: log_key(), space, loaded_at, crowd: 0..0 }
    }

    /// Generates a person. 15 in 100 have more than one `user_id`, 3 in 100 are merged profiles.
    pub(crate) fn person(&self, number: u32) -> Person {
        let mut rng = fastrand::Rng::with_seed(self.seed ^ u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut bytes = || rng.u128(..).to_be_bytes();
        let (root_id, member_id) = (ProfileId::from_bytes(bytes()), ProfileId::from_bytes(bytes()));
        let user_ids = match rng.u8(..100) {
            0..3 => 3,
            3..15 => 2,
            _ => 1,
        };
        let mut ids: Vec<_> = (0..user_ids).map(|at| ("user_id", format!("{VALUE_PREFIX}u{number}-{at}"))).collect();
        ids.push(("email", format!("{VALUE_PREFIX}{number}@example.com")));
        if rng.u8(..100) < 30 {
            ids.push(("anonymous_id", format!("{VALUE_PREFIX}a{number}")));
        }
        let mut segments: Vec<_> = SEGMENTS.into_iter().filter(|_| rng.u8(..100) < 18).collect();
        segments.sort_unstable();
        let mut root = Profile { id: root_id, ids, segments, has_trait: rng.u8(..100) < 60 };
        let mut member = (rng.u8(..100) < 3).then(|| Profile {
            id: member_id,
            ids: vec![("anonymous_id", format!("{VALUE_PREFIX}m{number}"))],
            segments: vec!["seg_new"],
            has_trait: false,
        });
        if self.crowd.contains(&number) {
            // Of some merged people only the profile that was merged is a member, of the others both profiles are.
            if member.is_none() || number.is_multiple_of(2) {
                root.segments.push(CROWD);
            }
            if let Some(member) = &mut member {
                member.segments.push(CROWD);
            }
        }
        Person { root, member, later_lines: 0 }
    }

    /// The items of the segments themselves.
    pub(crate) fn segments(&self) -> Vec<Item> {
        SEGMENTS.into_iter().chain((!self.crowd.is_empty()).then_some(CROWD)).map(|id| self.segment(id)).collect()
    }

    fn segment(&self, id: &str) -> Item {
        let segment = Segment::of_load(id.parse().unwrap(), self.loaded_at);
        let mut head = item(Key::segment(&self.space, &segment.segment_id));
        let Value::Object(fields) = serde_json::to_value(segment).unwrap() else { unreachable!("a record") };
        head.extend(fields.into_iter().map(|(name, value)| match value {
            Value::String(value) => (name, AttributeValue::S(value)),
            Value::Number(value) => (name, AttributeValue::N(value.to_string())),
            Value::Null => (name, AttributeValue::NULL(true)),
            Value::Array(values) if values.is_empty() => (name, AttributeValue::L(Vec::new())),
            other => unreachable!("segments have no such value: {other}"),
        }));
        head
    }

    /// All items of a person.
    pub(crate) fn items(&self, person: &Person) -> Vec<(ItemKind, Item)> {
        let mut items = Vec::with_capacity(12);
        let mut number = 0;
        for profile in std::iter::once(&person.root).chain(&person.member) {
            self.push_profile(&mut items, person, profile, &mut number);
        }
        items
    }

    fn push_profile(&self, items: &mut Vec<(ItemKind, Item)>, person: &Person, profile: &Profile, number: &mut usize) {
        let now = self.loaded_at.to_string();
        let hashes: Vec<IdHash> = profile.ids.iter().map(|(id_type, value)| self.hash(id_type, value)).collect();
        let mut head = item(Key::head(&self.space, profile.id));
        for (name, value) in [
            ("profile_id", &profile.id.to_string()),
            ("state", &"active".to_owned()),
            ("root", &person.root.id.to_string()),
            ("loaded_as", &hashes[0].to_string()),
            ("created_at", &now),
            ("updated_at", &now),
        ] {
            head.insert(name.to_owned(), text(value));
        }
        match &person.member {
            Some(member) if profile.id == person.root.id => {
                head.insert("merged".to_owned(), AttributeValue::SS(vec![member.id.to_string()]));
            }
            Some(_) => drop(head.insert("merged_at".to_owned(), text(&now))),
            None => {}
        }
        // Each load line of the merged profile counts; that of the member is the root's second.
        let is_root = profile.id == person.root.id;
        let versions = if is_root { 1 + usize::from(person.member.is_some()) + person.later_lines } else { 1 };
        head.insert("version".to_owned(), AttributeValue::N(versions.to_string()));
        items.push((ItemKind::Head, head));
        for (hash, (id_type, value)) in hashes.iter().zip(&profile.ids) {
            let mut identifier = item(Key::identifier(&self.space, *hash));
            for (name, value) in [
                ("state", "active"),
                ("profile_id", &profile.id.to_string()),
                ("type", id_type),
                ("value", value),
                ("event_time", TIMESTAMP),
                ("created_at", &now),
                ("normalisation", "none"),
                ("commitment", &self.commitment(hash, id_type, value)),
            ] {
                identifier.insert(name.to_owned(), text(value));
            }
            identifier.insert("generation".to_owned(), AttributeValue::N(ACTIVATED.to_string()));
            items.push((ItemKind::Identifier(*number), identifier));
            items.push((ItemKind::Edge, item(Key::edge(&self.space, profile.id, &id_type.parse().unwrap(), *hash))));
            *number += 1;
        }
        if profile.has_trait {
            let at = Time::parse(TIMESTAMP).unwrap();
            let value = RawValue::from_string("\"pro\"".to_owned()).unwrap();
            let traits = Traits::from([("plan".to_owned(), Trait { value, updated_at: at })]);
            let mut traits_item = item(Key::traits(&self.space, profile.id));
            traits_item.insert("traits".to_owned(), text(&serde_json::to_string(&traits).unwrap()));
            items.push((ItemKind::Removable, traits_item));
        }
        for segment in &profile.segments {
            items
                .push((ItemKind::Removable, item(Key::membership(&self.space, &segment.parse().unwrap(), profile.id))));
            items.push((
                ItemKind::Removable,
                item(Key::segment_edge(&self.space, profile.id, &segment.parse().unwrap())),
            ));
        }
    }

    fn commitment(&self, hash: &IdHash, id_type: &str, value: &str) -> String {
        let nonce = self.log_key.nonce(hash, ACTIVATED);
        nonce.commit(&IdentifierType::parse(id_type).unwrap(), value).to_string()
    }

    fn hash(&self, id_type: &str, value: &str) -> IdHash {
        self.key.identifier(&IdentifierType::parse(id_type).unwrap(), value)
    }
}

fn item(key: Key) -> Item {
    HashMap::from([("pk".to_owned(), AttributeValue::S(key.pk)), ("sk".to_owned(), AttributeValue::S(key.sk))])
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use aws_sdk_dynamodb::types::AttributeValue as Sdk;
    use efface_tests::{TestApp, app::SPACE};
    use serde_json::{Value, json};

    use super::*;

    fn line(profile: &Profile) -> Value {
        let ids: Vec<_> = profile.ids.iter().map(|(t, v)| json!({ "type": t, "id": v })).collect();
        let traits = if profile.has_trait { json!({ "plan": "pro" }) } else { json!({}) };
        json!({ "space_id": SPACE, "external_ids": ids, "segments": profile.segments, "traits": traits,
                "timestamp": TIMESTAMP })
    }

    fn show(value: &AttributeValue) -> Sdk {
        match value {
            AttributeValue::S(text) => Sdk::S(text.clone()),
            AttributeValue::SS(texts) => Sdk::Ss(texts.clone()),
            AttributeValue::N(number) => Sdk::N(number.clone()),
            AttributeValue::NULL(_) => Sdk::Null(true),
            AttributeValue::L(values) if values.is_empty() => Sdk::L(Vec::new()),
            _ => unreachable!("people have no other values"),
        }
    }

    /// Items as text. Random profile ids are replaced by their index in `ids`, so that items of two sources can be equal.
    fn shown(items: impl Iterator<Item = BTreeMap<String, Sdk>>, ids: &[&str]) -> BTreeSet<String> {
        let own = |text: String| {
            ids.iter().enumerate().fold(text, |text, (at, id)| {
                // The shard of a membership is a prefix of the profile's id.
                let shard = &id["use_".len()..][..2];
                let text = SEGMENTS
                    .iter()
                    .fold(text, |text, s| text.replace(&format!("#{s}#{shard}\""), &format!("#{s}#?\"")));
                text.replace(id, &format!("id-{at}"))
            })
        };
        items.map(|item| own(format!("{item:?}"))).collect()
    }

    fn attributes(item: &Item) -> BTreeMap<String, Sdk> {
        item.iter().map(|(name, value)| (name.clone(), show(value))).collect()
    }

    fn is_segment(item: &BTreeMap<String, Sdk>) -> bool {
        item["pk"].as_s().unwrap().starts_with("G#")
    }

    #[tokio::test]
    async fn generated_items_equal_loaded_ones() {
        let app = TestApp::start().await;
        app.clock.step(0);
        let space = SpaceId::parse(SPACE).unwrap();
        let people = People::new(1, space, app.clock.peek());
        let mut segments = BTreeSet::new();
        // Compares 20 plain people and 2 merged ones, which name all segments.
        let (mut merged, mut plain) = (0, 0);
        for number in 0.. {
            let person = people.person(number);
            if person.member.is_some() {
                merged += 1;
            } else {
                plain += 1;
            }
            if person.member.is_none() && plain > 20 {
                continue;
            }
            let before = app.db.dump().await;
            app.try_load(&line(&person.root)).await.unwrap();
            if let Some(member) = &person.member {
                let mut line = line(member);
                let (id_type, value) = &person.root.ids[0];
                line["merged_into"] = json!({ "type": id_type, "id": value });
                app.try_load(&line).await.unwrap();
            }
            let mut loaded = Vec::new();
            for (pk, sk) in app.db.dump().await.into_keys().filter(|key| !before.contains_key(key)) {
                let get = app.db.client.get_item().table_name(efface_tests::store::TABLE);
                let get = get.key("pk", Sdk::S(pk)).key("sk", Sdk::S(sk)).send().await.unwrap();
                loaded.push(get.item.unwrap().into_iter().collect::<BTreeMap<_, _>>());
            }
            segments.extend(shown(loaded.extract_if(.., |item| is_segment(item)), &[]));
            let find = |value: &str| {
                let is = |item: &&BTreeMap<String, Sdk>| item.get("value") == Some(&Sdk::S(value.to_owned()));
                loaded.iter().find(is).unwrap()["profile_id"].as_s().unwrap().clone()
            };
            let profiles: Vec<&Profile> = std::iter::once(&person.root).chain(&person.member).collect();
            let loaded_ids: Vec<String> = profiles.iter().map(|profile| find(&profile.ids[0].1)).collect();
            let loaded_ids: Vec<&str> = loaded_ids.iter().map(String::as_str).collect();
            let own: Vec<String> = profiles.iter().map(|profile| profile.id.to_string()).collect();
            let own: Vec<&str> = own.iter().map(String::as_str).collect();
            let generated = people.items(&person).into_iter().map(|(_, item)| attributes(&item));
            assert_eq!(shown(generated, &own), shown(loaded.clone().into_iter(), &loaded_ids), "person {number}");
            if merged == 2 && plain >= 20 {
                break;
            }
        }
        assert_eq!(shown(people.segments().iter().map(attributes), &[]), segments);
    }
}
