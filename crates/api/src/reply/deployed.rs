//! Answers to bringing a component to the node.

use airssys_wasm_model::{Digest, Name, RevisionNumber, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Point;

/// How long the parts of a command took, in milliseconds with a fraction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Timings {
    /// Checking and compiling; near nothing when the compiled artifact was at hand.
    pub compile: f64,
    /// Warming the pool, the first instance's init included.
    pub start: f64,
    /// Publishing the last table: from the decision to the first call that could meet it.
    pub switch: f64,
    /// From the command's arrival to its answer.
    pub total: f64,
}

/// The answer to `deploy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deployed {
    /// The service.
    pub service: Name,
    /// The revision it made, or would make.
    pub revision: RevisionNumber,
    /// Its release's version.
    pub version: Version,
    /// Its artifact.
    pub digest: Digest,
    /// The revision's state: `active` when it was deployed, `planned` when only the plan was asked for.
    pub state: String,
    /// The steps, each a line.
    pub plan: Vec<String>,
    /// Where it answers.
    #[serde(default)]
    pub routes: Vec<String>,
    /// How long it took.
    pub timings_ms: Timings,
}

/// The answer to an `update` or `rollback` that was asked for its plan only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    /// The service.
    pub service: Name,
    /// The active revision.
    pub from: Option<Point>,
    /// The revision that would be rolled out.
    pub to: Point,
    /// How.
    pub strategy: String,
    /// The steps, each a line.
    pub plan: Vec<String>,
}
