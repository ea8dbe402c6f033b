//! The dialect of an older API, for clients that exist: a dataset is a space, and a user is a profile. Its successes are
//! as those clients know them; errors have the form of all other endpoints.

pub(super) mod delete_users;
pub(super) mod user;
