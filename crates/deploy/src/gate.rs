//! The gate in front of one revision: it counts the calls inside and, once shut, lets no other in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// What became of a drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every call ended by itself.
    Empty,
    /// The bound was reached with this many calls still inside.
    TimedOut {
        /// Calls still inside.
        left: u64,
    },
}

/// A call inside a gate. Dropping it is leaving.
#[derive(Debug)]
#[must_use = "dropping it says that the call has ended"]
pub struct InFlight(Arc<Gate>);

/// Count and shutter share one word, so that entering and shutting have one order: an entrant either
/// comes before the shutting, and is waited for, or sees it.
#[derive(Debug)]
pub(crate) struct Gate {
    state: AtomicU64,
    emptied: Notify,
}

/// The shutter's bit. The count below it would need 2^63 calls at once to reach it.
const SHUT: u64 = 1 << 63;

impl Gate {
    pub(crate) fn open() -> Arc<Self> {
        Arc::new(Self { state: AtomicU64::new(0), emptied: Notify::new() })
    }

    /// Counts a call in, unless the gate is shut.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<InFlight> {
        let before = self.state.fetch_add(1, Ordering::AcqRel);
        // Made before the test: turned away, it leaves again and wakes a drain that counted it.
        let inside = InFlight(Arc::clone(self));
        (before & SHUT == 0).then_some(inside)
    }

    /// Lets calls in again, for a revision that comes back while it drains.
    pub(crate) fn reopen(&self) {
        self.state.fetch_and(!SHUT, Ordering::AcqRel);
    }

    /// Calls inside now.
    pub(crate) fn inside(&self) -> u64 {
        self.state.load(Ordering::Acquire) & !SHUT
    }

    /// Lets no other call in.
    pub(crate) fn shut(&self) {
        self.state.fetch_or(SHUT, Ordering::AcqRel);
    }

    /// Waits until the last call has left a gate that is shut, at most `bound`.
    pub(crate) async fn drain(&self, bound: Duration) -> Drained {
        match tokio::time::timeout(bound, self.emptied()).await {
            Ok(()) => Drained::Empty,
            Err(_) => match self.inside() {
                0 => Drained::Empty,
                left => Drained::TimedOut { left },
            },
        }
    }

    async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            // Registered before the count is read, so that the last call cannot leave in between unheard.
            emptied.as_mut().enable();
            if self.inside() == 0 {
                return;
            }
            emptied.await;
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.state.fetch_sub(1, Ordering::AcqRel) == SHUT | 1 {
            self.0.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_drain_waits_for_the_last_call() {
        let gate = Gate::open();
        let (first, last) = (gate.enter().unwrap(), gate.enter().unwrap());
        gate.shut();
        let draining = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.drain(BOUND).await }
        });
        tokio::task::yield_now().await;
        drop(first);
        tokio::task::yield_now().await;
        assert!(!draining.is_finished());
        drop(last);
        assert_eq!(draining.await.unwrap(), Drained::Empty);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shut_gate_lets_nobody_in_and_says_who_is_left() {
        let gate = Gate::open();
        let _stuck = gate.enter().unwrap();
        gate.shut();
        assert_eq!(gate.drain(BOUND).await, Drained::TimedOut { left: 1 });
        assert!(gate.enter().is_none());
        assert_eq!(gate.inside(), 1);
        gate.reopen();
        assert!(gate.enter().is_some());
    }
}
