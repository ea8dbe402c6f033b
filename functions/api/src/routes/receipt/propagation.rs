//! How far a deletion has come: what stores and proves it.

use efface_core::time::Time;
use efface_engine::log::Logged;
use serde::Serialize;
use utoipa::ToSchema;

/// Where a deletion has arrived.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::routes) struct Propagation {
    /// The table, of which reads are served.
    store: StoreState,
    /// The log, of which receipts are made.
    log: LogState,
}

/// Whether it is in the table.
#[derive(Debug, Serialize, ToSchema)]
struct StoreState {
    state: PropagationState,
    /// Since when.
    at: Option<Time>,
}

/// Whether it is in the log.
#[derive(Debug, Serialize, ToSchema)]
struct LogState {
    state: PropagationState,
    /// By when it was published at the latest.
    at: Option<Time>,
    /// The index of its entry, once it has one.
    index: Option<u64>,
}

/// How far it has come with one of them.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PropagationState {
    /// It is there.
    Done,
    /// It is on its way.
    Pending,
    /// This deployment has none.
    Off,
}

impl Propagation {
    /// Of a deletion that the table has since then. `logged` is `None` where the deployment keeps no journal.
    pub(in crate::routes) fn new(deleted_at: Option<Time>, logged: Option<Logged>) -> Self {
        let log = match logged {
            None => LogState { state: PropagationState::Off, at: None, index: None },
            Some(Logged { index, at: None }) => LogState { state: PropagationState::Pending, at: None, index },
            Some(Logged { index, at }) => LogState { state: PropagationState::Done, at, index },
        };
        Self { store: StoreState { state: PropagationState::Done, at: deleted_at }, log }
    }
}
