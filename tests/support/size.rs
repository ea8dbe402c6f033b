//! How often tests repeat what depends on chance, or where they interrupt what may be interrupted anywhere.

/// The usual number, or with `EFFACE_TEST_SIZE=full` the full one. Panics if the variable has another value.
pub fn size(usual: usize, full: usize) -> usize {
    match std::env::var("EFFACE_TEST_SIZE").as_deref() {
        Err(_) | Ok("") => usual,
        Ok("full") => full,
        Ok(other) => panic!("EFFACE_TEST_SIZE can be `full`, not `{other}`"),
    }
}
