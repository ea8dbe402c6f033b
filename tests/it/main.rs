//! Integration tests, one binary: HTTP events in, DynamoDB out.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on must say so")]

mod delete_identifier;
