//! The committed entries that are not published.

use efface_aws::journal::Journal;
use efface_core::{
    journal::Head,
    log::{Entry, Frontier},
    space::SpaceId,
};

use super::LogError;
use crate::Deadline;

/// Entries that are not published, in steps. Together with the log they make the tree that the journal's head has
/// committed: all of them were read and hashed. So no step is signed of which it is not known that it leads to the head.
pub(super) struct Backlog {
    /// The entries of the first step.
    pub(super) first: Vec<Entry<'static>>,
    /// The tree at the end of each step. The last one is that of the head.
    pub(super) ends: Vec<Frontier>,
}

impl Backlog {
    /// Reads the entries between a log, by its tree, and a journal's head. A step ends with the pack with which it has so
    /// many entries, and the first one of a log with the first pack: so a log has a checkpoint before it has a full bundle,
    /// and a log that has a full bundle and no checkpoint has lost it.
    pub(super) async fn read(
        journal: &Journal,
        space: &SpaceId,
        log: Frontier,
        head: &Head,
        step: u64,
        deadline: Deadline,
    ) -> Result<Self, LogError> {
        let (mut first, mut ends, mut tree, mut begun) = (Vec::new(), Vec::new(), log.clone(), log.size());
        while tree.size() < head.n() {
            if deadline.is_over() {
                return Err(LogError::TooFarBehind);
            }
            for pack in journal.packs(space, tree.size(), head.n()).await? {
                let at = tree.size();
                for (_, entry) in pack.numbered().filter(|(number, _)| (at..head.n()).contains(number)) {
                    tree.push(entry.leaf_hash()).map_err(efface_core::log::ExtensionError::from)?;
                    if ends.is_empty() {
                        first.push(entry.leaf_json().clone());
                    }
                }
                let is_step = begun == 0 || tree.size() - begun >= step;
                if is_step || tree.size() == head.n() {
                    begun = tree.size();
                    ends.push(tree.clone());
                }
            }
        }
        tree.check_committed(head.frontier())?;
        Ok(Self { first, ends })
    }
}

/// The entries from one number up to, not including, another one.
pub(super) async fn entries(
    journal: &Journal,
    space: &SpaceId,
    from: u64,
    to: u64,
) -> Result<Vec<Entry<'static>>, LogError> {
    let mut entries = Vec::new();
    let mut at = from;
    while at < to {
        for pack in journal.packs(space, at, to).await? {
            let numbered = pack.numbered().filter(|(number, _)| (at..to).contains(number));
            entries.extend(numbered.map(|(_, entry)| entry.leaf_json().clone()));
            at = at.max(pack.end());
        }
    }
    Ok(entries)
}
