//! Jobs: dispatched, run chunk by chunk, planned, looked after.

mod chunk;
mod dispatch;
mod identifier;
mod plan;
mod reconcile;

pub use chunk::ChunkRun;
pub(crate) use chunk::Look;
pub use plan::PlanRows;
pub use reconcile::{Reconciled, ScanCursor};
