//! Simulated rollouts, to prove what the analysis promises: small in the tests, large in a benchmark.

mod chance;
pub mod kinds;
mod latency;
mod rollout;
mod study;

pub use chance::Chance;
pub use latency::Drift;
pub use rollout::{End, Traffic};
pub use study::{Pair, Study};
