//! How an update is rolled out, as a manifest, a file or a flag asks for it.

mod check;
mod error;
mod experiment;
mod gate;
mod metric;
mod settings;
mod shadow;
mod step;
mod strategy;
#[cfg(test)]
mod tests;

pub use error::{LONGEST_WINDOW, RolloutError};
pub use experiment::{ExperimentSettings, OnDecision, Success};
pub use gate::{Gate, GateAt, GateBy, GateSettings, OnTimeout};
pub use metric::{Endpoint, MetricSettings};
pub use settings::{OnInconclusive, RolloutSettings};
pub use shadow::{CompareBy, ShadowSettings, ShadowThen};
pub use step::{PauseFor, StepAct, StepSettings};
pub use strategy::StrategyName;
