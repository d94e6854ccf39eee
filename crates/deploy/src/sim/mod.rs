//! The second implementor of `Fleet`: a seeded simulator that crashes wherever it is told to.
//!
//! Time is tokio's paused clock and every delay comes from the seed, so that a run is its seed. A
//! failure prints it: `AIRSSYS_WASM_SEED=… cargo test -p airssys-wasm-deploy any_history` runs that one.

mod batches;
mod operator;
mod process;
mod restarts;
mod scenario;
mod tests;
mod trials;
mod world;

pub(crate) use self::operator::revision;
