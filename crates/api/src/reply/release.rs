//! Stored artifacts and releases.

use airssys_wasm_model::{Digest, Name, Signer, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The answer to an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stored {
    /// What to name the bytes by.
    pub digest: Digest,
    /// How many they are.
    pub size_bytes: u64,
}

/// The answer to `push`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pushed {
    /// The component.
    pub name: Name,
    /// The release's version.
    pub version: Version,
    /// Its artifact.
    pub digest: Digest,
    /// How large it is.
    pub size_bytes: u64,
    /// `stored`, or `known` when the same bytes stood there already.
    pub state: String,
}

/// The answer to `versions`, the highest version last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Releases(pub Vec<ReleaseLine>);

/// One release of many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseLine {
    /// The release's version.
    pub version: Version,
    /// Its artifact.
    pub digest: Digest,
    /// How large it is.
    pub size_bytes: u64,
    /// When it was stored.
    pub at: Timestamp,
    /// Who signed it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signers: Vec<Signer>,
}
