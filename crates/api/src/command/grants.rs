//! Grants of a service that runs: given, revoked, and suggested by what it used.

use airssys_wasm_model::{Grants, Name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Allow a service more, from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddGrants {
    /// Which service.
    pub service: Name,
    /// What it is allowed.
    pub grants: Grants,
}

/// Allow a service something no more, from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeGrants {
    /// Which service.
    pub service: Name,
    /// What it is allowed no more, in the words of its grants or wider ones.
    #[serde(default)]
    pub grants: Grants,
    /// Everything, in place of `grants`.
    #[serde(default)]
    pub all: bool,
}

/// The least grants that cover what a service used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuggestGrants {
    /// Which service.
    pub service: Name,
    /// What it used from then on; everything that the trail has, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}
