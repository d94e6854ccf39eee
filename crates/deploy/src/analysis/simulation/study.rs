//! Many rollouts of a kind, and many intervals.

use super::super::interval::Sample;
use super::chance::Chance;
use super::rollout::{End, Traffic};

/// What came of many rollouts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Study {
    /// How many there were.
    pub rollouts: usize,
    /// Those that ended by themselves with the candidate taken back.
    pub taken_back: usize,
    /// Those that paused.
    pub paused: usize,
    /// The calls that each candidate had that was taken back, the fewest first.
    pub calls: Vec<u64>,
}

/// Two means between 0 and 1 that an experiment compares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The shares of outcomes that are yes.
    pub means: [f64; 2],
    /// The chance of an outcome to be the first one's.
    pub share: f64,
}

impl Study {
    /// Rolls out so many times.
    pub fn of(traffic: &Traffic, rollouts: usize, chance: &mut Chance<'_>) -> Self {
        let mut study = Self { rollouts, ..Self::default() };
        for _ in 0..rollouts {
            match traffic.roll_out(chance) {
                End::Promoted => {}
                End::Paused => study.paused += 1,
                End::TakenBack { calls, .. } => study.calls.push(calls),
            }
        }
        study.taken_back = study.calls.len();
        study.calls.sort_unstable();
        study
    }

    /// The share that was taken back.
    pub fn taken_back_share(&self) -> f64 {
        self.taken_back as f64 / self.rollouts as f64
    }

    /// The calls that a candidate had before it was taken back, in this share of the rollouts at most; `None`
    /// if fewer were taken back.
    pub fn calls_at(&self, quantile: f64) -> Option<u64> {
        let at = (self.rollouts as f64 * quantile).ceil() as usize;
        self.calls.get(at.saturating_sub(1)).copied()
    }
}

impl Pair {
    /// Of so many experiments, each looked at after every tenth more outcomes up to the last, the share in which
    /// the interval for the difference or that for the ratio ever missed what is true.
    pub fn misses(
        &self,
        experiments: usize,
        outcomes: u64,
        alpha: f64,
        chance: &mut Chance<'_>,
    ) -> f64 {
        let missed = (0..experiments).filter(|_| self.misses_once(outcomes, alpha, chance));
        missed.count() as f64 / experiments as f64
    }

    fn misses_once(&self, outcomes: u64, alpha: f64, chance: &mut Chance<'_>) -> bool {
        let [first, second] = self.means;
        let mut samples = [Sample::default(); 2];
        let mut look = 10;
        for outcome in 1..=outcomes {
            let side = usize::from(!chance.happens(self.share));
            samples[side].add(if chance.happens(self.means[side]) { 1.0 } else { 0.0 });
            if outcome < look {
                continue;
            }
            look += look / 10;
            let effect = samples[0].against(samples[1], alpha);
            let holds = |low: f64, high: f64, truth: f64| low <= truth && truth <= high;
            let ratio = effect.ratio_interval;
            if !holds(effect.interval.low, effect.interval.high, first - second)
                || !holds(ratio.low, ratio.high, first / second)
            {
                return true;
            }
        }
        false
    }
}
