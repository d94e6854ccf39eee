//! The evidence of one metric as the wealth of a gambler who bets against the candidate's being no worse.
//!
//! It begins with 1. If the candidate is no worse, no bet gains in expectation, so that the chance that the
//! wealth *ever* reaches 1/α is at most α (Ville's inequality). `docs/analysis.md` has the whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hypergeometric::Margins;
use super::special::ln_add;

/// The alternatives: how many times the tolerated odds the candidate's odds of a bad call
/// are. The stake is spread evenly; each further alternative would cost all others a part of theirs.
const ALTERNATIVES: [f64; 9] = [1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0, 1_000.0];

/// The wealth of a lost bet is kept above this, e to the power of it: finite when written down, and nothing.
const LN_RUIN: f64 = -1e6;

/// And below this, so that evidence that nobody acts on stays finite too.
const LN_CERTAIN: f64 = 1e6;

/// What the bets came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Wealth {
    /// What is not staked.
    reserve: f64,
    /// Each says what it bets on, so that a record outlives a change of the alternatives.
    stakes: Vec<Stake>,
}

/// A part of the wealth, on one alternative.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Stake {
    /// The alternative.
    times: f64,
    /// The logarithm of what the stake has become.
    ln: f64,
}

impl Wealth {
    pub(super) const START: Self = Self { reserve: 1.0, stakes: Vec::new() };

    /// Stakes half of the reserve. What was staked before may be lost to a candidate that did well; one that
    /// goes bad under a larger share of the calls is found by the fresh stakes.
    pub(super) fn stake(&mut self) {
        self.reserve /= 2.0;
        let fresh = (self.reserve / ALTERNATIVES.len() as f64).ln().max(LN_RUIN);
        for times in ALTERNATIVES {
            match self.stakes.iter_mut().find(|stake| stake.times == times) {
                Some(stake) => stake.ln = ln_add(stake.ln, fresh),
                None => self.stakes.push(Stake { times, ln: fresh }),
            }
        }
    }

    /// Bets on a block: against odds up to `tolerated` times the active revision's. A block multiplies a
    /// stake by at most `most`, and by no more than one bad call alone could: to take less than a bet has
    /// gained is fair too, and calls of one block may have been bad for one reason.
    pub(super) fn bet(&mut self, block: Margins, tolerated: f64, most: f64) {
        for stake in &mut self.stakes {
            let odds = tolerated * stake.times;
            let gain = block.ln_likelihood_ratio(odds, tolerated).min(most.min(stake.times).ln());
            stake.ln = (stake.ln + gain).clamp(LN_RUIN, LN_CERTAIN);
        }
    }

    /// The logarithm of all of it: the e-value.
    pub(super) fn ln(&self) -> f64 {
        self.stakes.iter().fold(self.reserve.ln(), |sum, stake| ln_add(sum, stake.ln))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tally::Tally;
    use super::*;

    fn block(candidate: (u64, u64), active: (u64, u64)) -> Margins {
        let tally = |(calls, bad)| Tally { calls, bad };
        Margins::of(tally(candidate), tally(active)).unwrap()
    }

    #[test]
    fn staking_makes_nobody_richer() {
        let mut wealth = Wealth::START;
        for _ in 0..100 {
            wealth.stake();
            assert!(wealth.ln().abs() < 1e-9);
        }
    }

    #[test]
    fn fresh_stakes_find_a_candidate_that_went_bad_after_it_did_well() {
        let mut once = Wealth::START;
        once.stake();
        for _ in 0..2_000 {
            once.bet(block((10, 0), (90, 1)), 1.0, 8.0);
        }
        let mut again = once.clone();
        again.stake();
        let blocks = |mut wealth: Wealth| {
            let bad = (0..).take_while(|_| {
                wealth.bet(block((50, 2), (50, 0)), 1.0, 8.0);
                wealth.ln() < 200_f64.ln()
            });
            bad.count()
        };
        assert!(blocks(again.clone()) * 2 < blocks(once), "{}", blocks(again));
    }

    #[test]
    fn wealth_stays_finite_whatever_comes() {
        let mut wealth = Wealth::START;
        wealth.stake();
        for _ in 0..100_000 {
            wealth.bet(block((1_000, 0), (1_000, 999)), 1.0, 8.0);
        }
        assert!((wealth.ln() - 0.5_f64.ln()).abs() < 1e-9, "the reserve is left");
        for _ in 0..1_000_000 {
            wealth.bet(block((2, 1), (2, 0)), 1.0, 8.0);
        }
        assert!(wealth.ln().is_finite());
    }
}
