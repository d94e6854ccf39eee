//! One rollout, sample by sample, as a walk would see it.

use super::super::judge::{Analysis, Conclusion, Judgement};
use super::super::settings::AnalysisSettings;
use super::super::tally::{Counts, Metric, Tally};
use super::chance::Chance;
use super::latency::{Drift, Latency};
use crate::observation::{Bounds, Seen, Thresholds, Verdict};

/// Samples of a second: one each tenth.
const SAMPLES_PER_SECOND: f64 = 10.0;

/// What a rollout meets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traffic {
    /// Calls to both sides together.
    pub calls_per_second: f64,
    /// The candidate's share of them, step after step.
    pub shares: &'static [f64],
    /// How long each share is watched.
    pub seconds: f64,
    /// The shares of the active revision's and of the candidate's calls that fail.
    pub failing: [f64; 2],
    /// The share of the candidate's calls that may fail, in per cent; 100 bounds nothing.
    pub max_error_rate: f64,
    /// How many times as slow and costly the candidate is.
    pub slower: f64,
    /// How many times as slow and costly its first calls are after each shift, and the seconds in which that
    /// falls to an e-th.
    pub cold: (f64, f64),
    /// How the latency of both drifts together.
    pub shared: Drift,
    /// How the latency of each drifts by itself.
    pub own: Drift,
}

/// How a simulated rollout ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nothing was found.
    Promoted,
    /// A window ended with evidence enough to pause.
    Paused,
    /// The candidate was found worse.
    TakenBack {
        /// In which respect.
        metric: Metric,
        /// The calls that it had.
        calls: u64,
    },
}

impl Traffic {
    /// A thousand calls a second, 5, 25 and 50 % of them for ten seconds each, two equal revisions of which
    /// nothing drifts.
    pub const CALM: Self = Self {
        calls_per_second: 1_000.0,
        shares: &[0.05, 0.25, 0.5],
        seconds: 10.0,
        failing: [0.0, 0.0],
        max_error_rate: 100.0,
        slower: 1.0,
        cold: (1.0, 1.0),
        shared: Drift { deviation: 0.0, seconds: 1.0 },
        own: Drift { deviation: 0.0, seconds: 1.0 },
    };

    /// Rolls out once, under all that looks at a candidate: its bound and the comparison. The last window that ends with a pause counts as a pause.
    pub fn roll_out(&self, chance: &mut Chance<'_>) -> End {
        let samples = (self.seconds * SAMPLES_PER_SECOND) as u32;
        let mut analysis = Analysis::new(AnalysisSettings::default().for_steps_of(samples));
        let mut costs: [Latency; 3] =
            std::array::from_fn(|_| Latency::preceding(self.shared, self.own, chance));
        let bounds = Bounds {
            max_error_rate: self.max_error_rate,
            min_calls: 0,
            p99: Thresholds::default(),
        };
        let mut paused = false;
        for share in self.shares {
            analysis.begin_step();
            let mut window = Seen::default();
            let back =
                |metric, analysis: &Analysis| End::TakenBack { metric, calls: analysis.calls() };
            for at in 0..samples {
                costs.iter_mut().for_each(|cost| cost.pass(chance));
                let (active, candidate) = self.sample(*share, at, &costs, chance);
                analysis.add(&candidate, &active);
                let Tally { calls, bad } = candidate.failures.unwrap_or_default();
                window += Seen { calls, errors: bad };
                if let Verdict::Regressed { .. } = bounds.judge_early(window) {
                    return back(Metric::Failures, &analysis);
                }
                if let Judgement::Worse { metric, .. } = analysis.judgement() {
                    return back(metric, &analysis);
                }
            }
            match bounds.judge(window, window) {
                Verdict::Regressed { .. } => return back(Metric::Failures, &analysis),
                Verdict::TooFew { .. } => paused = true,
                Verdict::Sound => {}
            }
            paused |= matches!(analysis.conclusion(), Conclusion::Inconclusive { .. });
        }
        if paused { End::Paused } else { End::Promoted }
    }

    fn sample(
        &self,
        share: f64,
        at: u32,
        costs: &[Latency; 3],
        chance: &mut Chance<'_>,
    ) -> (Counts, Counts) {
        let calls = chance.poisson(self.calls_per_second / SAMPLES_PER_SECOND);
        let ours = chance.binomial(calls, share);
        let (cold, seconds) = self.cold;
        let since = f64::from(at) / SAMPLES_PER_SECOND;
        let cold = 1.0 + (cold - 1.0) * (-since / seconds).exp();
        let mut side = |side: usize, calls: u64, times: f64| {
            let [latency, cpu, memory] = costs;
            let failures = Tally { calls, bad: chance.binomial(calls, self.failing[side]) };
            let mut cost = |cost: &Latency| Some(cost.tally(side, calls, times, chance));
            let (latency, cpu, memory) = (cost(latency), cost(cpu), cost(memory));
            Counts { failures: Some(failures), latency, cpu, memory }
        };
        (side(0, calls - ours, 1.0), side(1, ours, self.slower * cold))
    }
}
