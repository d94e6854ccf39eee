//! How a candidate's calls are judged: against bounds that the operator set.

use std::fmt;
use std::ops::{AddAssign, Sub};

use airssys_wasm_model::{ByteSize, RolloutSettings, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::{Counts, Metric, Tally, ln_excess};

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
    /// Too few calls to say: a person should look.
    TooFew {
        /// In words.
        reason: String,
    },
}

/// What calls say of the share that may be bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Excess {
    /// Nothing against it.
    None,
    /// It is greater in these calls, which are too few to say it of the candidate.
    Unclear,
    /// It is greater.
    Clear,
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

    /// What calls above the bounds on their percentiles say: while the window is open only what is certain, as
    /// with failures. The bounds that are set share the chance of an error among them.
    pub fn judge_percentiles(&self, above: &Counts, closed: bool) -> Verdict {
        const ALLOWED_PERCENT: f64 = 1.0;
        let mut verdict = Verdict::Sound;
        for metric in Metric::ALL {
            let Some((tally, bound)) = above.of(metric).zip(self.p99.words(metric)) else {
                continue;
            };
            let Tally { calls, bad } = tally;
            let reason =
                format!("{bad} of its {calls} calls {bound}; at most one in a hundred may");
            let seen = Seen { calls, errors: bad };
            match Excess::of(seen, ALLOWED_PERCENT, self.p99.count(), closed) {
                Excess::Clear => return Verdict::Regressed { reason },
                Excess::Unclear if calls >= Self::P99_CALLS => {
                    verdict = Verdict::TooFew { reason: too_few_to_say(&reason) };
                }
                Excess::Unclear | Excess::None => {}
            }
        }
        verdict
    }

    /// The verdict while the window is open, which may be asked for at any time: only what is certain, so that
    /// a failure among a few calls waits for more evidence, while a candidate that fails everything is taken back
    /// after its first calls.
    pub fn judge_early(&self, seen: Seen) -> Verdict {
        match Excess::of(seen, self.max_error_rate, 1, false) {
            Excess::Clear => Verdict::Regressed { reason: self.failed(seen) },
            Excess::Unclear | Excess::None => Verdict::Sound,
        }
    }

    /// The verdict when the window has closed: over the window's calls for failures, over all calls of
    /// the rollout for their number.
    pub fn judge(&self, window: Seen, whole: Seen) -> Verdict {
        match Excess::of(window, self.max_error_rate, 1, true) {
            Excess::Clear => return Verdict::Regressed { reason: self.failed(window) },
            Excess::Unclear => {
                return Verdict::TooFew { reason: too_few_to_say(&self.failed(window)) };
            }
            Excess::None => {}
        }
        if whole.calls < self.min_calls {
            let reason = format!("it answered {whole}; {} are asked for", self.min_calls);
            return Verdict::TooFew { reason };
        }
        Verdict::Sound
    }

    fn failed(&self, seen: Seen) -> String {
        let (errors, calls, rate) = (seen.errors, seen.calls, seen.error_percent());
        let may = match self.max_error_rate {
            bound if bound > 0.0 => format!("at most {bound}% may"),
            _ => "none may".to_owned(),
        };
        format!("{errors} of its {calls} calls failed ({rate:.1}%); {may}")
    }
}

impl Excess {
    /// The e-value that is certain enough to act on, whenever and however often one looks: a candidate whose
    /// true share is within the bound ever has it with a chance of at most one in this.
    const CERTAIN: f64 = 200.0;

    /// The same at the end of a window, where one looks once.
    const CLEAR_ONCE: f64 = 20.0;

    /// At the end of a window that has so many calls that the bound allows this many bad ones, their share is
    /// the candidate's: one that has half of what is allowed is above it in one window of a hundred at most.
    const SPEAKS_FROM: f64 = 10.0;

    /// What calls say of a bound, where one looks at so many of the same kind at once.
    fn of(seen: Seen, allowed_percent: f64, bounds: u32, closed: bool) -> Self {
        if seen.error_percent() <= allowed_percent {
            return Self::None;
        }
        let allowed = allowed_percent / 100.0;
        let ln = ln_excess(Tally { calls: seen.calls, bad: seen.errors }, allowed);
        let certain = if closed { Self::CLEAR_ONCE } else { Self::CERTAIN };
        let speaks = closed && seen.calls as f64 * allowed >= Self::SPEAKS_FROM;
        if speaks || ln >= (certain * f64::from(bounds)).ln() { Self::Clear } else { Self::Unclear }
    }
}

fn too_few_to_say(what: &str) -> String {
    format!("{what}: too few calls to tell it from chance")
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

    /// How many bounds are set.
    fn count(&self) -> u32 {
        let Self { latency, cpu, memory } = self;
        u32::from(latency.is_some()) + u32::from(cpu.is_some()) + u32::from(memory.is_some())
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
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

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
    fn one_failure_of_a_few_calls_neither_takes_back_nor_promotes() {
        for calls in 1..=50 {
            let seen = Seen { calls, errors: 1 };
            assert_eq!(BOUNDS.judge_early(seen), Verdict::Sound);
            assert!(matches!(BOUNDS.judge(seen, seen), Verdict::TooFew { .. }));
        }
        let few = BOUNDS.judge(Seen { calls: 9, errors: 1 }, Seen { calls: 900, errors: 1 });
        let Verdict::TooFew { reason } = few else { panic!("{few:?}") };
        insta::assert_snapshot!(reason, @"1 of its 9 calls failed (11.1%); at most 1% may: too few calls to tell it from chance");
        assert!(regressed(&BOUNDS.judge(Seen { calls: 50, errors: 5 }, Seen::default())));
    }

    #[test]
    fn where_none_may_fail_one_failure_takes_back() {
        let none = Bounds { max_error_rate: 0.0, ..BOUNDS };
        let Verdict::Regressed { reason } = none.judge_early(Seen { calls: 1_000, errors: 1 })
        else {
            panic!("one failed and none may")
        };
        insta::assert_snapshot!(reason, @"1 of its 1000 calls failed (0.1%); none may");
        assert_eq!(none.judge_early(Seen { calls: 1_000, errors: 0 }), Verdict::Sound);
        let all = Bounds { max_error_rate: 100.0, ..BOUNDS };
        assert_eq!(all.judge_early(Seen { calls: 1_000, errors: 1_000 }), Verdict::Sound);
    }

    #[test]
    fn a_candidate_within_its_bound_is_taken_back_in_one_window_of_200_however_often_one_looks() {
        const SEED: u64 = 4;
        const WINDOWS: u32 = 500;
        const CALLS: u64 = 10_000;
        println!("seed {SEED}");
        let mut random = StdRng::seed_from_u64(SEED);
        // A look after every call. A share of one in 200 of so many windows deviates by 1.6.
        let slack = 3.0 * (f64::from(WINDOWS) / 200.0).sqrt();
        for (percent, of) in [(1.0, 1.0), (1.0, 2.0), (10.0, 1.0), (10.0, 2.0)] {
            let bounds = Bounds { max_error_rate: percent, ..BOUNDS };
            let mut ever = || {
                let mut seen = Seen::default();
                (0..CALLS).any(|_| {
                    let fails = random.random_bool(percent / 100.0 / of);
                    seen += Seen { calls: 1, errors: fails.into() };
                    // Only a failure is evidence.
                    fails && regressed(&bounds.judge_early(seen))
                })
            };
            let taken_back = (0..WINDOWS).filter(|_| ever()).count();
            println!("{percent}% may, one {of}th of it does: {taken_back} of {WINDOWS}");
            assert!(taken_back as f64 <= f64::from(WINDOWS) / 200.0 + slack);
        }
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
            (200, 4, false, false),
            (50, 2, false, false),
            (0, 0, false, false),
        ] {
            let judged = |end| regressed(&bounds.judge_percentiles(&above(calls, bad), end));
            assert_eq!((judged(false), judged(true)), (open, closed), "{bad} of {calls}");
        }
        let few = |calls, bad| bounds.judge_percentiles(&above(calls, bad), true);
        assert!(matches!(few(200, 4), Verdict::TooFew { .. }));
        assert_eq!(few(50, 2), Verdict::Sound, "of 50 calls nobody knows the 99th percentile");
        let Verdict::Regressed { reason } = bounds.judge_percentiles(&above(1_000, 100), false)
        else {
            panic!("a tenth of the calls are above it")
        };
        assert!(reason.starts_with("100 of its 1000 calls took longer than 50ms"), "{reason}");
    }

    #[test]
    fn counters_that_went_back_count_from_zero() {
        let earlier = Seen { calls: 50, errors: 5 };
        assert_eq!(Seen { calls: 7, errors: 6 } - earlier, Seen { calls: 7, errors: 1 });
        assert_eq!(Seen { calls: 60, errors: 5 } - earlier, Seen { calls: 10, errors: 0 });
    }
}
