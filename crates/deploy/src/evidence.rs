//! What a trial has come to: shown while it grows, recorded with its step, and taken up after a restart.

use std::fmt;
use std::ops::Sub;

use airssys_wasm_model::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::{self, Analysis, Effect, Tally};
use crate::observation::{Seen, Thresholds};

/// What was seen in one step.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StepEvidence {
    /// The candidate's calls in this window.
    pub candidate: Seen,
    /// Those of the revision that it is compared with, in the same window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<Seen>,
    /// How much of the window is over.
    pub elapsed: Option<Span>,
    /// The comparisons over the whole rollout.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<analysis::Evidence>,
    /// What else was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Reading>,
    /// An experiment's outcomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<Outcomes>,
    /// What copied calls came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
}

/// The latest value of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// Of which metric.
    pub name: String,
    /// The value, if it could be had.
    pub value: Option<f64>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// Where an experiment stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcomes {
    /// The candidate's calls, and its successes as `bad`: the mathematics is the same.
    pub candidate: Tally,
    /// The other variant's.
    pub control: Tally,
    /// By how much the candidate's share of successes is greater, with 95 % confidence at all times at once.
    pub effect: Effect,
}

/// Answers to copied calls, compared with those that the callers got.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Compared {
    /// Copies that were answered and compared.
    pub calls: u64,
    /// Those whose answer differed, in status or body.
    pub different: u64,
    /// Requests that the copies would have sent, and that were kept from leaving.
    pub refused: u64,
    /// How long the callers waited for these answers, all together, in microseconds.
    pub active_us: u64,
    /// How long the candidate's answers to the copies took.
    pub candidate_us: u64,
    /// Some of the differences, at most [`Compared::EXAMPLES_MAX`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Difference>,
}

/// One call whose two answers differed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Which call, such as `GET /prices`.
    pub call: String,
    /// What of the answers differed, such as `status` or `$.total`.
    pub what: String,
    /// The caller's answer there.
    pub active: String,
    /// The candidate's.
    pub candidate: String,
}

/// What a walk that goes on after a restart has to know.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Trial {
    /// The comparison so far. What was seen since it was saved last is lost with a restart, which is
    /// evidence that is missing and not evidence that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Analysis>,
    /// What the active revision's calls took before, as it was frozen last.
    #[serde(skip_serializing_if = "Thresholds::is_empty")]
    pub thresholds: Thresholds,
    /// The candidate's outcomes in an experiment.
    pub candidate: Tally,
    /// The other variant's.
    pub control: Tally,
}

/// All that a watched step hands to the record.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Findings {
    pub(crate) seen: Seen,
    pub(crate) evidence: StepEvidence,
    /// `None` leaves what is recorded.
    pub(crate) trial: Option<Trial>,
}

impl Compared {
    /// Examples at most. They are in the record, and five show what differs.
    pub const EXAMPLES_MAX: usize = 5;

    /// The share that differed, in per cent; 0 without calls.
    pub fn different_percent(&self) -> f64 {
        self.as_seen().error_percent()
    }

    /// How long an answer took on average, the caller's and the candidate's, in milliseconds; nothing without
    /// calls.
    pub fn mean_ms(&self) -> Option<[f64; 2]> {
        let mean = |us: u64| us as f64 / 1000.0 / self.calls as f64;
        (self.calls > 0).then(|| [mean(self.active_us), mean(self.candidate_us)])
    }

    /// Differences counted as failures.
    pub(crate) fn as_seen(&self) -> Seen {
        Seen { calls: self.calls, errors: self.different }
    }
}

impl Difference {
    /// What of each text is kept. They may be whole bodies, and a record holds them.
    pub const MAX_BYTES: usize = 512;

    /// A difference, its texts cut where they are too long.
    pub fn new(call: &str, what: &str, active: &str, candidate: &str) -> Self {
        let cut = |text: &str| text[..text.floor_char_boundary(Self::MAX_BYTES)].to_owned();
        let (active, candidate) = (cut(active), cut(candidate));
        Self { call: cut(call), what: cut(what), active, candidate }
    }
}

impl Sub<&Self> for Compared {
    type Output = Self;

    /// The calls since `earlier`. Counters that went back, as after a restart, count from zero.
    fn sub(self, earlier: &Self) -> Self {
        let restarted = self.calls < earlier.calls || self.different < earlier.different;
        if restarted {
            return self;
        }
        Self {
            calls: self.calls - earlier.calls,
            different: self.different - earlier.different,
            refused: self.refused.saturating_sub(earlier.refused),
            active_us: self.active_us.saturating_sub(earlier.active_us),
            candidate_us: self.candidate_us.saturating_sub(earlier.candidate_us),
            examples: self.examples,
        }
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, different, .. } = self;
        write!(f, "{different} of {calls} answers differed ({:.1}%)", self.different_percent())
    }
}
