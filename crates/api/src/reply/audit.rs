//! What the audit trail says.

use std::collections::BTreeMap;
use std::fmt;

use airssys_wasm_model::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer to `audit`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntries {
    /// The entries, the latest last.
    pub entries: Vec<AuditEntry>,
    /// Ask for what comes after this.
    pub next: u64,
}

/// One entry. Its JSON is the line of the trail, byte for byte, so that whoever keeps it can check its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// Its number: the first is 1, and none is left out.
    pub seq: u64,
    /// When it happened.
    pub at: String,
    /// The service it concerns.
    pub service: Option<String>,
    /// The revision of it.
    pub revision: Option<u64>,
    /// The instance that acted, by a number of its node's.
    pub instance: Option<u64>,
    /// The request id of the call or command that it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// What kind of act: a command's name, a capability's, `call`, `control`, or `audit` for the trail itself.
    pub kind: String,
    /// What it was done to.
    pub target: String,
    /// Whether it was allowed.
    pub decision: AuditDecision,
    /// Anything else worth a line: why it was denied, what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How many acts it stands for.
    pub count: u64,
    /// One in how many of such uses was recorded, if not each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_in: Option<u32>,
    /// The hash of the line before.
    pub prev: String,
    /// The hash of this line.
    pub hash: String,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuditDecision {
    /// It was allowed.
    Allowed,
    /// It was denied.
    Denied,
    /// It was allowed, because the policy that denies it only runs dry.
    WouldBeDenied,
}

/// The answer to `audit-verify`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditReport {
    /// Whether nothing is wrong.
    pub intact: bool,
    /// Segments read.
    pub segments: u64,
    /// Entries read.
    pub entries: u64,
    /// The first entry that retention left, or 0.
    pub first_seq: u64,
    /// The last entry read, or 0.
    pub last_seq: u64,
    /// Bytes after the acknowledged end: of a batch that was under way. No part of the trail.
    pub unacknowledged_bytes: u64,
    /// Whether the witness is of an entry that retention has taken: nothing could be compared with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_witness_gone: bool,
    /// The key from elsewhere by which it is intact, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The first thing that is wrong.
    pub finding: Option<AuditFinding>,
}

/// Where a trail is wrong, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditFinding {
    /// The segment, or 0 for the trail as a whole.
    pub segment: u64,
    /// The line in its file, from 1, or 0 for the segment as a whole.
    pub line: u64,
    /// The entry that belongs there.
    pub seq: u64,
    /// All of it in words.
    pub wrong: String,
}

/// The answer to `audit-status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditStanding {
    /// Whether acts can be recorded.
    pub writable: bool,
    /// Why not.
    pub why: Option<String>,
    /// What the trail is verified with: the public half of the node's key.
    pub public_key: String,
    /// How many of the allowed uses of each kind are recorded: `all`, `none` or `1/N`. Denials and commands
    /// always are.
    pub levels: BTreeMap<String, String>,
    /// The services whose calls are refused while they cannot be recorded.
    pub required: Vec<Name>,
}

impl AuditDecision {
    /// As it stands in the trail.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::WouldBeDenied => "would-be-denied",
        }
    }
}

impl fmt::Display for AuditDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_the_line_it_came_from() {
        for line in [
            r#"{"seq":7,"at":"2026-11-23T07:00:00.123Z","service":"greeter","revision":3,"instance":12,"call":"0a","principal":"ada","kind":"files","target":"/etc/\"x\"","decision":"denied","detail":"grant é","count":9,"one_in":10,"prev":"00","hash":"11"}"#,
            r#"{"seq":1,"at":"2026-11-23T07:00:00.000Z","service":null,"revision":null,"instance":null,"kind":"list","target":"","decision":"would-be-denied","count":1,"prev":"00","hash":"11"}"#,
        ] {
            let entry: AuditEntry = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::to_string(&entry).unwrap(), line);
        }
    }
}
