//! What the instances of one revision use, together and call by call.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::histogram::Histogram;

/// Counts that every call changes. They lie in one cache line: processors that take turns at a revision hand
/// each other this line, and no other, for all of them.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Gauges {
    live: AtomicU32,
    memory_bytes: AtomicU64,
    cpu_nanos: AtomicU64,
    refused: AtomicU64,
}

/// What calls used, one by one. Calls that share an instance are not told apart, and count in none of them.
#[derive(Debug, Default)]
pub struct Costs {
    /// Microseconds on a processor.
    pub cpu_us: Histogram,
    /// Kilobytes of memories and tables that its instance had at the call's end.
    pub memory_kb: Histogram,
}

impl Costs {
    /// A call has ended, having run for so long.
    pub(crate) fn ran(&self, spent: Duration, now: Instant) {
        self.cpu_us.record(u64::try_from(spent.as_micros()).unwrap_or(u64::MAX), now);
    }

    /// The instance of a call that ends holds so much.
    pub(crate) fn held(&self, bytes: usize, now: Instant) {
        self.memory_kb.record(bytes as u64 >> 10, now);
    }
}

impl Gauges {
    /// Instances alive.
    pub(crate) fn live(&self) -> u32 {
        self.live.load(Ordering::Relaxed)
    }

    /// Memories and tables of the live instances.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_bytes.load(Ordering::Relaxed)
    }

    /// Time that the calls have spent running.
    pub(crate) fn cpu(&self) -> Duration {
        Duration::from_nanos(self.cpu_nanos.load(Ordering::Relaxed))
    }

    /// Requests of copied calls that were kept from leaving.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(crate) fn refuses(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn ran(&self, spent: Duration) {
        let nanos = spent.as_nanos().try_into().unwrap_or(u64::MAX);
        self.cpu_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// An instance begins to count, with what it uses already.
    pub(crate) fn begins(&self, used: usize) {
        self.live.fetch_add(1, Ordering::Relaxed);
        self.grows(used);
    }

    pub(crate) fn grows(&self, by: usize) {
        self.memory_bytes.fetch_add(by as u64, Ordering::Relaxed);
    }

    /// An instance is gone, with what it used.
    pub(crate) fn ends(&self, used: usize) {
        self.live.fetch_sub(1, Ordering::Relaxed);
        self.memory_bytes.fetch_sub(used as u64, Ordering::Relaxed);
    }
}
