//! What happened in a space, as its journal has it.

pub(super) mod search;
