//! Reading what guests printed and logged.

use airssys_wasm_model::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Read a service's kept log lines. Following is asking again with `after`, and `wait_ms` to be
/// answered when a line arrives: no connection is held for a reader that went away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Logs {
    /// Which service.
    pub service: Name,
    /// Only lines after this sequence number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// At most so many of the latest lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<u32>,
    /// Where there is no line yet, wait so long for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

impl Logs {
    /// The longest wait: short of what proxies and clients commonly allow an idle request.
    pub const MAX_WAIT_MS: u64 = 20_000;
}
