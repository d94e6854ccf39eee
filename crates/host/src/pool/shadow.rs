//! A revision's instances for copies of calls, apart from those for its callers.
//!
//! What a copy does must not leave, and what it leaves in memory must not meet a live call. So copies have a pool
//! of their own: no instance, place or queue is shared, files are read-only, requests are refused and counted.

use std::sync::Arc;

use airssys_wasm_model::InstanceModel;

use super::Pool;

/// Why calls of a revision cannot be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is an actor, and a copied call would change its state")]
pub struct NoShadow;

impl Pool {
    /// A pool for copies of calls, at most so many at once, that ends with this one. Every call that is claimed
    /// from it is in [`Mode::Shadow`](crate::Mode::Shadow).
    ///
    /// Its instances are used again where the revision's are, so that their answers take as long; each has one
    /// call at a time, so that one that fails takes no other with it.
    ///
    /// # Errors
    /// When it is an actor.
    pub fn shadow(self: &Arc<Self>, max: u32) -> Result<Arc<Self>, NoShadow> {
        let revision = Arc::clone(&self.revision);
        let instances = &revision.spec.instances;
        if instances.model == InstanceModel::Actor {
            return Err(NoShadow);
        }
        let places = max.min(instances.max).min(revision.spec.limits.concurrency);
        let mut pool = Self::empty(revision, places);
        (pool.stopping, pool.shadows) = (self.stopping.child_token(), Some(Arc::clone(self)));
        Ok(Arc::new(pool))
    }
}
