//! Asking the audit trail.

use airssys_wasm_model::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::reply::AuditDecision;

/// Read the audit trail. Whoever follows it without a stream asks again with `after_seq`, and `wait_ms` to be
/// answered when something is recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// Only what concerns this service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
    /// Only of this kind: `deploy`, `files`, `http`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only with this decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<AuditDecision>,
    /// Not before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Only after the entry with this number, the first that follow; without it, the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_seq: Option<u64>,
    /// At most so many: [`Audit::LIMIT`] unless said otherwise, and never more than [`Audit::MAX_LIMIT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where there is none yet, wait so long for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

impl Audit {
    /// How many entries are answered unless said otherwise.
    pub const LIMIT: u32 = 100;

    /// The most entries in one answer: of about 400 bytes each, they are less than half a megabyte.
    pub const MAX_LIMIT: u32 = 1_000;

    /// The longest wait: short of what proxies and clients commonly allow an idle request.
    pub const MAX_WAIT_MS: u64 = 20_000;
}

/// Check the whole audit trail: every hash, seal and signature.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditVerify {
    /// An entry that was kept elsewhere, `SEQ:HASH`: it must be in the trail. That the whole folder was put back
    /// to an earlier day shows in nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
    /// A public key that was kept elsewhere, 64 hexadecimal digits as `audit-status` has them: the trail must be signed
    /// by it, by keys that followed it, and before it by those that it followed. Without, the node's own key counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Ask what is recorded, and whether it can be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditStatus {}
