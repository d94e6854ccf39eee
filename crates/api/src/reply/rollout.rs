//! A rollout: where from, where to, which steps, and how it ended.

use std::fmt;

use airssys_wasm_model::{Name, RevisionNumber, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EvidenceReport, Timings};
use crate::Timestamp;

/// A revision and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// The revision.
    pub revision: RevisionNumber,
    /// Its release's version.
    pub version: Version,
}

/// How a rollout stands where it rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Every call goes to the candidate.
    Promoted,
    /// Every call goes to the revision that was active before.
    Aborted,
    /// Its trial is over, and every call goes where it went before: it was not to be promoted.
    Concluded,
    /// Somebody paused it.
    Paused,
    /// The evidence did not decide, so it paused itself.
    Inconclusive,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Promoted => "promoted",
            Self::Aborted => "aborted",
            Self::Concluded => "concluded",
            Self::Paused => "paused",
            Self::Inconclusive => "inconclusive",
        })
    }
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Begun.
    Running,
    /// Done.
    Done,
    /// Failed: what follows is the way back.
    Failed,
    /// No longer needed.
    Skipped,
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        })
    }
}

/// One step of a rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepReport {
    /// What it does, as the plan prints it.
    pub step: String,
    /// How it stands.
    pub state: StepState,
    /// Since when; null while pending.
    pub at: Option<Timestamp>,
    /// What was seen in it, where it watches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<EvidenceReport>>,
}

/// The answer to `update`, `rollback` and to steering a rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RolloutReport {
    /// The service.
    pub service: Name,
    /// Which rollout of the service, counted from 1.
    pub rollout: u64,
    /// The revision that was active when it began.
    pub from: Point,
    /// The candidate.
    pub to: Point,
    /// How it is rolled out.
    pub strategy: String,
    /// How it stands; null while under way.
    pub outcome: Option<Outcome>,
    /// Why it stands so, for people.
    pub reason: String,
    /// Its steps.
    pub steps: Vec<StepReport>,
    /// How long it took so far.
    pub timings_ms: Timings,
}
