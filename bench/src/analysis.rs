//! Whether the analysis of rollouts decides as it promises: simulated rollouts by the thousand, from a seed.
//!
//! Nothing of the machine is measured, so the numbers are the same wherever they are made.

use airssys_wasm_deploy::FALSE_ABORTS;
use airssys_wasm_deploy::simulation::{Chance, Pair, Study, Traffic, kinds};
use anyhow::Result;
use clap::Args;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::Paths;
use crate::report::{Bound, Report};

/// The promise: calls of a candidate that fails 5 % before it is taken back.
const MEDIAN_PROMISED: f64 = 100.0;
const LATE_PROMISED: f64 = 200.0;

/// What the intervals are asked for: to miss ever in at most this share of experiments.
const ALPHA: f64 = 0.05;

/// Experiments of which an interval is looked at, for each that is asked of rollouts: each takes far longer.
const ROLLOUTS_FOR_AN_EXPERIMENT: usize = 5;

/// Outcomes of an experiment.
const OUTCOMES: u64 = 20_000;

/// Means of two variants, and the share of the outcomes that are the first one's.
const PAIRS: [Pair; 3] = [
    Pair { means: [0.1, 0.1], share: 0.5 },
    Pair { means: [0.02, 0.05], share: 0.1 },
    Pair { means: [0.9, 0.5], share: 0.5 },
];

/// How the analysis of rollouts decides
#[derive(Args)]
pub(crate) struct Analysis {
    #[command(flatten)]
    paths: Paths,
    /// Simulated rollouts of each kind
    #[arg(long, default_value_t = 1_000)]
    rounds: usize,
    /// Where the random numbers begin
    #[arg(long, default_value_t = 4)]
    seed: u64,
}

impl Analysis {
    /// Simulates and reports.
    pub(crate) fn run(self) -> Result<()> {
        let mut report = Report::new("analysis", self.how());
        let most = Bound::AtMost(FALSE_ABORTS * 100.0);
        for (kind, traffic) in kinds::EQUAL {
            let study = self.study(&traffic);
            report.promise(format!("equal, taken back: {kind}"), "%", back(&study), most);
            report.row(format!("equal, paused: {kind}"), "%", paused(&study));
        }
        for (kind, traffic) in kinds::PAST_IT {
            report.row(format!("equal, taken back: {kind}"), "%", back(&self.study(&traffic)));
        }
        self.five_percent(&mut report);
        for (kind, traffic) in kinds::WORSE {
            found(&mut report, kind, &self.study(&traffic));
        }
        for pair in PAIRS {
            let missed = self.missed(&pair);
            let what = format!("intervals that ever missed, means {:?}", pair.means);
            report.promise(what, "%", vec![missed], Bound::AtMost(ALPHA * 100.0));
        }
        report.finish(&self.paths)
    }

    fn how(&self) -> String {
        format!(
            "{} simulated rollouts of each kind, seed {}: 1,000 calls a second, 5, 25 and 50 % of them for ten \
             seconds each, unless the kind says otherwise; a sample each tenth of a second; failures, latency, \
             processor time and memory tested together, beside the bound on failures that the kind names. Intervals: {} experiments of {OUTCOMES} outcomes each, \
             looked at after each tenth more.",
            self.rounds,
            self.seed,
            self.experiments(),
        )
    }

    fn five_percent(&self, report: &mut Report) {
        let study = self.study(&kinds::FIVE_PERCENT);
        let calls = |quantile| study.calls_at(quantile).map(|calls| calls as f64);
        let what = "5 % fail against none, at 10 %: calls until it is found";
        let (median, late) = (calls(0.5), calls(0.95));
        let promised = Bound::AtMost(MEDIAN_PROMISED);
        report.promise(format!("{what}, median"), "calls", Vec::from_iter(median), promised);
        let promised = Bound::AtMost(LATE_PROMISED);
        report.promise(format!("{what}, 95th percentile"), "calls", Vec::from_iter(late), promised);
        found(
            report,
            "the same, watched for one second",
            &self.study(&kinds::FIVE_PERCENT_BRIEFLY),
        );
    }

    fn study(&self, traffic: &Traffic) -> Study {
        self.with_chance(|chance| Study::of(traffic, self.rounds, chance))
    }

    fn missed(&self, pair: &Pair) -> f64 {
        self.with_chance(|chance| pair.misses(self.experiments(), OUTCOMES, ALPHA, chance)) * 100.0
    }

    fn experiments(&self) -> usize {
        (self.rounds / ROLLOUTS_FOR_AN_EXPERIMENT).max(1)
    }

    fn with_chance<T>(&self, act: impl FnOnce(&mut Chance<'_>) -> T) -> T {
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut uniform = || random.random::<f64>();
        act(&mut Chance::new(&mut uniform))
    }
}

fn back(study: &Study) -> Vec<f64> {
    vec![study.taken_back_share() * 100.0]
}

fn paused(study: &Study) -> Vec<f64> {
    vec![study.paused as f64 / study.rollouts as f64 * 100.0]
}

/// A candidate that is worse: how often it is found, and after how many of its calls.
fn found(report: &mut Report, kind: &str, study: &Study) {
    report.row(format!("found: {kind}"), "%", back(study));
    for (name, quantile) in [("median", 0.5), ("95th percentile", 0.95)] {
        if let Some(calls) = study.calls_at(quantile) {
            report.row(format!("calls until found, {name}: {kind}"), "calls", vec![calls as f64]);
        }
    }
}
