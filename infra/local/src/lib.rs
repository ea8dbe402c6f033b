//! The whole service on one's own machine: `infra/template.yaml` deployed to an AWS emulator, the functions under
//! `cargo lambda watch`.
//!
//! [`session`] tells the story. Whatever is started is a [`child`] on a [`leash`]: it ends with us, however we end.

pub mod child;
mod claims;
pub mod console;
pub mod emulator;
pub mod env_file;
pub mod environment;
pub mod error;
pub mod function;
pub mod http;
pub mod leash;
pub mod loading;
pub mod ready;
pub mod seeding;
pub mod session;
pub mod stack;
pub mod tools;
pub mod workspace;
