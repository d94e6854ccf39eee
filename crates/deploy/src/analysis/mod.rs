//! The mathematics by which a rollout decides: whether a candidate is worse than the active revision, and
//! which variant of an experiment is best.
//!
//! Pure: counts go in, a judgement and its evidence come out. A judgement may be asked for at any time
//! and as often as one likes; that an equal candidate is *ever* found worse during a rollout has a chance of
//! at most [`FALSE_ABORTS`]. What that rests on, with its sources, is in `docs/analysis.md`.

mod comparison;
mod excess;
mod experiment;
mod hypergeometric;
mod interval;
mod judge;
mod settings;
#[doc(hidden)]
pub mod simulation;
mod special;
mod tally;
#[cfg(test)]
mod tests;
mod wealth;
mod words;

pub use comparison::Tolerance;
pub(crate) use excess::ln_excess;
pub use experiment::{Standing, standing};
pub use interval::{Effect, Interval, Sample};
pub use judge::{Analysis, Conclusion, Evidence, FALSE_ABORTS, Judgement};
pub use settings::AnalysisSettings;
pub use tally::{Counts, Metric, Tally};
