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
    /// Files and directories that one instance may have open at once, those it was given apart.
    pub files: u32,
    /// Sockets that one instance may have open at once, those that it accepted among them.
    pub sockets: u32,
}

impl Limits {
    /// One page of linear memory: below it a component with a memory cannot be instantiated at all.
    pub const MEMORY_MIN: ByteSize = ByteSize(64 << 10);

    /// What one 32-bit memory can reach at all. A component may have several, and they share this: a node
    /// has many instances, and one that wants more than 4 GiB is a machine's work of its own.
    pub const MEMORY_MAX: ByteSize = ByteSize(4 << 30);

    /// The longest `time` and `cpu`. A call of more than a day is a job that belongs into a queue, and a
    /// drain waits as long as a call may take.
    pub const TIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);

    /// The most calls at once: far above what one machine keeps in memory, and far below where a counter
    /// or a semaphore ends.
    pub const CONCURRENCY_MAX: u32 = 100_000;

    /// The longest queue. A call in it costs about a KiB, so that a full one still fits into a node.
    pub const QUEUE_MAX: u32 = 1_000_000;

    /// The most open files of one instance. A process often has 1,024 for all of them, and a handle of the host
    /// for each is bounded besides.
    pub const FILES_MAX: u32 = 1000;

    /// The most open sockets of one instance: a quarter of the descriptors that a process often has.
    pub const SOCKETS_MAX: u32 = 256;

    /// What a manifest that says nothing gets.
    pub const DEFAULT: Self = Self {
        memory: ByteSize::mib(64),
        time: Span(Duration::from_secs(5)),
        cpu: Span(Duration::from_secs(1)),
        concurrency: 100,
        queue: 1000,
        files: 64,
        sockets: 16,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
