//! The task of a service: walks what its record asks for, for as long as the service is there.
//!
//! Nobody waits for this task, so it has to get over whatever happens in it: what it cannot save is saved
//! later, and what panics begins again.

use std::any::Any;
use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_deploy::{NotSaved, walk};
use futures::FutureExt as _;

use crate::service::Service;

/// How long a walk waits after its record could not be saved, or it panicked. A disk that is full stays so
/// for a while, and the calls go on meanwhile.
pub(crate) const SAVE_AGAIN_AFTER: Duration = Duration::from_secs(1);

impl Service {
    /// Walks what the record asks for until the service has been removed.
    pub(crate) async fn walk_on(self: Arc<Self>) {
        supervised(self.name(), || self.walk_to_the_end()).await;
    }

    async fn walk_to_the_end(&self) {
        let mut record = self.watch();
        loop {
            let walked = walk(self).await;
            if walked.is_ok() && !self.record().is_removed() {
                if record.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let forgotten = match walked {
                Ok(()) => self.forget().await.map_err(|error| error.to_string()),
                Err(NotSaved(error)) => Err(error),
            };
            match forgotten {
                Ok(()) => return,
                Err(error) => tracing::error!(service = %self.name(), "{error}; trying again"),
            }
            tokio::time::sleep(SAVE_AGAIN_AFTER).await;
        }
    }
}

/// Does work that nobody waits for to its end, and begins it again when it panics. A walk may be cut short at any
/// instant and goes on from the records, so nothing is lost by it.
pub(crate) async fn supervised<W: Future<Output = ()>>(whose: &impl Display, work: impl Fn() -> W) {
    while let Err(panic) = AssertUnwindSafe(work()).catch_unwind().await {
        let said = said(&*panic);
        tracing::error!(
            "a fault in the node broke the work on {whose} off: {said}; it begins again"
        );
        tokio::time::sleep(SAVE_AGAIN_AFTER).await;
    }
}

/// What a panic said, if it was words.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or(panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it said nothing")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_walk_that_panics_begins_again_after_a_while() {
        let begun = Cell::new(0);
        let work = || async {
            begun.set(begun.get() + 1);
            assert!(begun.get() > 2, "it panics twice");
        };
        let start = tokio::time::Instant::now();
        supervised(&"a test", work).await;
        assert_eq!((begun.get(), start.elapsed()), (3, 2 * SAVE_AGAIN_AFTER));
    }
}
