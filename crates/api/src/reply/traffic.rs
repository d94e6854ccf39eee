//! What each revision is doing, in numbers.

use std::collections::BTreeMap;

use airssys_wasm_model::{Name, RevisionNumber, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RolloutReport;
use crate::Timestamp;

/// The answer to `monitor`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Traffic {
    /// The service.
    pub service: Name,
    /// When these numbers held.
    pub at: Timestamp,
    /// The service's state in one word.
    pub state: String,
    /// Each revision that lives.
    pub revisions: Vec<RevisionTraffic>,
    /// The rollout under way.
    pub rollout: Option<RolloutReport>,
}

/// One revision's numbers. Counts run from the revision's start on this node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RevisionTraffic {
    /// The revision.
    pub revision: RevisionNumber,
    /// Its release's version.
    pub version: Version,
    /// In one word.
    pub state: String,
    /// Its share of the calls, in per cent.
    pub weight: f64,
    /// Calls that have ended.
    pub calls: u64,
    /// Of these, those that failed.
    pub errors: u64,
    /// How long calls took.
    pub latency_ms: LatencyMs,
    /// Time its calls spent running on a processor.
    pub cpu_ms: f64,
    /// Memory of its instances now.
    pub memory_bytes: u64,
    /// Instances that live now.
    pub instances: u32,
    /// Calls that wait for a place now.
    pub queued: u32,
    /// How often each limit was reached, by the name that it has in the manifest; those that never were are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits_hit: BTreeMap<String, u64>,
    /// What copies of calls use of this revision, besides the above; null where it gets none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowTraffic>,
}

/// What copies of calls use: they have instances of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowTraffic {
    /// Copies that were answered and compared.
    pub calls: u64,
    /// Requests of the copies that were kept from leaving.
    pub refused: u64,
    /// Time the copies spent running on a processor.
    pub cpu_ms: f64,
    /// Memory of their instances now.
    pub memory_bytes: u64,
    /// Their instances that live now.
    pub instances: u32,
}

/// Quantiles of the time a call took; null before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyMs {
    /// Half were faster.
    pub p50: Option<f64>,
    /// Nine of ten were faster.
    pub p90: Option<f64>,
    /// Ninety-nine of a hundred were faster.
    pub p99: Option<f64>,
}
