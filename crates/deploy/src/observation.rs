//! How a candidate's calls are judged: against bounds that the operator set.

use std::fmt;
use std::ops::{AddAssign, Sub};

use airssys_wasm_model::{ByteSize, RolloutSettings, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::{Counts, Metric};

/// What a candidate's calls are held to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bounds {
    /// The share of its calls that may fail, in per cent.
    pub max_error_rate: f64,
    /// Calls it must have answered during the whole rollout; 0 asks for none.
    pub min_calls: u64,
    /// What their 99th percentiles may be: one call in a hundred may be above.
    #[serde(default, skip_serializing_if = "Thresholds::is_empty")]
    pub p99: Thresholds,
}

/// How long a call takes and what it uses, to count the calls above it. What is `None` is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Thresholds {
    /// Its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Span>,
    /// Its CPU time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Span>,
    /// The memory it used at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<ByteSize>,
}

/// Calls that a revision answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// All of them.
    pub calls: u64,
    /// Those that failed.
    pub errors: u64,
}

/// What the calls say of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing against it.
    Sound,
    /// More calls failed than may.
    Regressed {
        /// In words.
        reason: String,
    },
    /// Too few calls to say.
    TooFew {
        /// In words.
        reason: String,
    },
}

impl Bounds {
    /// Calls without which there is no 99th percentile to speak of.
    const P99_CALLS: u64 = 100;

    /// What is asked for, but for the number of calls.
    pub fn of(settings: &RolloutSettings) -> Self {
        let p99 = Thresholds {
            latency: settings.max_latency_p99,
            cpu: settings.max_cpu_p99,
            memory: settings.max_memory_p99,
        };
        Self { max_error_rate: settings.max_error_rate, min_calls: 0, p99 }
    }

    /// Why calls above the bounds on their percentiles are too many, if they are: while the window is open
    /// only what the rest of it is unlikely to change, as with failures.
    pub fn judge_percentiles(&self, above: &Counts, closed: bool) -> Option<String> {
        const ALLOWED_PERCENT: f64 = 1.0;
        Metric::ALL.into_iter().find_map(|metric| {
            let (tally, bound) = (above.of(metric)?, self.p99.words(metric)?);
            let seen = Seen { calls: tally.calls, errors: tally.bad };
            let whole = closed && tally.calls >= Self::P99_CALLS;
            let share = if whole { seen.error_percent() } else { lowest_likely_percent(seen) };
            (share > ALLOWED_PERCENT).then(|| {
                let (bad, calls) = (tally.bad, tally.calls);
                format!("{bad} of its {calls} calls {bound}; at most one in a hundred may")
            })
        })
    }

    /// The verdict while the window is open: only what the rest of the window is unlikely to change.
    ///
    /// The share that failed is a sample of the candidate's true share. The lower end of Wilson's
    /// interval at three standard deviations must lie above the bound, so that one early failure
    /// among few calls waits for more evidence, while a candidate that fails everything is taken back after
    /// its first calls.
    pub fn judge_early(&self, seen: Seen) -> Verdict {
        if lowest_likely_percent(seen) > self.max_error_rate {
            return self.regressed(seen);
        }
        Verdict::Sound
    }

    /// The verdict when the window has closed: over the window's calls for failures, over all calls of
    /// the rollout for their number.
    pub fn judge(&self, window: Seen, whole: Seen) -> Verdict {
        if window.error_percent() > self.max_error_rate {
            return self.regressed(window);
        }
        if whole.calls < self.min_calls {
            let reason = format!("it answered {whole}; {} are asked for", self.min_calls);
            return Verdict::TooFew { reason };
        }
        Verdict::Sound
    }

    fn regressed(&self, seen: Seen) -> Verdict {
        let (errors, calls) = (seen.errors, seen.calls);
        let (rate, bound) = (seen.error_percent(), self.max_error_rate);
        let reason =
            format!("{errors} of its {calls} calls failed ({rate:.1}%); at most {bound}% may");
        Verdict::Regressed { reason }
    }
}

impl Seen {
    /// The share that failed, in per cent; 0 without calls.
    pub fn error_percent(self) -> f64 {
        if self.calls == 0 { 0.0 } else { self.errors as f64 / self.calls as f64 * 100.0 }
    }
}

impl Thresholds {
    /// Whether nothing is counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These, and those of `others` where these have none.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            latency: self.latency.or(others.latency),
            cpu: self.cpu.or(others.cpu),
            memory: self.memory.or(others.memory),
        }
    }

    fn words(&self, metric: Metric) -> Option<String> {
        match metric {
            Metric::Failures => None,
            Metric::Latency => self.latency.map(|most| format!("took longer than {most}")),
            Metric::Cpu => self.cpu.map(|most| format!("used more than {most} of CPU time")),
            Metric::Memory => self.memory.map(|most| format!("used more than {most} of memory")),
        }
    }
}

/// The lower end of Wilson's score interval, in per cent.
fn lowest_likely_percent(seen: Seen) -> f64 {
    const DEVIATIONS_SQUARED: f64 = 9.0;
    if seen.calls == 0 {
        return 0.0;
    }
    let calls = seen.calls as f64;
    let share = seen.errors as f64 / calls;
    let centre = share + DEVIATIONS_SQUARED / (2.0 * calls);
    let variance = share * (1.0 - share) / calls + DEVIATIONS_SQUARED / (4.0 * calls * calls);
    let low =
        (centre - (DEVIATIONS_SQUARED * variance).sqrt()) / (1.0 + DEVIATIONS_SQUARED / calls);
    low.max(0.0) * 100.0
}

impl Sub for Seen {
    type Output = Self;

    /// The calls since `earlier`. Counters that went back, as after a restart, count from zero.
    fn sub(self, earlier: Self) -> Self {
        let calls = self.calls.checked_sub(earlier.calls).unwrap_or(self.calls);
        let errors = self.errors.checked_sub(earlier.errors).unwrap_or(self.errors);
        Self { calls, errors: errors.min(calls) }
    }
}

impl AddAssign for Seen {
    fn add_assign(&mut self, more: Self) {
        self.calls = self.calls.saturating_add(more.calls);
        self.errors = self.errors.saturating_add(more.errors);
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {}% of its calls may fail", self.max_error_rate)?;
        let Thresholds { latency, cpu, memory } = self.p99;
        latency.map_or(Ok(()), |most| write!(f, ", 99% take at most {most}"))?;
        cpu.map_or(Ok(()), |most| write!(f, ", 99% use at most {most} of CPU time"))?;
        memory.map_or(Ok(()), |most| write!(f, ", 99% use at most {most} of memory"))?;
        match self.min_calls {
            0 => Ok(()),
            calls => write!(f, ", and it must have answered {calls}"),
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.calls {
            1 => f.write_str("1 call"),
            calls => write!(f, "{calls} calls"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Tally;

    const NONE: Thresholds = Thresholds { latency: None, cpu: None, memory: None };
    const BOUNDS: Bounds = Bounds { max_error_rate: 1.0, min_calls: 100, p99: NONE };

    fn regressed(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Regressed { .. })
    }

    #[test]
    fn a_candidate_that_fails_everything_is_found_at_once() {
        assert!(regressed(&BOUNDS.judge_early(Seen { calls: 2, errors: 2 })));
        assert!(regressed(&BOUNDS.judge_early(Seen { calls: 1_000, errors: 50 })));
    }

    #[test]
    fn noise_around_the_bound_waits_for_the_end_of_the_window() {
        for (calls, errors) in [(0, 0), (30, 1), (100, 2), (1_000, 12)] {
            assert_eq!(BOUNDS.judge_early(Seen { calls, errors }), Verdict::Sound);
        }
        let whole = Seen { calls: 1_000, errors: 12 };
        assert!(regressed(&BOUNDS.judge(whole, whole)));
    }

    #[test]
    fn too_few_calls_are_no_evidence() {
        let few = Seen { calls: 99, errors: 0 };
        assert!(matches!(BOUNDS.judge(few, few), Verdict::TooFew { .. }));
        let whole = Seen { calls: 100, errors: 0 };
        assert_eq!(BOUNDS.judge(few, whole), Verdict::Sound);
        assert_eq!(Bounds { min_calls: 0, ..BOUNDS }.judge(Seen::default(), few), Verdict::Sound);
    }

    #[test]
    fn a_percentile_is_broken_by_more_than_one_call_in_a_hundred() {
        let latency = Some(Span(std::time::Duration::from_millis(50)));
        let bounds = Bounds { p99: Thresholds { latency, ..NONE }, ..BOUNDS };
        let above = |calls, bad| Counts {
            latency: Some(Tally { calls, bad }),
            cpu: Some(Tally { calls, bad: calls }),
            ..Counts::default()
        };
        for (calls, bad, open, closed) in [
            (1_000, 10, false, false),
            (1_000, 15, false, true),
            (1_000, 100, true, true),
            (50, 2, false, false),
            (0, 0, false, false),
        ] {
            let judged = |end| bounds.judge_percentiles(&above(calls, bad), end).is_some();
            assert_eq!((judged(false), judged(true)), (open, closed), "{bad} of {calls}");
        }
        let reason = bounds.judge_percentiles(&above(1_000, 100), false).unwrap();
        assert!(reason.starts_with("100 of its 1000 calls took longer than 50ms"), "{reason}");
    }

    #[test]
    fn counters_that_went_back_count_from_zero() {
        let earlier = Seen { calls: 50, errors: 5 };
        assert_eq!(Seen { calls: 7, errors: 6 } - earlier, Seen { calls: 7, errors: 1 });
        assert_eq!(Seen { calls: 60, errors: 5 } - earlier, Seen { calls: 10, errors: 0 });
    }
}
