//! Commands about a service that need no more than its name.

use airssys_wasm_model::{Name, RevisionNumber};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A command about this service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Which service.
    pub service: Name,
}

/// List the services.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {}

/// What a revision is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inspect {
    /// Which service.
    pub service: Name,
    /// Which revision; the active one unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<RevisionNumber>,
}
