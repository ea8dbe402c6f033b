//! Spaces: their settings, and the source that the first deletion makes.

use efface_core::{
    space::{SOURCE_NAME, Source, SourceState, Space, SpaceChange, SpaceError, SpaceId},
    time::Time,
    token::TokenId,
};
use thiserror::Error;

use super::{
    Key, Store, StoreError,
    read::read,
    stop::listed,
    value::to_attribute,
    write::{FEW, Write, Written},
};
use crate::clock;

pub(super) const KIND: &str = "space";

/// Why a space was not made or changed.
#[derive(Debug, Error)]
pub enum SpaceChangeError {
    /// The space is there already.
    #[error("the space `{0}` exists already")]
    Exists(SpaceId),
    /// The space is not there.
    #[error("there is no space `{0}`")]
    Unknown(SpaceId),
    /// The change breaks a rule.
    #[error(transparent)]
    Rule(#[from] SpaceError),
    /// Somebody else changed the space at the same time.
    #[error("the space `{0}` was changed by somebody else meanwhile; look at it and try again")]
    Raced(SpaceId),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The first deletion makes the source, in a version of the space that bears when, and the token.
const SOURCE: &str = "SET #source = :source, changed_at = :at, changed_by = :token ADD version :one";

impl Store {
    /// Reads a space's settings.
    pub async fn space(&self, space: &SpaceId) -> Result<Option<Space>, StoreError> {
        self.get(Key::space(space), KIND).await
    }

    /// Makes a space.
    pub async fn create_space(&self, id: &SpaceId, change: &SpaceChange, now: Time) -> Result<Space, SpaceChangeError> {
        let space = change.apply(Space::new(now), true, &clock::short_id("src_"))?;
        let writes = vec![Write::put_new(Key::space(id), &space)?, listed(id, &space)];
        if self.transact(writes, FEW).await?.is_done() { Ok(space) } else { Err(SpaceChangeError::Exists(id.clone())) }
    }

    /// Changes a space's settings, with no token. A change that changes nothing only sees to it that the space is in
    /// the list of all spaces.
    pub async fn update_space(&self, id: &SpaceId, change: &SpaceChange, now: Time) -> Result<Space, SpaceChangeError> {
        let old = self.space(id).await?.ok_or_else(|| SpaceChangeError::Unknown(id.clone()))?;
        let mut space = change.apply(old.clone(), false, &clock::short_id("src_"))?;
        let write = if space == old {
            Write::check(Key::space(id), "attribute_exists(pk)")
        } else {
            space.version += 1;
            space.changed_at = Some(now.after(old.changed_at));
            space.changed_by = None;
            Write::put_record(Key::space(id), &space)?
        };
        let writes = vec![if_unchanged(write, old.version), listed(id, &space)];
        if self.transact(writes, FEW).await?.is_done() { Ok(space) } else { Err(SpaceChangeError::Raced(id.clone())) }
    }

    /// Makes the space's source at the first use of the deletion API, which `token` made. However many first uses there
    /// are at once, one source is made, and all return it. `space` may be as it was a while ago: where the space was
    /// changed since, at the same time or later by the clock of who changed it, the version bears a time after that.
    pub async fn attach_source(
        &self,
        id: &SpaceId,
        space: &Space,
        token: &TokenId,
        now: Time,
    ) -> Result<Source, StoreError> {
        let source = Source { id: clock::short_id("src_"), name: SOURCE_NAME.to_owned(), state: SourceState::Attached };
        let mut at = now.after(space.changed_at);
        for _ in 0..FEW {
            match self.write(attachment(id, &source, token, at)?).await? {
                Written::Done(_) => return Ok(source),
                Written::Unmet(there) => {
                    let there: Space = read(there.unwrap_or_default(), KIND)?;
                    if let Some(source) = there.source {
                        return Ok(source);
                    }
                    at = now.after(there.changed_at);
                }
            }
        }
        Err(StoreError::Unavailable("the space is contended".to_owned()))
    }
}

/// Attaches a source where there is none and no version of the space is as late as this one.
fn attachment(id: &SpaceId, source: &Source, token: &TokenId, at: Time) -> Result<Write, StoreError> {
    Ok(Write::update(Key::space(id), SOURCE)
        .when(
            "attribute_exists(pk) AND (attribute_not_exists(#source) OR #source = :none) \
             AND (attribute_not_exists(changed_at) OR changed_at < :at)",
        )
        .value(":source", to_attribute(source)?)
        .value(":none", None::<&str>)
        .value(":one", 1_i64)
        .value(":at", at)
        .value(":token", token)
        .returning_old())
}

/// Whatever the stored item lacks or has, its version alone says whether somebody else has changed it.
fn if_unchanged(write: Write, version: i64) -> Write {
    if version == 0 {
        // The item was stored before there were versions.
        return write.when("attribute_exists(pk) AND attribute_not_exists(version)");
    }
    write.when("version = :version").value(":version", version)
}
