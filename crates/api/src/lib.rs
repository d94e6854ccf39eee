//! The control contract: what can be asked of a node, what it answers, how it says no, and the client
//! that speaks it.
//!
//! Every door (the control port, the command line, an embedding program) decodes into the one
//! [`Command`]; one table, [`ROUTES`], says how each command travels over HTTP, and the server, the
//! client and the OpenAPI document are all read from it. This crate runs nothing and keeps nothing.

#![forbid(unsafe_code)]

mod by;
mod client;
pub mod command;
mod failure;
mod openapi;
mod payload;
mod progress;
pub mod reply;
mod route;
mod time;

pub use by::{Asker, By};
pub use client::{AuditEvents, Client, Events, Place, Trust};
pub use command::Command;
pub use failure::{Code, Failure, Problem};
pub use openapi::openapi;
pub use payload::Payload;
pub use progress::{Event, Progress, Watcher};
pub use reply::Reply;
pub use route::{Carries, ROUTES, Route, Wire};
pub use time::Timestamp;

/// The largest artifact that is taken: the same bound on both ends, so that the client can refuse
/// before it sends. The largest toolchain output met in practice (Python with its interpreter) is 40 MiB;
/// the bound leaves room for six of it and still fits in a small machine's memory, where one is compiled.
pub const MAX_ARTIFACT_BYTES: usize = 256 << 20;

/// The largest JSON body of a command. Configurations and grants are text written by people.
pub const MAX_COMMAND_BYTES: usize = 1 << 20;

/// The largest input of an `invoke`. Larger ones go through the HTTP ingress, which streams.
pub const MAX_INPUT_BYTES: usize = 16 << 20;
