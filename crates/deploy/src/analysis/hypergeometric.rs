//! How the bad calls of a block fall on its two sides, given how many there are.
//!
//! With `k` bad calls among the block's, and odds of being bad that are `odds` times as high for the
//! candidate, the number `x` of them that are the candidate's has Fisher's noncentral hypergeometric
//! distribution: its probability is proportional to C(candidate, x) · C(active, k − x) · oddsˣ. Whatever made
//! calls bad during the block cancels out.

use super::special::ln_choose;
use super::tally::Tally;

/// What a term adds that is this much smaller than the largest is below an `f64`'s last digit.
const NEGLIGIBLE: f64 = 1e-18;

/// A block's margins: how many calls each side had, and how many were bad.
#[derive(Debug, Clone, Copy)]
pub(super) struct Margins {
    candidate: u64,
    active: u64,
    bad: u64,
    /// The candidate's part of the bad ones.
    observed: u64,
}

impl Margins {
    /// `None` where the margins leave nothing open: one side without calls, or all calls alike.
    pub(super) fn of(candidate: Tally, active: Tally) -> Option<Self> {
        let (calls, bad) = (candidate.calls + active.calls, candidate.bad + active.bad);
        let open = candidate.calls > 0 && active.calls > 0 && bad > 0 && bad < calls;
        let (candidate, active, observed) = (candidate.calls, active.calls, candidate.bad);
        open.then_some(Self { candidate, active, bad, observed })
    }

    /// The logarithm of how much likelier the block is at one ratio of the odds than at another.
    pub(super) fn ln_likelihood_ratio(self, odds: f64, than: f64) -> f64 {
        self.observed as f64 * (odds.ln() - than.ln()) - (self.ln_sum(odds) - self.ln_sum(than))
    }

    /// The logarithm of the sum over all `x`. The terms rise to one largest and fall on both sides of it,
    /// each ratio of neighbours smaller than the one before, so what is left out past a negligible term is
    /// smaller still: the work is that of a few standard deviations, not of the block.
    fn ln_sum(self, odds: f64) -> f64 {
        let (least, most) = (self.bad.saturating_sub(self.active), self.candidate.min(self.bad));
        let mode = self.mode(least, most, odds);
        let (mut sum, mut term) = (1.0, 1.0);
        for x in mode..most {
            term *= self.step(x, odds);
            sum += term;
            if term < NEGLIGIBLE {
                break;
            }
        }
        term = 1.0;
        for x in (least..mode).rev() {
            term /= self.step(x, odds);
            sum += term;
            if term < NEGLIGIBLE {
                break;
            }
        }
        let largest = ln_choose(self.candidate, mode) + ln_choose(self.active, self.bad - mode);
        largest + mode as f64 * odds.ln() + sum.ln()
    }

    /// The term of `x + 1` over that of `x`.
    fn step(self, x: u64, odds: f64) -> f64 {
        let up = (self.candidate - x) as f64 * (self.bad - x) as f64;
        let down = (x + 1) as f64 * (self.active + x + 1 - self.bad) as f64;
        odds * up / down
    }

    /// Where the terms cease to rise.
    fn mode(self, mut least: u64, mut most: u64, odds: f64) -> u64 {
        while least < most {
            let middle = least + (most - least) / 2;
            if self.step(middle, odds) > 1.0 {
                least = middle + 1;
            } else {
                most = middle;
            }
        }
        least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODDS: [f64; 4] = [0.5, 1.0, 2.0, 1_000.0];

    fn margins(candidate: u64, active: u64, bad: u64, observed: u64) -> Margins {
        Margins { candidate, active, bad, observed }
    }

    #[test]
    fn without_a_difference_the_sum_is_vandermondes() {
        for (candidate, active, bad) in [(1, 1, 1), (10, 90, 5), (90, 10, 50), (5_000, 45_000, 700)]
        {
            let sum = margins(candidate, active, bad, 0).ln_sum(1.0);
            let exact = ln_choose(candidate + active, bad);
            assert!((sum - exact).abs() < 1e-9 * exact.max(1.0), "{sum} is not {exact}");
        }
    }

    /// The heart of the test's validity: under the null hypothesis its expectation is one.
    #[test]
    fn the_likelihood_ratio_is_expected_to_be_one() {
        for (candidate, active, bad) in [(1, 99, 3), (10, 90, 12), (50, 50, 99), (3, 2, 4)] {
            for than in ODDS {
                for odds in ODDS {
                    let expected: f64 = possible(candidate, active, bad)
                        .map(|it| it.ln_probability(than) + it.ln_likelihood_ratio(odds, than))
                        .map(f64::exp)
                        .sum();
                    assert!((expected - 1.0).abs() < 1e-9, "{expected} at {odds} over {than}");
                }
            }
        }
    }

    /// And where the candidate is better than the null hypothesis allows it to be bad, below one.
    #[test]
    fn a_better_candidate_is_expected_to_lose_the_bet() {
        for (candidate, active, bad) in [(1, 99, 3), (10, 90, 12), (50, 50, 99)] {
            let expected: f64 = possible(candidate, active, bad)
                .map(|it| (it.ln_probability(0.7) + it.ln_likelihood_ratio(5.0, 1.0)).exp())
                .sum();
            assert!(expected < 1.0, "{expected}");
        }
    }

    #[test]
    fn blocks_of_any_size_give_a_finite_ratio() {
        for it in [margins(1 << 32, 1 << 33, 1 << 30, 1 << 29), margins(1, 1 << 40, 1, 1)] {
            assert!(it.ln_likelihood_ratio(1_000.0, 1.0).is_finite());
        }
    }

    fn possible(candidate: u64, active: u64, bad: u64) -> impl Iterator<Item = Margins> {
        let observed = bad.saturating_sub(active)..=candidate.min(bad);
        observed.map(move |observed| margins(candidate, active, bad, observed))
    }

    impl Margins {
        fn ln_probability(self, odds: f64) -> f64 {
            let ways = ln_choose(self.candidate, self.observed)
                + ln_choose(self.active, self.bad - self.observed);
            ways + self.observed as f64 * odds.ln() - self.ln_sum(odds)
        }
    }
}
