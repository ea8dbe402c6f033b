//! Runs the command against an in-process table, and against a fake API.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod admin;
mod bulk;
mod delete;
mod fake_api;
mod jobs;
mod load;
mod profile;
mod site;
