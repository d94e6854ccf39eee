//! Changing how many instances may live.

use airssys_wasm_model::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Change how many instances of a service may live. What is not said stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Which service.
    pub service: Name,
    /// Instances kept warm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// Instances at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}
