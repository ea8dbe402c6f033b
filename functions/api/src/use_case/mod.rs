//! The use cases behind the endpoints that delete: what is done once a request is authorised.

pub(crate) mod create_job;
pub(crate) mod delete_identifier;
pub(crate) mod delete_profile;
pub(crate) mod idempotency;
pub(crate) mod page;

use efface_core::{
    identifier::{IdentifierType, IdentifierValue},
    key::IdHash,
};
use efface_engine::access::Access;

/// The key at which the store has an identifier of the space.
pub(crate) fn hash(access: &Access, id_type: &IdentifierType, value: &IdentifierValue) -> IdHash {
    access.key.identifier(id_type, &access.space.identifier_types.normalise(id_type, value))
}
