//! An update of several services: how it stands for each of them.

use airssys_wasm_model::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Outcome, Planned, RolloutReport, Timings};
use crate::Timestamp;
use crate::command::{UpdateNumber, UpdateOrder};

/// The answer to `updates`, and how such an update stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JointReport {
    /// Which update of several services on this node, counted from 1.
    pub update: UpdateNumber,
    /// When a service that was ready went on.
    pub order: UpdateOrder,
    /// How it stands for all; null while under way.
    pub outcome: Option<Outcome>,
    /// Why it stands so, for people.
    pub reason: String,
    /// When it began.
    pub at: Timestamp,
    /// Who asked for it.
    pub by: String,
    /// The rollout of each service, in the order that was given. One that was promoted and went back is
    /// `aborted`. A service that was removed, or whose rollout was never recorded, is left out.
    pub services: Vec<RolloutReport>,
    /// How long it took so far.
    pub timings_ms: Timings,
}

/// The answer to `updates` that were asked for their plans only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JointPlan {
    /// When a service that is ready would go on.
    pub order: UpdateOrder,
    /// The plan for each service, in the order that was given.
    pub plans: Vec<Planned>,
}

/// The update of several services that the rollout of one is part of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Joined {
    /// Which update.
    pub update: UpdateNumber,
    /// When a service that is ready goes on.
    pub order: UpdateOrder,
    /// All that take part, in their order.
    pub services: Vec<Name>,
    /// Those that this one waits for, if it has nothing else to wait for.
    pub waits_for: Vec<Name>,
}
