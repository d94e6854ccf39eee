//! The test of one metric: whether a greater share of the candidate's calls is bad than of the active
//! revision's in the same seconds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hypergeometric::Margins;
use super::tally::{Metric, Tally};
use super::wealth::Wealth;

/// Calls of a block at least. With one of each side, a block would forget how unequal the sides are, and
/// with that most of what a bad call of the smaller side says.
const BLOCK_CALLS: u64 = 10;

/// What of a difference is irrelevant however certain it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// How many times the active revision's the candidate's odds of a bad call may be: what is tested is
    /// whether they are higher than that.
    pub odds: f64,
    /// By how much the candidate's share of bad calls must be above the active revision's, as it was seen,
    /// before it is taken back: 0.001 is one call in a thousand.
    pub share: f64,
}

/// How a metric is tested.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// Samples that make a block, at least.
    samples: u32,
    /// By how much a block may multiply a stake at most.
    most: f64,
}

/// The evidence of one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Comparison {
    pub(super) candidate: Tally,
    pub(super) active: Tally,
    wealth: Wealth,
    /// The block that is not complete.
    open: Block,
    /// The candidate's bad calls beyond its part of each block's.
    excess: f64,
    /// The calls it could have had them in, on the same scale.
    exposure: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
struct Block {
    candidate: Tally,
    active: Tally,
    samples: u32,
}

impl Rule {
    /// Failures: each sample is a block, and no fewer than three take a candidate back. The others: half a
    /// second, as what slows one side alone for a moment lasts longer than a call, and no fewer than seven.
    pub(super) const fn of(metric: Metric) -> Self {
        match metric {
            Metric::Failures => Self { samples: 1, most: 20.0 },
            Metric::Latency | Metric::Cpu | Metric::Memory => Self { samples: 5, most: 3.0 },
        }
    }
}

impl Comparison {
    pub(super) fn new() -> Self {
        Self {
            candidate: Tally::default(),
            active: Tally::default(),
            wealth: Wealth::START,
            open: Block::default(),
            excess: 0.0,
            exposure: 0.0,
        }
    }

    /// Calls go another way from now on. A block must not span it: when the calls get worse for both at
    /// the same time, the side with more calls then would seem the worse one.
    pub(super) fn begin_step(&mut self, rule: Rule, tolerance: Tolerance) {
        self.close(rule, tolerance);
        self.wealth.stake();
    }

    /// Adds what both sides answered in the same time.
    pub(super) fn add(
        &mut self,
        candidate: Tally,
        active: Tally,
        rule: Rule,
        tolerance: Tolerance,
    ) {
        let (candidate, active) = (candidate.sane(), active.sane());
        self.candidate += candidate;
        self.active += active;
        self.open.candidate += candidate;
        self.open.active += active;
        self.open.samples = self.open.samples.saturating_add(1);
        if self.open.is_complete(rule) {
            self.close(rule, tolerance);
        }
    }

    /// The logarithm of the e-value.
    pub(super) fn ln_evidence(&self) -> f64 {
        self.wealth.ln()
    }

    /// By how much the candidate's share of bad calls is greater, block by block: Mantel and Haenszel's
    /// difference of shares, which changes of the split over time do not distort.
    pub(super) fn difference(&self) -> f64 {
        if self.exposure > 0.0 { self.excess / self.exposure } else { 0.0 }
    }

    fn close(&mut self, rule: Rule, tolerance: Tolerance) {
        let Block { candidate, active, .. } = std::mem::take(&mut self.open);
        let [ours, theirs] = [candidate.calls as f64, active.calls as f64];
        if candidate.calls == 0 || active.calls == 0 {
            return;
        }
        let all = ours + theirs;
        self.excess += (candidate.bad as f64 * theirs - active.bad as f64 * ours) / all;
        self.exposure += ours * theirs / all;
        if let Some(block) = Margins::of(candidate, active) {
            self.wealth.bet(block, tolerance.odds, rule.most);
        }
    }
}

impl Block {
    /// Decided by numbers of calls alone: a block that ended when a call was bad would be biased.
    fn is_complete(self, rule: Rule) -> bool {
        let (candidate, active) = (self.candidate.calls, self.active.calls);
        let calls = candidate.saturating_add(active);
        self.samples >= rule.samples && candidate > 0 && active > 0 && calls >= BLOCK_CALLS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule::of(Metric::Failures);
    const NONE: Tolerance = Tolerance { odds: 1.0, share: 0.0 };

    fn tally(calls: u64, bad: u64) -> Tally {
        Tally { calls, bad }
    }

    fn compared(samples: impl IntoIterator<Item = (Tally, Tally)>) -> Comparison {
        let mut comparison = Comparison::new();
        comparison.begin_step(RULE, NONE);
        samples.into_iter().for_each(|(ours, theirs)| comparison.add(ours, theirs, RULE, NONE));
        comparison
    }

    #[test]
    fn a_burst_that_hits_both_alike_says_nothing() {
        let burst = |at: u64| {
            if at % 10 < 3 { (tally(10, 9), tally(90, 81)) } else { (tally(10, 0), tally(90, 0)) }
        };
        let comparison = compared((0..1_000).map(burst));
        assert!(comparison.ln_evidence() <= 0.0, "{}", comparison.ln_evidence());
        assert!(comparison.difference().abs() < 1e-12);
    }

    #[test]
    fn one_block_alone_takes_nobody_back() {
        let comparison = compared([(tally(1_000, 1_000), tally(9_000, 0))]);
        assert!(comparison.ln_evidence() <= RULE.most.ln());
    }

    #[test]
    fn few_calls_are_gathered_until_a_block_has_both_sides() {
        // One call a sample, each tenth the candidate's, which fails them all.
        let one = |at: u64| {
            if at % 10 == 9 { (tally(1, 1), tally(0, 0)) } else { (tally(0, 0), tally(1, 0)) }
        };
        let comparison = compared((0..60).map(one));
        assert!(comparison.ln_evidence() > 200_f64.ln(), "{}", comparison.ln_evidence());
        assert_eq!((comparison.candidate, comparison.active), (tally(6, 6), tally(54, 0)));
    }

    #[test]
    fn a_side_without_calls_is_no_evidence() {
        let comparison = compared((0..100).map(|_| (tally(10, 10), tally(0, 0))));
        assert!(comparison.ln_evidence().abs() < 1e-9);
        assert_eq!(comparison.difference(), 0.0);
    }

    #[test]
    fn a_shift_while_calls_get_worse_for_both_blames_nobody() {
        let mut comparison = compared([(tally(0, 0), tally(95, 0))]);
        for _ in 0..50 {
            comparison.begin_step(RULE, NONE);
            comparison.add(tally(50, 25), tally(50, 25), RULE, NONE);
            comparison.begin_step(RULE, NONE);
            comparison.add(tally(0, 0), tally(95, 0), RULE, NONE);
        }
        assert!(comparison.ln_evidence() < 0.1, "{}", comparison.ln_evidence());
    }
}
