//! Latencies that hang together: log-normal, around a level that drifts, for both sides alike and for each
//! alone.

use super::super::tally::Tally;
use super::chance::Chance;

/// The deviation of single calls around the level, of the logarithm: the p99 is then 3.2 times the median.
const CALLS_DEVIATE: f64 = 0.5;

/// Calls that the frozen threshold is taken from, and the samples that they are spread over: ten seconds.
const PRECEDING_CALLS: usize = 2_000;
const PRECEDING_SAMPLES: usize = 100;

/// How far a level drifts (the deviation of the logarithm of latency), and the seconds after which it has
/// forgotten where it was: an autoregressive process of order one.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Drift {
    /// Deviation.
    pub deviation: f64,
    /// Correlation time in seconds.
    pub seconds: f64,
}

/// The level of both sides, and the threshold that was frozen.
pub(super) struct Latency {
    shared: Level,
    own: [Level; 2],
    threshold: f64,
}

/// Whose calls the threshold is taken from.
const ACTIVE: usize = 0;

struct Level {
    at: f64,
    keeps: f64,
    moves: f64,
}

impl Latency {
    /// Runs the window before the rollout, and freezes the active side's p99 of it.
    pub(super) fn preceding(shared: Drift, own: Drift, chance: &mut Chance<'_>) -> Self {
        let mut level = || Level::new(own, chance);
        let own = [level(), level()];
        let shared = Level::new(shared, chance);
        let mut latency = Self { shared, own, threshold: 0.0 };
        let mut seen = Vec::with_capacity(PRECEDING_CALLS);
        for _ in 0..PRECEDING_SAMPLES {
            latency.pass(chance);
            let level = latency.level(ACTIVE);
            let calls = (0..PRECEDING_CALLS / PRECEDING_SAMPLES)
                .map(|_| level + CALLS_DEVIATE * chance.normal());
            seen.extend(calls);
        }
        seen.sort_by(f64::total_cmp);
        latency.threshold = seen[PRECEDING_CALLS * 99 / 100];
        latency
    }

    /// A tenth of a second passes.
    pub(super) fn pass(&mut self, chance: &mut Chance<'_>) {
        self.shared.pass(chance);
        self.own.iter_mut().for_each(|level| level.pass(chance));
    }

    /// Calls of a side in this sample, `times` as slow as usual: how many are above the threshold.
    pub(super) fn tally(
        &self,
        side: usize,
        calls: u64,
        times: f64,
        chance: &mut Chance<'_>,
    ) -> Tally {
        let above = (self.threshold - self.level(side) - times.ln()) / CALLS_DEVIATE;
        Tally { calls, bad: chance.binomial(calls, upper_tail(above)) }
    }

    fn level(&self, side: usize) -> f64 {
        self.shared.at + self.own[side].at
    }
}

impl Level {
    fn new(drift: Drift, chance: &mut Chance<'_>) -> Self {
        let keeps = if drift.seconds > 0.0 { (-0.1 / drift.seconds).exp() } else { 0.0 };
        let moves = drift.deviation * (1.0 - keeps * keeps).sqrt();
        Self { at: drift.deviation * chance.normal(), keeps, moves }
    }

    fn pass(&mut self, chance: &mut Chance<'_>) {
        self.at = self.keeps * self.at + self.moves * chance.normal();
    }
}

/// The chance that a standard normal number is above this: Abramowitz & Stegun 26.2.17, off by 1e-7 at most.
fn upper_tail(at: f64) -> f64 {
    if at < 0.0 {
        return 1.0 - upper_tail(-at);
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * at);
    let series = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = series.iter().rev().fold(0.0, |sum, term| (sum + term) * t);
    sum * (-at * at / 2.0).exp() / std::f64::consts::TAU.sqrt()
}
