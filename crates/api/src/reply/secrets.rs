//! Secrets, without their values.

use airssys_wasm_model::SecretName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The answer to `set-secret`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretSet {
    /// Which.
    pub name: SecretName,
    /// The number of its new version.
    pub version: u64,
}

/// The answer to `list-secrets`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretList {
    /// The secrets, by their names.
    pub secrets: Vec<SecretLine>,
}

/// One secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretLine {
    /// Its name.
    pub name: SecretName,
    /// The number of the version in use.
    pub version: u64,
    /// When that was set.
    pub set_at: Timestamp,
    /// The size of its value.
    pub size_bytes: u64,
    /// How many versions are kept.
    pub kept: u32,
}

/// The answer to `remove-secret`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretRemoved {
    /// Which.
    pub name: SecretName,
}
