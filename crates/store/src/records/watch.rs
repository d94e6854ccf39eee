//! Telling others that records changed: a bounded broadcast of keys, never of bytes.

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::broadcast::{self, Receiver, Sender};

/// Changes kept for a slow watcher. A watcher that falls further behind reads everything once anyway,
/// which then costs less than following; at about 100 bytes each the backlog stays under 100 KB.
pub const WATCH_BACKLOG: usize = 512;

/// What happened under the watched prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The record was put and is (or was, a moment ago) at this version.
    Put {
        /// Its key.
        key: String,
        /// Its new version.
        version: u64,
    },
    /// The record was deleted.
    Deleted {
        /// Its former key.
        key: String,
    },
    /// Changes went by untold, because the watcher was slow or the disk failed during one: list the
    /// prefix again.
    Missed,
}

/// Changes under one prefix, in the order they were made. Ends when the store is closed.
#[derive(Debug)]
pub struct Watch {
    prefix: String,
    receiver: Receiver<Change>,
}

/// The sending side.
#[derive(Clone, Debug)]
pub(super) struct Announcer(Sender<Change>);

impl Announcer {
    pub(super) fn new() -> Self {
        Self(broadcast::channel(WATCH_BACKLOG).0)
    }

    pub(super) fn watch(&self, prefix: &str) -> Watch {
        Watch { prefix: prefix.to_owned(), receiver: self.0.subscribe() }
    }

    /// Having no watcher is fine.
    pub(super) fn tell(&self, change: Change) {
        let _ = self.0.send(change);
    }
}

impl Watch {
    /// The next change; `None` once the store is closed.
    pub async fn next(&mut self) -> Option<Change> {
        loop {
            match self.receiver.recv().await {
                Ok(change) if !self.concerns(&change) => {}
                Ok(change) => return Some(change),
                Err(RecvError::Lagged(_)) => return Some(Change::Missed),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// A change that has already happened, without waiting.
    pub fn try_next(&mut self) -> Option<Change> {
        loop {
            match self.receiver.try_recv() {
                Ok(change) if !self.concerns(&change) => {}
                Ok(change) => return Some(change),
                Err(TryRecvError::Lagged(_)) => return Some(Change::Missed),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            }
        }
    }

    fn concerns(&self, change: &Change) -> bool {
        match change {
            Change::Put { key, .. } | Change::Deleted { key } => key.starts_with(&self.prefix),
            Change::Missed => true,
        }
    }
}
