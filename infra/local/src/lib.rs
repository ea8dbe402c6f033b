//! The whole service on one's own machine: `infra/template.yaml` deployed to an AWS emulator, the API under
//! `cargo lambda watch`, the functions that a queue or a schedule starts under the emulator's own Lambda.
//!
//! [`session`] tells the story. Whatever is started is a [`child`] on a [`leash`]: it ends with us, however we end.

mod archive;
pub mod child;
mod claims;
pub mod console;
pub mod delivery;
pub mod emulator;
pub mod env_file;
pub mod environment;
pub mod error;
pub mod function;
pub mod gateway;
pub mod http;
pub mod loading;
pub mod ready;
pub mod seeding;
pub mod session;
mod sources;
pub mod stack;
pub mod supervisor;
pub mod tools;
pub mod workspace;
