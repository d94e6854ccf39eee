//! Log lines of guests.

use airssys_wasm_model::RevisionNumber;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The answer to `logs`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogLines {
    /// The lines, the latest last.
    pub lines: Vec<LogLine>,
    /// Ask for what comes after this.
    pub next: u64,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    /// Its number, rising within the service while the node runs.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Which revision wrote it.
    pub revision: RevisionNumber,
    /// Where it came from: `stdout`, `stderr`, `log`.
    pub stream: String,
    /// How grave it is: `trace`, `debug`, `info`, `warn`, `error`, `critical`.
    pub level: String,
    /// The text, without its line's end.
    pub text: String,
}
