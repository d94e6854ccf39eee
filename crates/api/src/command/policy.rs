//! The operator's policy: who may do what.

use std::collections::BTreeSet;

use airssys_wasm_model::{Grant, Name, Signer, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A command without fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Put another policy in the place of the node's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPolicy {
    /// The policy, in Cedar.
    pub policy: String,
    /// Deny nothing by it, and log what would have been denied.
    #[serde(default)]
    pub dry_run: bool,
}

/// Ask what the policy says of an act, without doing it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainPolicy {
    /// Which: `deploy`, `promote`, `grant` and so on.
    pub act: String,
    /// On which service, for the acts that are about one; a secret's name for those about secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Which token would do it. Whoever asks, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Name>,
    /// Somebody with these roles, in place of a token.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<Name>,
    /// Of the release, for `push`, `deploy` and `update`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Who has signed the release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signers: Vec<Signer>,
    /// What would be granted or taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
}
