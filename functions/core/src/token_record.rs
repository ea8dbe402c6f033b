//! What the table holds of a token.

use serde::{Deserialize, Serialize};

use crate::{
    role::Role,
    space::SpaceId,
    time::Time,
    token::{TokenHash, TokenId},
    token_label::TokenLabel,
};

/// A token as the table holds it: never the token itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// The name under which records and administrators know it.
    pub token_id: TokenId,
    /// SHA-256 of the token.
    pub hash: TokenHash,
    /// The one space that it opens.
    pub space_id: SpaceId,
    /// What it may do there.
    pub role: Role,
    /// When it was made.
    pub created_at: Time,
    /// When it stops by itself.
    pub expires_at: Option<Time>,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
    /// What people call it. Tokens of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<TokenLabel>,
    /// When it was used last, to the hour: [`USE_KEPT_SECONDS`](crate::token::USE_KEPT_SECONDS). Only the item under its hash has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Time>,
}

impl TokenRecord {
    /// Whether it opens its space at this time.
    pub fn is_valid(&self, now: Time) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires| now < expires)
    }
}
