//! The rules of Efface: what an identifier, a space, a token and a deletion are, and who may do what.
//!
//! Nothing here knows AWS, HTTP, a clock or randomness: times and ids come in as arguments, so every rule can be
//! tested by calling it. Start with [`request`] (what a client asks for) and [`deletion`] (what becomes of it).

pub mod activation;
pub mod api_error;
pub mod deletion;
pub mod identifier;
pub mod job;
pub mod json;
pub mod key;
pub mod list;
pub mod load;
pub mod path;
pub mod profile;
pub mod request;
pub mod role;
pub mod rows;
pub mod space;
mod text;
pub mod time;
pub mod token;
pub mod user_id_rule;
