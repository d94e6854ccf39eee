//! A service that is brought up again after a start of the node: its callers wait for it, and it comes sooner
//! for them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::watch;

/// How long a call waits for its service to be brought up. Compiling again, which a node of a newer version has
/// to do, takes a large component some seconds.
const CALLER_WAITS: Duration = Duration::from_secs(30);

/// Whether a service is still being brought up. A new one is not: it has nothing to bring up.
#[derive(Debug)]
pub(crate) struct Starting {
    /// Read on every call, and false from the start's end on.
    now: AtomicBool,
    wanted: Notify,
    ended: watch::Sender<bool>,
}

impl Default for Starting {
    fn default() -> Self {
        Self { now: AtomicBool::new(false), wanted: Notify::new(), ended: watch::Sender::new(true) }
    }
}

impl Starting {
    /// It is recorded, and will be brought up.
    pub(crate) fn begin(&self) {
        self.ended.send_replace(false);
        self.now.store(true, Ordering::Release);
    }

    /// It is up, or could not be brought up.
    pub(crate) fn end(&self) {
        self.now.store(false, Ordering::Release);
        self.ended.send_replace(true);
    }

    /// Waits until a caller wants it.
    pub(crate) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Whether a call has to wait.
    pub(crate) fn is_now(&self) -> bool {
        self.now.load(Ordering::Acquire)
    }

    /// Waits as a caller does, with a bound; whether it is up is seen by calling it.
    pub(crate) async fn wait(&self) {
        self.wanted.notify_one();
        let mut ended = self.ended.subscribe();
        // Both ways out mean that there is nothing more to wait for.
        let _ = tokio::time::timeout(CALLER_WAITS, ended.wait_for(|ended| *ended)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_caller_waits_and_is_wanted_even_if_nobody_listens_yet() {
        let starting = Arc::new(Starting::default());
        assert!(!starting.is_now());
        starting.begin();
        assert!(starting.is_now());
        let waiting = tokio::spawn({
            let starting = Arc::clone(&starting);
            async move { starting.wait().await }
        });
        tokio::task::yield_now().await;
        starting.wanted().await;
        assert!(!waiting.is_finished());
        starting.end();
        waiting.await.unwrap();
        assert!(!starting.is_now());
    }
}
