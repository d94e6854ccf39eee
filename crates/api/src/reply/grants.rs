//! What a service is granted, and what it would need.

use airssys_wasm_model::{AskStanding, Grant, Name, RevisionNumber, UnusedAsk, Use, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The answer to `grants`, `add-grants` and `revoke-grants`: how things stand afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrantsReport {
    /// Which service.
    pub service: Name,
    /// Its revisions that run, the oldest first; of a service of which none runs, the active one.
    pub revisions: Vec<RevisionGrants>,
    /// To `revoke-grants`: what went besides, because it would still have allowed some of what was revoked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_revoked: Vec<Grant>,
}

/// What one revision asks for and is granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RevisionGrants {
    /// Which.
    pub revision: RevisionNumber,
    /// Its version.
    pub version: Version,
    /// What it does.
    pub state: String,
    /// What it asks for, each with the grants that allow some of it now: both together are its rights.
    pub asked: Vec<AskStanding>,
    /// What it was granted, what was revoked since among it.
    pub granted: Vec<GrantLine>,
}

/// One grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrantLine {
    /// As it was given.
    pub grant: Grant,
    /// Since when.
    pub at: Timestamp,
    /// By whose word.
    pub by: String,
    /// When it was revoked and by whom, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revoked>,
    /// Whether it allows nothing of what the revision asks for, and so is worth nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_idle: bool,
}

/// The end of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revoked {
    /// When.
    pub at: Timestamp,
    /// By whose word.
    pub by: String,
}

/// The answer to `suggest-grants`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrantSuggestion {
    /// Which service.
    pub service: Option<Name>,
    /// From when on uses were looked at, if not from the trail's beginning.
    pub since: Option<Timestamp>,
    /// How many allowed uses were seen.
    pub uses: u64,
    /// How many denied ones.
    pub denials: u64,
    /// The least grants that cover what was allowed and used.
    pub grants: Vec<String>,
    /// The same as a grants file.
    pub grants_toml: String,
    /// Grants that would also cover what was denied: to be given only where it was meant to be allowed.
    pub denied: Vec<String>,
    /// What was denied and is not asked for, as grants: the manifest has to ask before they are worth anything.
    #[serde(default)]
    pub unasked: Vec<String>,
    /// What is asked for and no use needed.
    pub unused: Vec<UnusedAsk>,
    /// Uses that no grant can be written for.
    pub uncovered: Vec<Use>,
    /// Why uses may be missing here, in words. Where it is empty, the trail has them all.
    pub incomplete: Vec<String>,
}
