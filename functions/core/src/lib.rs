//! The rules of Efface: what an identifier, a profile, a space, a token and a job are, what a deletion changes, and
//! which role may do what.
//!
//! The rules are pure: no AWS, HTTP server, async runtime, clock or randomness. Times, ids and random bytes come in as
//! arguments, so that a test can call every rule directly. Two modules still read parts of an HTTP request: [`token`]
//! parses the value of an `Authorization` header, and [`path`] decodes URL paths. The messages for clients are in
//! [`api_error`].
//!
//! Start with [`request`] (what a client asks for) and [`deletion`] (what it changes).

pub mod activation;
pub mod api_error;
pub mod deletion;
pub mod id;
pub mod identifier;
pub mod job;
pub mod journal;
pub mod json;
pub mod key;
pub mod limit;
pub mod list;
pub mod load;
pub mod log;
pub mod message;
pub mod path;
pub mod profile;
pub mod profile_deletion;
pub mod profile_plan;
pub mod reapply;
pub mod request;
pub mod role;
pub mod rows;
pub mod segment;
pub mod space;
pub mod stop;
mod text;
pub mod time;
pub mod token;
pub mod token_label;
pub mod token_record;
pub mod user_id_rule;
