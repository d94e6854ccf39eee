//! A service as a whole.

use airssys_wasm_model::{Instances, Match, Name, RevisionNumber, Signer, StickyBy, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EvidenceReport, Joined, Point, RolloutReport};
use crate::Timestamp;

/// The answer to `status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceStatus {
    /// The service.
    pub service: Name,
    /// In one word.
    pub state: String,
    /// The revision that calls go to, unless a rollout splits them.
    pub active: Option<Point>,
    /// The revisions that live, and the ones that could be rolled back to.
    pub revisions: Vec<RevisionLine>,
    /// The rollout under way.
    pub rollout: Option<RolloutReport>,
    /// The update of several services that it takes part in, until that is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<Joined>,
    /// Where it answers.
    pub routes: Vec<String>,
    /// Which calls go by a split of their own, in their order: the first that matches decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleLine>,
    /// What the splits of its calls stick to; absent where each call is drawn anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky: Option<StickyBy>,
    /// What is wrong, if something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A revision within a [`ServiceStatus`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RevisionLine {
    /// The revision.
    pub revision: RevisionNumber,
    /// Its release's version.
    pub version: Version,
    /// In one word.
    pub state: String,
    /// Its share of the calls, in per cent.
    pub weight: f64,
    /// Instances that live now.
    pub instances: u32,
    /// The host that is its own, if the service gives its revisions one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Who signed its release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signers: Vec<Signer>,
}

/// A match rule within a [`ServiceStatus`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleLine {
    /// Which calls.
    pub when: Match,
    /// Who gets them.
    pub shares: Vec<RuleShare>,
}

/// A share of the calls that match a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleShare {
    /// The revision.
    pub revision: RevisionNumber,
    /// Its share of them, in per cent.
    pub weight: f64,
}

/// The answer to `list`, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Services(pub Vec<ServiceLine>);

/// One service of many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceLine {
    /// The service.
    pub service: Name,
    /// The active revision's version; null before the first is active.
    pub version: Option<Version>,
    /// The active revision.
    pub revision: Option<RevisionNumber>,
    /// In one word.
    pub state: String,
}

/// The answer to `history`, the latest last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ServiceHistory(pub Vec<HistoryLine>);

/// One entry of a service's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryLine {
    /// The revision it is about.
    pub revision: RevisionNumber,
    /// Its release's version.
    pub version: Version,
    /// When.
    pub at: Timestamp,
    /// Who asked for it.
    pub by: String,
    /// What was asked for, or what was decided and why.
    pub why: String,
    /// The state it led to.
    pub state: String,
    /// Who signed its release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signers: Vec<Signer>,
    /// Who promoted a rollout or took it back by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// What a rollout was decided on, where something was watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<EvidenceReport>>,
}

/// The answer to `scale`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scaled {
    /// The service.
    pub service: Name,
    /// The revision that has this scale.
    pub revision: RevisionNumber,
    /// How its instances live now.
    pub instances: Instances,
}

/// The answer to `remove`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Removed {
    /// The service that is no more.
    pub service: Name,
}
