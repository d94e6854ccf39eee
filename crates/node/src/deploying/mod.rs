//! Bringing a revision to its calls: validate, prepare, store, record; the walk does the rest.
//!
//! Everything that can be found wrong is found before anything is recorded, so that a command that fails
//! here leaves the node as it was.

mod actors;
mod addresses;
mod asking_more;
mod candidate;
mod checks;
mod commands;
mod joint;
mod planning;
mod rollback;
mod rolling;

pub(crate) use commands::{deploy, push, update};
pub(crate) use joint::{update_status, updates};
pub(crate) use rollback::rollback;
