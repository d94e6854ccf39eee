//! Whether the disk takes entries, as whoever hands them in sees it. What is done about a disk that doesn't is the
//! keeper's.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::AuditError;

/// Whether the disk takes entries; shared with whoever hands them in.
#[derive(Debug, Default)]
pub(super) struct Standing {
    refuses: AtomicBool,
    /// Why. Held for a clone or an exchange, by those who are refused and by the writer.
    why: Mutex<Option<Arc<io::Error>>>,
    /// Notes refused since it refuses.
    pub(super) refused_notes: AtomicU64,
}

impl Standing {
    /// Why notes are refused, if they are. One load if they aren't.
    pub(super) fn refusal(&self) -> Option<AuditError> {
        if !self.refuses.load(Ordering::Acquire) {
            return None;
        }
        self.why().clone().map(AuditError::unwritable)
    }

    pub(super) fn refuse(&self, why: Arc<io::Error>) {
        *self.why() = Some(why);
        self.refuses.store(true, Ordering::Release);
    }

    /// Notes that were refused since these were told of are told of the next time.
    pub(super) fn accept(&self, told_notes: u64) {
        self.refuses.store(false, Ordering::Release);
        *self.why() = None;
        self.refused_notes.fetch_sub(told_notes, Ordering::Relaxed);
    }

    fn why(&self) -> MutexGuard<'_, Option<Arc<io::Error>>> {
        self.why.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
