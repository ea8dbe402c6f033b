//! The command against a table in process, and against a scripted API.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod admin;
mod bulk;
mod delete;
mod fake_api;
mod jobs;
mod load;
mod profile;
mod site;
