//! Runs the whole service on one machine: `infra/template.yaml` is deployed to an AWS emulator, `cargo lambda watch`
//! runs the API function, and the emulator runs the functions that a queue or a schedule invokes. [`front`] is the address
//! of the emulated AWS, of which [`dynamodb`] is the part that runs in this process.
//!
//! [`session`] has the steps. Every program is started as a [`child`] with a [`supervisor`], which ends it when this
//! process ends for any reason.

mod archive;
mod aws_client;
pub mod child;
pub mod console;
pub mod delivery;
mod dynamodb;
pub mod emulator;
pub mod env_file;
pub mod environment;
pub mod error;
pub mod event;
mod front;
pub mod function;
pub mod gateway;
pub mod http;
pub mod loader;
pub mod logs;
pub mod mapping;
pub mod package;
pub mod ready;
mod seed_check;
pub mod seeds;
pub mod session;
mod sign_in;
mod sources;
pub mod stack;
pub mod steps;
pub mod streams;
pub mod supervisor;
mod threads;
pub mod tools;
mod transactions;
pub mod workspace;
