//! Strategies: pure functions from what is asked and what runs to the steps that get there.

mod forward;
mod joined;
mod list;
#[cfg(test)]
mod tests;
mod trial;

pub use list::{DRAIN_GRACE, MAX_WINDOW, Plan, PlanError, READY_WITHIN, Retiring, Situation};
