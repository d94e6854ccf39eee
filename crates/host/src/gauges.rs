//! What the instances of one revision use together.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Counts that every call changes. They lie in one cache line: processors that take turns at a revision hand
/// each other this line, and no other, for all of them.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Gauges {
    live: AtomicU32,
    memory_bytes: AtomicU64,
    cpu_nanos: AtomicU64,
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
