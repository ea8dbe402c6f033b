//! Identifiers of [`SPACE`] in tests, named `type:value`; the value is normalised already.

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::{
    deletion::Identifier,
    identifier::IdentifierType,
    key::IdHash,
    log::{LogKey, Nonce},
    space::SpaceId,
};

use crate::{
    TestApp,
    app::{SPACE, log_key, master},
    store::TABLE,
};

/// The type and the value of an identifier.
pub fn parts(id: &str) -> (IdentifierType, &str) {
    let (id_type, value) = id.split_once(':').unwrap();
    (IdentifierType::parse(id_type).unwrap(), value)
}

/// The hash that an identifier is found by.
pub fn hash(id: &str) -> IdHash {
    let (id_type, value) = parts(id);
    master().space_key(&SpaceId::parse(SPACE).unwrap()).identifier(&id_type, value)
}

/// Asserts that an item bears the commitment of the life that began with this generation, by the value and the nonce.
pub fn assert_committed(item: &Identifier, id: &str, activated_as: u64) {
    let (id_type, value) = parts(id);
    let expected = log_key().nonce(&hash(id), activated_as).commit(&id_type, value);
    assert_eq!(item.commitment, Some(expected), "{id} of generation {activated_as}");
}

/// The nonce for the receipt of an identifier's deletion, by its tombstone: that of the generation before, or of the same
/// one, where a writer that does not count deleted it.
pub fn nonce_of_tombstone(key: &LogKey, tombstone: &Identifier, id: &str) -> Option<Nonce> {
    let (id_type, value) = parts(id);
    let generations = [tombstone.generation.checked_sub(1), Some(tombstone.generation)];
    let mut nonces = generations.into_iter().flatten().map(|generation| key.nonce(&hash(id), generation));
    nonces.find(|nonce| Some(nonce.commit(&id_type, value)) == tombstone.commitment)
}

impl TestApp {
    /// An identifier that is there, active or deleted.
    pub async fn identifier(&self, id: &str) -> Identifier {
        self.db.store.identifier(&SpaceId::parse(SPACE).unwrap(), hash(id)).await.unwrap().unwrap()
    }

    /// Changes an identifier's item in the table in use, as this version does not, under no condition.
    pub async fn update_identifier(&self, id: &str, expression: &str, values: &[(&str, AttributeValue)]) {
        let text = |text: String| AttributeValue::S(text);
        let update = self.db.client.update_item().table_name(TABLE);
        let mut update = update.key("pk", text(format!("I#{SPACE}#{}", hash(id)))).key("sk", text("-".to_owned()));
        for name in ["state", "value"].into_iter().filter(|name| expression.contains(&format!("#{name}"))) {
            update = update.expression_attribute_names(format!("#{name}"), name);
        }
        for (name, value) in values {
            update = update.expression_attribute_values(*name, value.clone());
        }
        update.update_expression(expression).send().await.unwrap();
    }

    /// Removes from an identifier's item what a version that did not count does not write.
    pub async fn forget_life(&self, id: &str) {
        self.update_identifier(id, "REMOVE generation, commitment, normalisation", &[]).await;
    }
}
