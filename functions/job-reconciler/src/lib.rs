//! The scheduled function: ends what was begun.
