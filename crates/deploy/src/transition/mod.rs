//! How a service's record changes: pure transitions, each whole in itself.
//!
//! A transition that finishes a step also begins the next one, so that one save both records a result and
//! the next intent: a step costs one durable write.

mod advance;
mod happen;
mod restart;
mod steer;

pub(crate) use happen::{Due, StepAt};
pub use steer::{Asked, BeginError, SteerError};
