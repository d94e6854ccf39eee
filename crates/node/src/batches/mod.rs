//! Updates of several services: their records, and the tasks that bring each to its end.
//!
//! What is decided, and when, is in `airssys-wasm-deploy`; here it is kept, supervised and told.

mod batch;
mod followed;
mod reports;
mod shelf;

pub(crate) use batch::Batch;
pub(crate) use followed::{ended, rested};
pub(crate) use reports::{joined, report, steered, waits_for_others};
pub(crate) use shelf::Batches;
