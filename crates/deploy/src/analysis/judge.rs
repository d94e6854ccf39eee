//! All metrics of a rollout together: the judgement, and the evidence that it rests on.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::comparison::{Comparison, Rule};
use super::interval::{Interval, Sample};
use super::settings::AnalysisSettings;
use super::tally::{Counts, Metric, Tally};
use super::words;

/// The chance, at most, that a candidate that is no worse is found worse during its whole rollout.
pub const FALSE_ABORTS: f64 = 0.01;

/// Evidence against the candidate with which the share of its calls is not raised by itself. An equal
/// candidate ever has it with a chance of at most one in this.
const SUSPICIOUS: f64 = 20.0;

const _: () = assert!(SUSPICIOUS < 1.0 / FALSE_ABORTS);

/// How wrong the intervals that are shown may be.
const INTERVAL_ALPHA: f64 = 0.05;

/// The comparison of a candidate with the active revision, over a whole rollout.
///
/// A value to be recorded: what was added before a restart counts after it. Samples lost in between only are
/// evidence that is missing, as long as it was not what the calls came to that lost them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Analysis {
    settings: AnalysisSettings,
    /// Samples of grace that are left.
    grace: u32,
    /// The candidate's calls that were added.
    calls: u64,
    comparisons: BTreeMap<Metric, Comparison>,
}

/// What the evidence says now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "judgement", rename_all = "kebab-case")]
pub enum Judgement {
    /// Not enough against the candidate.
    Undecided,
    /// It is worse.
    Worse {
        /// In which respect most clearly.
        metric: Metric,
        /// In words.
        reason: String,
    },
}

/// What the evidence says at the end of a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "conclusion", rename_all = "kebab-case")]
pub enum Conclusion {
    /// Nothing against raising the candidate's share.
    Sound,
    /// It is worse.
    Worse {
        /// In which respect most clearly.
        metric: Metric,
        /// In words.
        reason: String,
    },
    /// A person should look: something that was asked for is missing, or there is some evidence.
    Inconclusive {
        /// In words.
        reason: String,
    },
}

/// The evidence of one metric, to be shown while it grows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Which metric.
    pub metric: Metric,
    /// The candidate's calls.
    pub candidate: Tally,
    /// The active revision's calls in the same time.
    pub active: Tally,
    /// The candidate's share of bad calls less the active revision's, over the same seconds.
    pub difference: f64,
    /// Where the true difference lies: at all times at once, with 95 % confidence.
    pub interval: Interval,
    /// The logarithm to base 10 of the e-value: 2 says that a candidate that is no worse ever shows as much
    /// with a chance of at most 1 in 100.
    pub log10_e: f64,
}

impl Analysis {
    /// Nothing is known. The first step begins.
    pub fn new(settings: AnalysisSettings) -> Self {
        let settings = settings.sane();
        let grace = settings.grace_samples;
        Self { settings, grace, calls: 0, comparisons: BTreeMap::new() }
    }

    /// The candidate gets another share of the calls from here. What has been found stays.
    pub fn begin_step(&mut self) {
        self.grace = self.settings.grace_samples;
        for (metric, comparison) in &mut self.comparisons {
            comparison.begin_step(Rule::of(*metric), self.settings.tolerance(*metric));
        }
    }

    /// Adds a sample: what both answered in the same time since the last one.
    pub fn add(&mut self, candidate: &Counts, active: &Counts) {
        let calls = candidate.failures.map_or(0, |failures| failures.calls);
        self.calls = self.calls.saturating_add(calls);
        let warm = self.grace == 0;
        if calls > 0 {
            self.grace = self.grace.saturating_sub(1);
        }
        for metric in Metric::ALL {
            let (Some(ours), Some(theirs)) = (candidate.of(metric), active.of(metric)) else {
                continue;
            };
            let (rule, tolerance) = (Rule::of(metric), self.settings.tolerance(metric));
            let comparison = self.comparisons.entry(metric).or_insert_with(|| {
                let mut comparison = Comparison::new();
                comparison.begin_step(rule, tolerance);
                comparison
            });
            if warm || metric == Metric::Failures {
                comparison.add(ours, theirs, rule, tolerance);
            }
        }
    }

    /// What the evidence says now. May be asked for after every sample.
    pub fn judgement(&self) -> Judgement {
        if self.e_value() < 1.0 / FALSE_ABORTS {
            return Judgement::Undecided;
        }
        let Some(metric) = self.clearest() else { return Judgement::Undecided };
        Judgement::Worse { metric, reason: words::worse(&self.evidence_of(metric), &self.settings) }
    }

    /// What the evidence says at the end of a window.
    pub fn conclusion(&self) -> Conclusion {
        if let Judgement::Worse { metric, reason } = self.judgement() {
            return Conclusion::Worse { metric, reason };
        }
        let missing = self.settings.required.iter().find(|metric| !self.is_compared(**metric));
        let reason = if self.calls < self.settings.min_calls {
            words::too_few(self.calls, self.settings.min_calls)
        } else if let Some(metric) = missing {
            words::missing(*metric)
        } else if let (true, Some(metric)) = (self.e_value() >= SUSPICIOUS, self.clearest()) {
            words::suspicious(&self.evidence_of(metric), &self.settings)
        } else {
            return Conclusion::Sound;
        };
        Conclusion::Inconclusive { reason }
    }

    /// The evidence of each metric that was measured.
    pub fn evidence(&self) -> Vec<Evidence> {
        self.comparisons.keys().map(|metric| self.evidence_of(*metric)).collect()
    }

    /// The candidate's calls that were added.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// The e-value of all metrics together: their weighted mean, which needs no assumption on how they depend
    /// on one another. A metric whose difference is irrelevant has none against the candidate.
    pub fn e_value(&self) -> f64 {
        Metric::ALL.into_iter().map(|metric| weight(metric) * self.relevant(metric)).sum()
    }

    fn relevant(&self, metric: Metric) -> f64 {
        let Some(comparison) = self.comparisons.get(&metric) else { return 1.0 };
        let e_value = comparison.ln_evidence().min(f64::MAX.ln() - 1.0).exp();
        let enough = self.settings.tolerance(metric).share;
        if comparison.difference() >= enough { e_value } else { e_value.min(1.0) }
    }

    /// The metric that says most against the candidate.
    fn clearest(&self) -> Option<Metric> {
        let says = |metric: &Metric| weight(*metric) * self.relevant(*metric);
        let measured = self.comparisons.keys().copied();
        measured.max_by(|one, other| says(one).total_cmp(&says(other)))
    }

    fn is_compared(&self, metric: Metric) -> bool {
        let comparison = self.comparisons.get(&metric);
        comparison.is_some_and(|it| it.candidate.calls > 0 && it.active.calls > 0)
    }

    fn evidence_of(&self, metric: Metric) -> Evidence {
        let nothing = Comparison::new();
        let comparison = self.comparisons.get(&metric).unwrap_or(&nothing);
        let (candidate, active) = (comparison.candidate, comparison.active);
        let effect = Sample::from(candidate).against(Sample::from(active), INTERVAL_ALPHA);
        Evidence {
            metric,
            candidate,
            active,
            difference: comparison.difference(),
            interval: effect.interval,
            log10_e: comparison.ln_evidence() / std::f64::consts::LN_10,
        }
    }
}

/// How much of the allowance for false aborts a metric has. Half is for failures: they are what must be found
/// after the fewest calls, and their test assumes least. Latency comes before what only the operator notices.
const fn weight(metric: Metric) -> f64 {
    match metric {
        Metric::Failures => 0.5,
        Metric::Latency => 0.25,
        Metric::Cpu | Metric::Memory => 0.125,
    }
}
