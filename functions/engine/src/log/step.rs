//! One checkpoint: the files that it needs, the signature, and what it makes superfluous.
//!
//! The order is what makes every crash harmless: the list of keys, then all files, then the signature, then the checkpoint.

use efface_aws::{
    log_store::{Replaced, Stored, StoredKeys},
    metrics::{self, Metric},
    signing_key::SigningKeyError,
};
use efface_core::{
    log::{Extension, KeyList, KeyListError, note::VerifierKey},
    space::SpaceId,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::{LogError, Publisher, last::Last};

/// Requests for files that are under way at once.
const AT_ONCE: usize = 16;

impl Publisher {
    /// Puts all files of an extension, then signs its checkpoint and puts it in the place of the last one. `None` where
    /// another run has published meanwhile: then this signature is thrown away. The key must be listed.
    pub(super) async fn publish_extension(
        &self,
        space: &SpaceId,
        own: &VerifierKey,
        last: Option<&Last>,
        extension: &Extension,
    ) -> Result<Option<Stored>, LogError> {
        let puts: Vec<_> =
            extension.files.iter().map(|(tile, bytes)| self.files.put_new(space, *tile, bytes)).collect();
        let put: Vec<_> = stream::iter(puts).buffer_unordered(AT_ONCE).try_collect().await?;
        if put.contains(&Replaced::Lost) {
            return Ok(None);
        }
        let signature = self.key.sign(extension.checkpoint.to_text().signed_bytes()).await?;
        metrics::add(Metric::LogSignatures, 1);
        let Ok(note) = extension.checkpoint.sign(own, signature) else {
            self.key.forget_public_key();
            return Err(SigningKeyError::OtherKey.into());
        };
        Ok(self.files.put_checkpoint(space, &note, last.map(|last| &last.version)).await?)
    }

    /// Lists the key before it signs, where it is not listed. [`Replaced::Lost`], too, where the checkpoint is another one by
    /// now, and list and checkpoint are not of one time.
    pub(super) async fn list_key(
        &self,
        space: &SpaceId,
        own: &VerifierKey,
        last: Option<&Last>,
        keys: Option<&StoredKeys>,
    ) -> Result<Replaced, LogError> {
        let (none, signed) = (KeyList::default(), last.map(|last| (last.checkpoint.size(), &last.signer)));
        let listed = keys.map_or(&none, |stored| &stored.keys);
        self.replace_keys(space, last, keys, listed.before_signing(signed, own)).await
    }

    /// Corrects the list where the last checkpoint shows that a key which was replaced signs no more.
    pub(super) async fn end_keys(
        &self,
        space: &SpaceId,
        last: Option<&Last>,
        keys: Option<&StoredKeys>,
    ) -> Result<Replaced, LogError> {
        let (Some(last), Some(stored)) = (last, keys) else { return Ok(Replaced::Done) };
        let next = stored.keys.after_signing(last.checkpoint.size(), &last.signer);
        self.replace_keys(space, Some(last), keys, next).await
    }

    async fn replace_keys(
        &self,
        space: &SpaceId,
        last: Option<&Last>,
        keys: Option<&StoredKeys>,
        next: Result<Option<KeyList>, KeyListError>,
    ) -> Result<Replaced, LogError> {
        match next {
            Ok(None) => Ok(Replaced::Done),
            Ok(Some(next)) => Ok(self.files.put_keys(space, &next, keys.map(|stored| &stored.version)).await?),
            Err(error) => {
                self.stop_unless_moved(space, last, error.into()).await?;
                Ok(Replaced::Lost)
            }
        }
    }

    /// The error, if the checkpoint still is the one that was read. Else another run was faster, and what was read is not of
    /// one time.
    pub(super) async fn stop_unless_moved(
        &self,
        space: &SpaceId,
        last: Option<&Last>,
        error: LogError,
    ) -> Result<(), LogError> {
        let now = self.files.checkpoint(space).await?.map(|stored| stored.version);
        if now.as_ref() == last.map(|last| &last.version) { Err(error) } else { Ok(()) }
    }

    /// Removes the partial files whose full one is there, in a log of so many entries; also those that earlier runs have
    /// left. What fails is left to the run that completes the next tile.
    pub(super) async fn remove_superseded(&self, space: &SpaceId, size: u64) {
        let removed = async {
            let partial = self.files.partial_files(space).await?;
            let removes: Vec<_> = partial.into_iter().filter(|tile| tile.is_superseded(size)).collect();
            let removes = removes.into_iter().map(|tile| self.files.remove_partial(space, tile));
            stream::iter(removes).buffer_unordered(AT_ONCE).try_collect::<()>().await
        };
        if let Err(error) = removed.await {
            tracing::warn!(%error, "partial files of the log were not removed");
        }
    }
}
