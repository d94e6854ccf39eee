//! What a rollout is decided on.

use airssys_wasm_model::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was seen in one step: while it runs at most half a second old, in the end what it was decided on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceReport {
    /// The candidate's calls in this window.
    pub calls: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// How much of the window is over; in JSON in milliseconds.
    pub elapsed: Option<Span>,
    /// What the decision still waits for, in words; absent once the step has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// The comparisons with the active revision, over the whole rollout.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<TestReport>,
    /// Metrics that somebody else keeps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<ReadingReport>,
    /// An experiment's outcomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<ExperimentReport>,
    /// What copied calls came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<ComparedReport>,
}

/// Calls, and those among them that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TallyReport {
    /// All of them.
    pub calls: u64,
    /// Those that count: bad ones in a test, successes in an experiment.
    pub counted: u64,
}

/// One comparison of the candidate with the active revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestReport {
    /// In which respect: failures, latency, cpu or memory.
    pub metric: String,
    /// The candidate's calls, and the bad ones.
    pub candidate: TallyReport,
    /// The active revision's in the same seconds.
    pub active: TallyReport,
    /// By how much the candidate's share of bad calls is greater.
    pub difference: f64,
    /// Where the true difference lies at all times at once, with 95 % confidence.
    pub interval: [f64; 2],
    /// The logarithm to base 10 of the e-value.
    pub log10_e: f64,
}

/// The latest value of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadingReport {
    /// Of which metric.
    pub name: String,
    /// The value, if it could be had.
    pub value: Option<f64>,
    /// Why not.
    pub fault: Option<String>,
}

/// Where an experiment stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentReport {
    /// The candidate's calls, and the successes.
    pub candidate: TallyReport,
    /// The other variant's.
    pub control: TallyReport,
    /// By how much the candidate's share of successes is greater.
    pub difference: f64,
    /// Where the true difference lies at all times at once, with 95 % confidence.
    pub interval: [f64; 2],
}

/// Answers to copied calls, compared with those that the callers got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedReport {
    /// Copies that were answered and compared.
    pub calls: u64,
    /// Those whose answer differed.
    pub different: u64,
    /// Requests that the copies would have sent, and that were kept from leaving.
    pub refused: u64,
    /// How long a caller's answer took on average, in milliseconds.
    #[serde(default)]
    pub active_ms: Option<f64>,
    /// How long the candidate's took.
    #[serde(default)]
    pub candidate_ms: Option<f64>,
    /// Some of the differences.
    pub examples: Vec<DifferenceReport>,
}

/// One call whose two answers differed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DifferenceReport {
    /// Which call.
    pub call: String,
    /// What of the answers differed.
    pub what: String,
    /// The caller's answer there.
    pub active: String,
    /// The candidate's.
    pub candidate: String,
}
