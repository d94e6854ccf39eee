//! What one revision may use.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::unit::{ByteSize, Span};

/// The limits of one revision. Every one is on by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The linear memories and tables of one instance, together.
    pub memory: ByteSize,
    /// Wall clock from a call's claim to its response's headers, then for each idle gap of its body.
    pub time: Span,
    /// Time one call may spend running on a processor.
    pub cpu: Span,
    /// Calls of one revision at once.
    pub concurrency: u32,
    /// Calls of one revision that may wait for a place. The next one is turned away.
    pub queue: u32,
}

impl Limits {
    /// What a manifest that says nothing gets.
    pub const DEFAULT: Self = Self {
        memory: ByteSize::mib(64),
        time: Span(Duration::from_secs(5)),
        cpu: Span(Duration::from_secs(1)),
        concurrency: 100,
        queue: 1000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
