//! How many keys of a service have a state, or may have one when their call ends.
//!
//! They are counted once, by their records. From then on a key without a state takes a place before its call runs, so that
//! many new keys at once are no more than one after the other. Nothing of this is recorded: what a crash leaves is
//! counted anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The places of one service.
pub(super) struct Places(Arc<AtomicU64>);

/// One of them, given back by dropping it.
pub(super) struct Place(Option<Arc<AtomicU64>>);

impl Places {
    /// Of so many keys with a state.
    pub(super) fn of(taken: u64) -> Self {
        Self(Arc::new(AtomicU64::new(taken)))
    }

    /// Those that are taken.
    pub(super) fn taken(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes one of so many, if one is free.
    pub(super) fn take(&self, most: u32) -> Option<Place> {
        let take = |taken: u64| (taken < u64::from(most)).then_some(taken + 1);
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.is_ok().then(|| Place(Some(Arc::clone(&self.0))))
    }

    /// Every state was deleted.
    pub(super) fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl Place {
    /// Its key has a state now, which stays.
    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(taken) = &self.0 {
            // Of states that were all deleted meanwhile none is left to give back.
            let less = |taken: u64| taken.checked_sub(1);
            let _ = taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
    }
}
