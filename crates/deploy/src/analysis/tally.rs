//! What is compared: how many calls a side had, and how many of them were bad in the sense of a metric.

use std::fmt;
use std::ops::AddAssign;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// In which sense a call can be bad.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// It failed.
    Failures,
    /// It took longer than the active revision's 99th percentile was before.
    Latency,
    /// It used more processor time than the active revision's 99th percentile was before.
    Cpu,
    /// It used more memory than the active revision's 99th percentile was before.
    Memory,
}

/// Calls of a sample that are counted: far more than a machine answers in a tenth of a second. The work for a
/// block grows with the root of its calls, and with these takes milliseconds.
const MOST_CALLS: u64 = 1 << 32;

/// Calls of one side, in the sense of one metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// All that were measured.
    pub calls: u64,
    /// The bad ones among them.
    pub bad: u64,
}

/// Calls of one side, by metric. What is not measured is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Counts {
    /// Calls, and those that failed.
    pub failures: Option<Tally>,
    /// Calls, and those slower than the threshold.
    pub latency: Option<Tally>,
    /// Calls, and those with more processor time than the threshold.
    pub cpu: Option<Tally>,
    /// Calls, and those with more memory than the threshold.
    pub memory: Option<Tally>,
}

impl Metric {
    /// All, the weightiest first.
    pub const ALL: [Self; 4] = [Self::Failures, Self::Latency, Self::Cpu, Self::Memory];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failures => "failures",
            Self::Latency => "latency",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
        }
    }
}

impl Tally {
    /// The share that was bad; 0 without calls.
    pub fn share(self) -> f64 {
        if self.calls == 0 { 0.0 } else { self.bad as f64 / self.calls as f64 }
    }

    /// The calls since `earlier`. A counter that went back, as after a restart, counts from zero.
    pub fn since(self, earlier: Self) -> Self {
        let restarted = self.calls < earlier.calls || self.bad < earlier.bad;
        let earlier = if restarted { Self::default() } else { earlier };
        Self { calls: self.calls - earlier.calls, bad: self.bad - earlier.bad }.sane()
    }

    /// The counts of two counters that were read one after the other: no more bad calls than calls, and no
    /// more than [`MOST_CALLS`].
    pub(super) fn sane(self) -> Self {
        let calls = self.calls.min(MOST_CALLS);
        Self { calls, bad: self.bad.min(calls) }
    }
}

impl Counts {
    /// The tally of one metric.
    pub fn of(&self, metric: Metric) -> Option<Tally> {
        match metric {
            Metric::Failures => self.failures,
            Metric::Latency => self.latency,
            Metric::Cpu => self.cpu,
            Metric::Memory => self.memory,
        }
    }

    /// The calls since `earlier`, metric by metric; what was not measured then counts from now.
    pub fn since(&self, earlier: &Self) -> Self {
        let since = |now: Option<Tally>, then: Option<Tally>| Some(now?.since(then?));
        Self {
            failures: since(self.failures, earlier.failures),
            latency: since(self.latency, earlier.latency),
            cpu: since(self.cpu, earlier.cpu),
            memory: since(self.memory, earlier.memory),
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.calls = self.calls.saturating_add(more.calls);
        self.bad = self.bad.saturating_add(more.bad);
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_went_back_counts_from_zero() {
        let earlier = Tally { calls: 50, bad: 5 };
        assert_eq!(Tally { calls: 60, bad: 6 }.since(earlier), Tally { calls: 10, bad: 1 });
        assert_eq!(Tally { calls: 7, bad: 3 }.since(earlier), Tally { calls: 7, bad: 3 });
        // More calls than before the restart, and fewer bad ones.
        assert_eq!(Tally { calls: 70, bad: 3 }.since(earlier), Tally { calls: 70, bad: 3 });
        assert_eq!(Tally { calls: u64::MAX, bad: u64::MAX }.sane().bad, MOST_CALLS);
        assert_eq!(Tally { calls: 51, bad: 9 }.since(earlier), Tally { calls: 1, bad: 1 });
    }

    #[test]
    fn a_metric_that_begins_to_be_measured_counts_from_then() {
        let measured = Counts { latency: Some(Tally { calls: 9, bad: 1 }), ..Counts::default() };
        assert_eq!(measured.since(&Counts::default()).latency, None);
        assert_eq!(measured.since(&measured).latency, Some(Tally::default()));
    }
}
