//! The one thread that writes a trail.
//!
//! Group commit: what gathers in the queue during a window, or while the batch before is synced, is one
//! batch. A record ends the window at once; under load the syncs themselves make the batches large.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

use tokio::time::{sleep, timeout};

use super::inbox::{Batch, Inbox};
use super::keeper::{Item, Keeper};
use super::settings::AuditSettings;

/// What time it is. Given in, so that a test can say.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

pub(super) struct Writer {
    pub(super) keeper: Keeper,
    pub(super) inbox: Arc<Inbox>,
    pub(super) settings: AuditSettings,
    pub(super) clock: Clock,
}

impl Writer {
    /// Starts the thread. It ends, with everything written that can be, when the inbox is shut.
    pub(super) fn start(self) -> io::Result<JoinHandle<()>> {
        // The timers need a runtime; this one has no thread beside the writer's.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let write = move || runtime.block_on(self.write());
        thread::Builder::new().name("audit".to_owned()).spawn(write)
    }

    async fn write(mut self) {
        loop {
            let Batch { mut items, last } = self.gather().await;
            if last && !items.iter().any(|item| matches!(item, Item::Close(_))) {
                let (reply, _) = tokio::sync::oneshot::channel();
                items.push(Item::Close(reply));
            }
            self.keeper.commit(items, (self.clock)());
            if last {
                return;
            }
        }
    }

    /// What came within a window of the first of it, or nothing if nothing came for a while.
    async fn gather(&mut self) -> Batch {
        if timeout(self.settings.retry, self.inbox.begun()).await.is_err() {
            return Batch::default();
        }
        // The inbox is not looked at meanwhile: whoever hands a note in then wakes nobody.
        tokio::select! {
            () = self.inbox.pressed() => {}
            () = sleep(self.settings.window) => {}
        }
        self.inbox.take()
    }
}

impl Drop for Writer {
    /// Also when it panics: nobody waits for what is not written any more.
    fn drop(&mut self) {
        self.inbox.shut();
    }
}
