//! What an operator may set of the analysis.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::comparison::Tolerance;
use super::tally::Metric;

/// How a candidate is compared. The defaults suit a service of which nothing is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AnalysisSettings {
    /// What more failures are irrelevant. By default any greater odds count, once the share is greater by
    /// one call in a thousand.
    pub failures: Tolerance,
    /// What more slow or costly calls are irrelevant. By default up to three times the odds, three calls in a
    /// hundred above what one in a hundred of the active revision's was: services drift by themselves.
    pub costs: Tolerance,
    /// After each shift, the samples with calls of the candidate in which only failures count: its caches are
    /// cold. At ten samples a second, the default is two seconds or twenty rare calls.
    pub grace_samples: u32,
    /// Calls of the candidate without which the end of a window is inconclusive; 0 asks for none.
    pub min_calls: u64,
    /// Metrics without which the end of a window is inconclusive.
    pub required: Vec<Metric>,
}

impl AnalysisSettings {
    /// The same for steps of this many samples: the grace is at most a fifth of a step, so that most of it
    /// is compared.
    pub fn for_steps_of(mut self, samples: u32) -> Self {
        self.grace_samples = self.grace_samples.min(samples / 5);
        self
    }

    /// These with every tolerance within what means something: odds from 1, shares from 0, both finite.
    pub fn sane(mut self) -> Self {
        for tolerance in [&mut self.failures, &mut self.costs] {
            tolerance.odds = if tolerance.odds.is_finite() { tolerance.odds.max(1.0) } else { 1.0 };
            tolerance.share =
                if tolerance.share.is_nan() { 0.0 } else { tolerance.share.clamp(0.0, 1.0) };
        }
        self
    }

    pub(super) fn tolerance(&self, metric: Metric) -> Tolerance {
        match metric {
            Metric::Failures => self.failures,
            Metric::Latency | Metric::Cpu | Metric::Memory => self.costs,
        }
    }
}

impl Default for AnalysisSettings {
    fn default() -> Self {
        Self {
            failures: Tolerance { odds: 1.0, share: 0.001 },
            costs: Tolerance { odds: 3.0, share: 0.01 },
            grace_samples: 20,
            min_calls: 0,
            required: Vec::new(),
        }
    }
}
