//! What the policy is and what it says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer to `show-policy` and `set-policy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyReport {
    /// The policy, in Cedar.
    pub policy: String,
    /// `enforce`, or `dry-run` where nothing is denied by it; `none` of one that is only checked.
    pub enforcement: String,
    /// The names of its rules.
    pub rules: Vec<String>,
    /// What looks like a mistake in it, each with its line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The answer to `explain-policy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyDecision {
    /// `allowed`, `denied`, or `would-deny` where nothing is denied.
    pub decision: String,
    /// Which rules decided, or what those that come near would want.
    pub explanation: String,
}
