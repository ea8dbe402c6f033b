//! Which build of Efface this is.

/// The version of all crates.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that was built, or `unknown` (see `build.rs`).
pub const COMMIT: &str = env!("EFFACE_COMMIT");

/// Both, for people.
pub const TEXT: &str = concat!(env!("CARGO_PKG_VERSION"), " (commit ", env!("EFFACE_COMMIT"), ")");
