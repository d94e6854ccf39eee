//! A key that was replaced.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer to `rotate-secrets-key` and `rotate-audit-key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyRotated {
    /// What the key before is known by: of the audit trail's, the half that verifies.
    pub former: String,
    /// What the key from now on is known by.
    pub current: String,
    /// The versions of secrets that were sealed anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resealed: Option<u64>,
}
