//! The HTTP function's process.
fn main() {}
