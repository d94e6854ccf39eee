//! The one thread that writes a trail.
//!
//! Group commit: what gathers in the queue during a window, or while the batch before is synced, is one
//! batch. A record ends the window at once; under load the syncs themselves make the batches large.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

use tokio::sync::Notify;
use tokio::sync::mpsc::Receiver;
use tokio::time::{sleep, timeout};

use super::keeper::{Item, Keeper};
use super::settings::AuditSettings;

/// What time it is. Given in, so that a test can say.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

pub(super) struct Writer {
    pub(super) keeper: Keeper,
    pub(super) queue: Receiver<Item>,
    /// Somebody waits for the batch.
    pub(super) urgent: Arc<Notify>,
    pub(super) settings: AuditSettings,
    pub(super) clock: Clock,
}

/// What a round of the writer brought.
enum Gathered {
    Batch(Vec<Item>),
    /// Nothing came for a while.
    Nothing,
    /// Nobody can hand anything in any more.
    End,
}

impl Writer {
    /// Starts the thread. It ends, with everything written that can be, when the queue is closed.
    pub(super) fn start(self) -> io::Result<JoinHandle<()>> {
        // The timers of the queue need a runtime; this one has no thread beside the writer's.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let write = move || runtime.block_on(self.write());
        thread::Builder::new().name("audit".to_owned()).spawn(write)
    }

    async fn write(mut self) {
        loop {
            match self.gather().await {
                Gathered::Batch(mut items) => {
                    let last = items.iter().any(|item| matches!(item, Item::Close(_)));
                    if last {
                        // Whoever was told that a note is taken is not disappointed.
                        self.queue.close();
                        items.extend(std::iter::from_fn(|| self.queue.try_recv().ok()));
                    }
                    self.keeper.commit(items, (self.clock)());
                    if last {
                        return;
                    }
                }
                Gathered::Nothing => self.keeper.commit(Vec::new(), (self.clock)()),
                Gathered::End => {
                    let (reply, _) = tokio::sync::oneshot::channel();
                    return self.keeper.commit(vec![Item::Close(reply)], (self.clock)());
                }
            }
        }
    }

    async fn gather(&mut self) -> Gathered {
        let first = match timeout(self.settings.retry, self.queue.recv()).await {
            Ok(Some(first)) => first,
            Ok(None) => return Gathered::End,
            Err(_) => return Gathered::Nothing,
        };
        if matches!(first, Item::Note(_)) {
            // The queue is not looked at meanwhile: whoever hands a note in then wakes nobody.
            tokio::select! {
                () = self.urgent.notified() => {}
                () = sleep(self.settings.window) => {}
            }
        }
        let mut items = vec![first];
        while items.len() < self.settings.batch_entries
            && let Ok(item) = self.queue.try_recv()
        {
            items.push(item);
        }
        Gathered::Batch(items)
    }
}
