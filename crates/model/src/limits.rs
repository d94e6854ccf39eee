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
    /// What else of the host one instance may hold at once: streams, bodies, headers, descriptors, tasks of its own.
    pub handles: u32,
    /// Core instances, memories and tables that one instance may be made of: so many of each.
    pub parts: u32,
    /// Bytes of one answer.
    pub output: ByteSize,
    /// Lines that one call may say.
    pub log_lines: u32,
    /// Bytes of lines that the revision may say in a second; each line counts 64 besides.
    pub log_rate: ByteSize,
    /// Outbound HTTP requests that one instance may have under way.
    pub requests: u32,
    /// Outbound HTTP requests that the revision may begin in a second.
    pub request_rate: u32,
    /// Bytes that one call may send and receive by outbound HTTP (without heads), by calls of services and by sockets,
    /// together. What comes by a TCP connection of WASI 0.3 is not counted.
    pub transfer: ByteSize,
    /// Bytes that the buckets of its service may hold when it writes to one.
    pub keyvalue: ByteSize,
    /// Keys that the revision may read or write in a second.
    pub keyvalue_rate: u32,
    /// Actors that its service may have: keys that have a state. A call with a key more is refused.
    pub actors: u32,
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

    /// The fewest handles: a request with its body, its answer and the standard streams take a dozen.
    pub const HANDLES_MIN: u32 = 16;

    /// The most handles. Each may be a set of header fields of 32 KiB, so that an instance that holds so many takes
    /// 320 MiB of the host.
    pub const HANDLES_MAX: u32 = 10_000;

    /// The most parts of a kind. A composition of hundreds of components is below it.
    pub const PARTS_MAX: u32 = 1_000;

    /// The smallest `output`: an answer's few words.
    pub const OUTPUT_MIN: ByteSize = ByteSize(1 << 10);

    /// The most bytes of an answer, and of what a call sends and receives. At a hundred megabits a second it takes a
    /// day, as long as a call may take.
    pub const BYTES_MAX: ByteSize = ByteSize(1 << 40);

    /// The most lines of a call: what a log of them would be searched for is no longer found.
    pub const LOG_LINES_MAX: u32 = 1_000_000;

    /// The smallest `log_rate`: a line of the longest must fit.
    pub const LOG_RATE_MIN: ByteSize = ByteSize(16 << 10);

    /// The largest `log_rate`: more than a disk takes.
    pub const LOG_RATE_MAX: ByteSize = ByteSize(1 << 30);

    /// What a line counts beside its text: about what it takes to keep its moment, its stream and its numbers.
    pub const LOG_LINE_BYTES: u64 = 64;

    /// The most outbound requests at once, which is what all guests of a node may have together.
    pub const REQUESTS_MAX: u32 = 256;

    /// The highest rate of requests or keys: one a microsecond.
    pub const RATE_MAX: u32 = 1_000_000;

    /// The most that the buckets of a service may hold: every opening of the store counts it.
    pub const KEYVALUE_MAX: ByteSize = ByteSize(16 << 30);

    /// The most actors of a service. Each start of a node counts them, and each has a record of a KiB or more.
    pub const ACTORS_MAX: u32 = 10_000_000;

    /// What a manifest that says nothing gets.
    pub const DEFAULT: Self = Self {
        memory: ByteSize::mib(64),
        time: Span(Duration::from_secs(5)),
        cpu: Span(Duration::from_secs(1)),
        concurrency: 100,
        queue: 1000,
        files: 64,
        sockets: 16,
        handles: 1_000,
        parts: 200,
        output: ByteSize::mib(1 << 10),
        log_lines: 1_000,
        log_rate: ByteSize::mib(4),
        requests: 32,
        request_rate: 10_000,
        transfer: ByteSize::mib(1 << 10),
        keyvalue: ByteSize::mib(64),
        keyvalue_rate: 20_000,
        actors: 100_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
