//! Recognises the store's writes, so that a test can break or count one kind of request.
//!
//! Each matcher relies on the text of an update expression in `functions/aws/src/store`. A change there needs a change
//! here, and nowhere else in the tests.

use crate::fault_proxy::Passed;

/// The attribute that only tombstones and the heads of deleted profiles have.
pub const DELETED_AT: &str = "deleted_at";

/// The attribute of a job's counters that is set together with whether the job accepts chunks.
const ACCEPTING_VERSION: &str = "accepting_version";

/// Whether a request writes a tombstone. Relies on such updates setting [`DELETED_AT`], and on deletions being the only
/// transactions of the test: a `user_id` is deleted in one.
pub fn is_tombstone_write(passed: &Passed) -> bool {
    passed.operation == "TransactWriteItems" || update_expression(passed).is_some_and(|text| text.contains(DELETED_AT))
}

/// Whether a request sets whether a job accepts chunks. Relies on such updates, and no others, naming the
/// attribute [`ACCEPTING_VERSION`] in their update expression.
pub fn is_accepting_write(passed: &Passed) -> bool {
    update_expression(passed).is_some_and(|text| text.contains(ACCEPTING_VERSION))
}

/// Whether a request attaches a source to a space. Relies on the beginning of the update expression.
pub fn is_source_attach(passed: &Passed) -> bool {
    update_expression(passed).is_some_and(|text| text.starts_with("SET #source = :source"))
}

fn update_expression(passed: &Passed) -> Option<&str> {
    passed.request["UpdateExpression"].as_str()
}
