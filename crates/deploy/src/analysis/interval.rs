//! How large a difference is: intervals that hold at all times at once, for the means of two sides.
//!
//! For each side, the beta-binomial mixture is a bet against every mean that it might have; an interval
//! for a difference or a ratio of the means holds what some pair of means explains that the product of both
//! bets has not refuted (`docs/analysis.md`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::special::ln_gamma;
use super::tally::Tally;

/// Halvings of a search for an end, to a trillionth.
const HALVINGS: usize = 40;

/// Steps of a search for the least value, each of which keeps two thirds: to ten digits.
const THIRDINGS: usize = 60;

/// Ratios further out than this, either way, are as good as none.
const FARTHEST_RATIO: f64 = 1e6;

/// Outcomes between 0 and 1 of one side, as many as there were.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// How many.
    pub count: u64,
    /// Their sum: for yes and no, the number of yes.
    pub sum: f64,
}

/// From where to where.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// The least that is not refuted.
    pub low: f64,
    /// The most that is not refuted.
    pub high: f64,
}

/// How much greater the mean of one side is than that of another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    /// The difference of the means as seen.
    pub difference: f64,
    /// Where the difference of the true means lies.
    pub interval: Interval,
    /// The ratio of the means as seen; `None` while the other side's is 0.
    pub ratio: Option<f64>,
    /// Where the ratio of the true means lies; a high end of [`f64::MAX`] says that it may be any.
    pub ratio_interval: Interval,
}

impl Sample {
    /// The mean; 0 without outcomes.
    pub fn mean(self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum / self.count as f64 }
    }

    /// Adds an outcome, brought between 0 and 1; what is no number counts as 0.
    pub fn add(&mut self, outcome: f64) {
        self.count += 1;
        self.sum += if outcome.is_nan() { 0.0 } else { outcome.clamp(0.0, 1.0) };
    }

    /// Where its mean is, with a chance of at most `alpha` ever to be wrong.
    pub fn interval(self, alpha: f64) -> Interval {
        let (bound, mean) = (-alpha.ln(), self.mean());
        let bet = self.bet();
        let holds = |at: f64| bet(at) <= bound;
        Interval { low: edge(mean, 0.0, holds), high: edge(mean, 1.0, holds) }
    }

    /// How much greater its mean is than that of `other`, with a chance of at most `alpha` ever to be wrong.
    pub fn against(self, other: Self, alpha: f64) -> Effect {
        let bound = -alpha.ln();
        let (ours, theirs) = (self.bet(), other.bet());
        let differ = |by: f64| {
            let both = |at: f64| ours(at + by) + theirs(at);
            least(both, (-by).max(0.0), (1.0 - by).min(1.0)) <= bound
        };
        let stand = |ln_times: f64| {
            let times = ln_times.exp();
            let both = |at: f64| ours((at * times).min(1.0)) + theirs(at);
            least(both, 0.0, (1.0 / times).min(1.0)) <= bound
        };
        let difference = self.mean() - other.mean();
        let ratio = (other.mean() > 0.0).then(|| self.mean() / other.mean());
        let interval =
            Interval { low: edge(difference, -1.0, differ), high: edge(difference, 1.0, differ) };
        // An interval needs a point inside to begin from; where a mean is 0, half an outcome gives one.
        let inside = (self.not_zero() / other.not_zero()).ln();
        let far = FARTHEST_RATIO.ln();
        let (low, high) = (edge(inside, -far, stand), edge(inside, far, stand));
        let low = if low <= -far { 0.0 } else { low.exp() };
        let high = if high >= far { f64::MAX } else { high.exp() };
        Effect { difference, interval, ratio, ratio_interval: Interval { low, high } }
    }

    /// The logarithm of what a bet against a mean has become: the likelihoods of all means, mixed by Jeffreys'
    /// prior, over that of this one. Convex in the mean. For outcomes between 0 and 1 it gains nothing in
    /// expectation either, as (q/p)ˣ((1−q)/(1−p))¹⁻ˣ is convex in x and so at most its chord.
    fn bet(self) -> impl Fn(f64) -> f64 {
        let (yes, no) = (self.sum, (self.count as f64 - self.sum).max(0.0));
        let ln_beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
        let mixed = ln_beta(yes + 0.5, no + 0.5) - ln_beta(0.5, 0.5);
        let ln_times = |times: f64, of: f64| if times == 0.0 { 0.0 } else { times * of.ln() };
        move |mean| mixed - ln_times(yes, mean) - ln_times(no, 1.0 - mean)
    }

    fn not_zero(self) -> f64 {
        self.sum.max(0.5) / (self.count as f64).max(1.0)
    }
}

impl From<Tally> for Sample {
    fn from(tally: Tally) -> Self {
        Self { count: tally.calls, sum: tally.bad.min(tally.calls) as f64 }
    }
}

impl Interval {
    /// Whether it is wholly above `least`.
    pub fn is_above(self, least: f64) -> bool {
        self.low > least
    }

    /// Whether it is wholly within `most` of 0.
    pub fn is_within(self, most: f64) -> bool {
        self.low >= -most && self.high <= most
    }
}

/// The last point that holds on the way from one that does to `end`, if all that hold lie together. Where
/// numbers are too coarse for the first to hold, the first.
fn edge(from: f64, end: f64, holds: impl Fn(f64) -> bool) -> f64 {
    if holds(end) {
        return end;
    }
    let (mut inside, mut outside) = (from, end);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(inside, outside);
        if holds(middle) { inside = middle } else { outside = middle }
    }
    outside
}

/// The least value of a convex function, to within what a search by thirds finds.
fn least(of: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    for _ in 0..THIRDINGS {
        let third = (high - low) / 3.0;
        let (left, right) = (low + third, high - third);
        if of(left) <= of(right) { high = right } else { low = left }
    }
    of(f64::midpoint(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALPHA: f64 = 0.05;

    fn sample(count: u64, sum: f64) -> Sample {
        Sample { count, sum }
    }

    #[test]
    fn without_outcomes_everything_is_possible() {
        assert_eq!(sample(0, 0.0).interval(ALPHA), Interval { low: 0.0, high: 1.0 });
        let effect = sample(0, 0.0).against(sample(0, 0.0), ALPHA);
        assert_eq!(effect.interval, Interval { low: -1.0, high: 1.0 });
        assert_eq!(effect.ratio, None);
        assert_eq!(effect.ratio_interval, Interval { low: 0.0, high: f64::MAX });
    }

    #[test]
    fn an_interval_is_as_wide_as_its_outcomes_are_few() {
        let width = |count: u64| {
            let Interval { low, high } = sample(count, count as f64 / 10.0).interval(ALPHA);
            assert!(low < 0.1 && 0.1 < high);
            high - low
        };
        assert!(width(100) > 2.5 * width(1_000) && width(1_000) > 2.5 * width(10_000));
    }

    #[test]
    fn a_difference_and_a_ratio_are_found_with_their_sign() {
        let effect = sample(10_000, 1_300.0).against(sample(10_000, 1_000.0), ALPHA);
        assert!((effect.difference - 0.03).abs() < 1e-12);
        assert!(effect.interval.is_above(0.0) && effect.interval.high < 0.06, "{effect:?}");
        assert!(effect.ratio_interval.low > 1.0 && effect.ratio_interval.high < 1.7, "{effect:?}");
        let back = sample(10_000, 1_000.0).against(sample(10_000, 1_300.0), ALPHA);
        assert!((back.interval.high + effect.interval.low).abs() < 1e-9);
        assert!((back.ratio_interval.high * effect.ratio_interval.low - 1.0).abs() < 1e-6);
    }

    #[test]
    fn sides_without_a_yes_or_without_a_no_have_intervals_too() {
        for (ours, theirs) in
            [((50, 0.0), (500, 0.0)), ((50, 50.0), (500, 0.0)), ((5, 5.0), (9, 9.0))]
        {
            let effect = sample(ours.0, ours.1).against(sample(theirs.0, theirs.1), ALPHA);
            let Interval { low, high } = effect.interval;
            assert!(low <= effect.difference && effect.difference <= high, "{effect:?}");
            assert!(effect.ratio_interval.low <= effect.ratio_interval.high, "{effect:?}");
        }
    }

    #[test]
    fn what_is_no_number_between_0_and_1_is_brought_there() {
        let mut sample = Sample::default();
        [f64::NAN, -3.0, 7.0, f64::INFINITY, 0.5].into_iter().for_each(|it| sample.add(it));
        assert_eq!(sample, Sample { count: 5, sum: 2.5 });
    }
}
