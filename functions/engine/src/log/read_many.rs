//! Reading a log: its head, and several receipts at once.

use std::collections::BTreeSet;

use efface_core::{
    log::{
        ExtensionError, Nonce, Row, Tile, Tiles, WIDTH, bundle,
        proof::{Inclusion, ProofError},
        receipt::Receipt,
        verify::{Expected, verify},
    },
    space::SpaceId,
};

use super::{LogError, LogHead, LogReader, read::Signed};

impl LogReader {
    /// The head of a space's log; `None` where nothing is published.
    pub async fn head(&self, space: &SpaceId) -> Result<Option<LogHead>, LogError> {
        let head = self.signed(space).await?.map(|Signed { checkpoint, at, .. }| LogHead {
            size: checkpoint.size(),
            root: checkpoint.root(),
            signed_at: at,
        });
        Ok(head)
    }

    /// The receipts for some entries, by their numbers in ascending order, with the nonces that tie them to identifiers: up
    /// to the first one that the published log does not have yet. The files that they share are read once. Each receipt is
    /// verified before it is handed out.
    pub async fn receipts(&self, space: &SpaceId, wanted: &[(u64, Option<Nonce>)]) -> Result<Vec<Receipt>, LogError> {
        let Some(signed) = self.signed(space).await? else { return Ok(Vec::new()) };
        let size = signed.checkpoint.size();
        let published = wanted.iter().take_while(|(number, _)| *number < size);
        let published: Vec<_> = published.copied().collect();
        let mut tiles = BTreeSet::new();
        for (number, _) in &published {
            tiles.extend(Inclusion::new(*number, size)?.tiles().into_iter().chain(bundle_of(*number, size)));
        }
        let read = self.read_all(space, tiles).await?;
        let receipts = published.into_iter().map(|(number, nonce)| signed.receipt(number, nonce, &read));
        receipts.collect::<Result<_, _>>().inspect_err(|_| self.forget(space))
    }
}

impl Signed {
    /// The receipt for an entry that the log has, of the files that were read.
    fn receipt(&self, number: u64, nonce: Option<Nonce>, read: &Tiles) -> Result<Receipt, LogError> {
        let size = self.checkpoint.size();
        let bundle = bundle_of(number, size).ok_or(ProofError::Index { index: number, size })?;
        let leaf = bundle::entry(bundle, number, read).map_err(ExtensionError::from)?;
        let proof = Inclusion::new(number, size)?.build(read).map_err(ExtensionError::from)?;
        let receipt = Receipt { index: number, leaf, nonce, proof, checkpoint: self.note.clone() };
        let (_, key) = self.keys.open(&receipt.checkpoint)?;
        verify(&receipt, key, Expected::AnyEvent, None).map_err(LogError::Receipt)?;
        Ok(receipt)
    }
}

/// The bundle with an entry, as a log of this size has it.
fn bundle_of(number: u64, size: u64) -> Option<Tile> {
    Tile::of(Row::Entries, number / WIDTH, size)
}
