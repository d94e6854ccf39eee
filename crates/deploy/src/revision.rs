//! One revision of a service, as it is recorded.

use std::collections::BTreeSet;
use std::fmt;

use airssys_wasm_model::{
    Determinism, Digest, Grants, HttpSettings, Instances, Limits, RevisionNumber, RoutingSettings,
    Signer, Version,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::timestamp::Timestamp;

/// What a revision is made of. It never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RevisionSettings {
    /// The release's version.
    pub version: Version,
    /// The release's artifact.
    pub digest: Digest,
    /// What its `init` gets.
    pub config: Map<String, Value>,
    /// The names in `config` that the operator set. The others are its manifest's defaults, and an update
    /// takes the new ones over.
    #[serde(default)]
    pub config_set: BTreeSet<String>,
    /// What the operator allows it.
    pub grants: Grants,
    /// What it may use.
    pub limits: Limits,
    /// How its instances live.
    pub instances: Instances,
    /// What of their surroundings is fixed.
    #[serde(default, skip_serializing_if = "Determinism::is_none")]
    pub determinism: Determinism,
    /// Where it answers.
    pub http: HttpSettings,
    /// What callers have a say in while it is the active one.
    #[serde(default)]
    pub routing: RoutingSettings,
    /// Who signed its artifact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signers: Vec<Signer>,
}

/// A revision in its service's record: what it is made of, where it came from and what it does now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RevisionRecord {
    /// Its number within the service.
    pub number: RevisionNumber,
    /// What it is made of.
    #[serde(flatten)]
    pub settings: RevisionSettings,
    /// What it does now.
    pub state: RevisionState,
    /// Why it failed, if it did.
    pub fault: Option<String>,
    /// When it was promoted last, if it ever was.
    pub promoted: Option<Timestamp>,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it.
    pub by: String,
    /// What for.
    pub why: String,
}

/// What a revision does. One word a state, in every place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RevisionState {
    /// It is being compiled, linked and warmed.
    Starting,
    /// It runs and gets no calls: it waits for its first, or is kept warm after its last.
    Ready,
    /// It gets a share of the calls, on trial.
    Candidate,
    /// It gets the calls.
    Active,
    /// It gets no new calls, and its last ones end.
    Draining,
    /// It does not run.
    Stopped,
    /// It does not run because it could not, or was taken back for what it did.
    Failed,
}

impl RevisionSettings {
    /// What the operator set in the configuration, for the revision that replaces this one.
    pub fn own_config(&self) -> Map<String, Value> {
        let own = self.config.iter().filter(|(name, _)| self.config_set.contains(*name));
        own.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

impl RevisionRecord {
    /// What it takes in its service's record.
    pub(crate) fn size_bytes(&self) -> usize {
        // What cannot be written cannot be saved either, and is found there.
        serde_json::to_vec(self).map_or(0, |text| text.len())
    }

    /// It does not run any more; its fault, if it has one, was why.
    pub(crate) fn stop(&mut self) {
        if self.state.is_running() {
            let failed = self.fault.is_some();
            self.state = if failed { RevisionState::Failed } else { RevisionState::Stopped };
        }
    }
}

impl RevisionState {
    /// Whether instances of it may exist.
    pub const fn is_running(self) -> bool {
        !matches!(self, Self::Stopped | Self::Failed)
    }

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Candidate => "candidate",
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for RevisionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
