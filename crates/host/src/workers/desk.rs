//! What a worker needs of its pool for as long as it lives.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use tokio_util::sync::CancellationToken;

use super::{Worker, Workers};
use crate::gauges::Gauges;
use crate::pool::Pool;
use crate::prepare::Revision;

/// The parts of a pool that a worker stands on. It does not hold the pool itself, or a pool that nobody else holds
/// would live, and its instances with it, until the process ends.
pub(super) struct Desk {
    pub(super) pool: Weak<Pool>,
    pub(super) revision: Arc<Revision>,
    pub(super) gauges: Arc<Gauges>,
    pub(super) stopping: CancellationToken,
    stopped: Arc<AtomicBool>,
    workers: Arc<Workers>,
}

impl Desk {
    /// A desk among the workers of this pool.
    pub(super) fn new(pool: &Arc<Pool>, workers: &Arc<Workers>) -> Self {
        Self {
            pool: Arc::downgrade(pool),
            revision: Arc::clone(&pool.revision),
            gauges: Arc::clone(&pool.gauges),
            stopping: pool.stopping.clone(),
            stopped: Arc::clone(&pool.stopped),
            workers: Arc::clone(workers),
        }
    }

    /// Whether the pool takes no further calls.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Lets a worker take no further calls.
    pub(super) fn leave(&self, worker: &Arc<Worker>) {
        self.workers.leave(&self.pool, worker);
    }
}
