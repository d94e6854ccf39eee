//! The rights of a revision as they stand now. Each check reads them here, through one atomic pointer; an operator's
//! word replaces them while instances run.
//!
//! What a guest holds open is looked at again when the rights have changed since ([`Hold`]): every change has a
//! number of its own, the epoch, and a use compares numbers and no more.

mod granted;
mod hold;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use airssys_wasm_model::Rights;
use arc_swap::{ArcSwap, Guard};
use tokio::sync::watch;

pub use self::granted::DirectoryError;
pub(crate) use self::granted::Granted;
pub(crate) use self::hold::{Hold, Needs, authority, denial_of_container, denial_of_program};

/// What a revision may do, replaced as a whole.
pub(crate) struct LiveRights {
    now: ArcSwap<Standing>,
    /// The number of `now`, stored after it: who sees a number finds rights that are at least as new.
    epoch: AtomicU64,
    /// Wakes what waits with an open handle.
    changed: watch::Sender<u64>,
}

/// Rights, and what they mean on this machine.
pub(crate) struct Standing {
    pub(crate) rights: Arc<Rights>,
    pub(crate) granted: Granted,
}

impl LiveRights {
    pub(crate) fn new(rights: Arc<Rights>) -> Result<Self, DirectoryError> {
        let granted = Granted::open(&rights)?;
        Ok(Self {
            now: ArcSwap::from_pointee(Standing { rights, granted }),
            epoch: AtomicU64::new(0),
            changed: watch::Sender::new(0),
        })
    }

    /// As they stand. To be let go of before anything is waited for.
    pub(crate) fn now(&self) -> Guard<Arc<Standing>> {
        self.now.load()
    }

    /// How often they have changed.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Replaces them. Whoever changes them takes turns with others who do.
    ///
    /// # Errors
    /// When a directory that was not open yet cannot be opened. The rights are replaced all the same, without it:
    /// what is taken away must not stay for want of something else.
    pub(crate) fn replace(&self, rights: Rights) -> Result<(), DirectoryError> {
        let (granted, failed) = self.now().granted.renewed(&rights);
        self.now.store(Arc::new(Standing { rights: Arc::new(rights), granted }));
        let epoch = self.epoch.fetch_add(1, Ordering::AcqRel) + 1;
        self.changed.send_replace(epoch);
        failed.map_or(Ok(()), Err)
    }

    /// Waits until they have changed since.
    pub(crate) async fn changed_since(&self, epoch: u64) {
        let mut changes = self.changed.subscribe();
        // The sender is as old as this.
        let _ = changes.wait_for(|now| *now != epoch).await;
    }
}
