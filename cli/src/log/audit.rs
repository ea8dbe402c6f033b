//! Reads a whole log and verifies it. However large the log is, only some files of it are held at a time.

use std::pin::pin;

use efface_core::log::{Audit, AuditError, Checkpoint, Tile};
use futures::{StreamExt, stream};

use super::{
    PARALLEL_FILES,
    source::{Source, bundles},
};
use crate::{CliError, output::printable, progress_bar::Bar};

/// Verifies every entry, tile and root of a log, and that it begins as the earlier checkpoints say. Signatures were
/// verified before.
pub(super) async fn verify(
    source: &Source,
    head: &Checkpoint,
    earlier: &[Checkpoint],
    bar: &Bar,
) -> Result<(), CliError> {
    let fault = |error: AuditError| {
        match error {
        AuditError::Root { size, .. } if size < head.size() => source.fault(format!(
            "it does not begin with the older checkpoint of {size} entries ({error}). Keep both checkpoints: they prove \
             that the log was rewritten"
        )),
        error => source.fault(error),
    }
    };
    let mut audit = Audit::new(head, earlier).map_err(|error| {
        CliError::DoesNotHold(format!(
            "the older checkpoints are not of one log: {}. Keep them: two signed roots of one size prove that different \
             logs are shown",
            printable(&error.to_string())
        ))
    })?;
    let (size, numbers) = (head.size(), stream::iter(0..bundles(head.size())));
    let mut read = pin!(numbers.map(|number| source.bundle_and_tile(number, size)).buffered(PARALLEL_FILES));
    while let Some(files) = read.next().await {
        audit.add(&files?).map_err(fault)?;
        let uncompared: Vec<Tile> = audit.uncompared().collect();
        audit.compare(&source.tiles(uncompared).await?).map_err(fault)?;
        let next = audit.needs().map_or(size, |(bundle, _)| bundle.entries().start);
        bar.set(next, size, "");
    }
    audit.finish().map_err(fault)
}
