//! The files of a space's log, as <https://c2sp.org/tlog-tiles> names them, and the keys that sign it.

pub(super) mod checkpoint;
pub(super) mod key;
pub(super) mod tile;
