//! The places of a pool: one for each call at once, given back when it ends, and how many calls wait for one.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use airssys_wasm_model::InstanceModel;
use tokio::sync::SemaphorePermit;

use super::{ClaimError, Pool, shares};
use crate::prepare::Revision;

/// A place in a pool, given back by dropping it.
pub(crate) struct Place(pub(crate) Arc<Pool>);

/// A call in the queue.
pub(super) struct Queued<'a>(&'a Pool);

impl Pool {
    /// Changes how many calls may run at once. Calls that run are left alone; fewer places take effect as
    /// they end.
    pub fn resize(&self, max: u32) {
        let _alone = self.resizing.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = places(&self.revision, max);
        let now = self.places_now.swap(wanted, Ordering::AcqRel);
        if wanted >= now {
            let more = wanted - now;
            let forgive = |owed: u32| Some(owed.saturating_sub(more));
            // Calls that end pay off what is owed at the same time: what was forgiven is what was there.
            let owed = &self.places_owed;
            let owed = owed.fetch_update(Ordering::AcqRel, Ordering::Acquire, forgive);
            let forgiven = owed.unwrap_or_default().min(more);
            self.places.add_permits((more - forgiven) as usize);
        } else {
            let gone = self.places.forget_permits((now - wanted) as usize) as u32;
            self.places_owed.fetch_add(now - wanted - gone, Ordering::AcqRel);
            let gone = self.idle().keep(wanted as usize);
            drop(gone);
        }
        if let Some(workers) = &self.workers {
            workers.resize(max);
        }
    }

    /// Places that calls have. A smaller scale may leave more of them than there are.
    pub(super) fn taken(&self) -> u32 {
        let now =
            self.places_now.load(Ordering::Relaxed) + self.places_owed.load(Ordering::Relaxed);
        now.saturating_sub(u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX))
    }
}

impl Place {
    /// Keeps a permit for as long as the place is taken.
    pub(super) fn of(pool: &Arc<Pool>, permit: SemaphorePermit<'_>) -> Self {
        permit.forget();
        Self(Arc::clone(pool))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let owed = &self.0.places_owed;
        let pay = |owed: u32| owed.checked_sub(1);
        let taken_away = owed.fetch_update(Ordering::AcqRel, Ordering::Acquire, pay);
        if taken_away.is_err() {
            self.0.places.add_permits(1);
        }
    }
}

impl<'a> Queued<'a> {
    pub(super) fn enter(pool: &'a Pool) -> Result<Self, ClaimError> {
        let bound = pool.revision.spec.limits.queue;
        let entered = pool.queued.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |queued| {
            (queued < bound).then_some(queued + 1)
        });
        match entered {
            Ok(_) => Ok(Self(pool)),
            Err(_) => Err(ClaimError::Saturated),
        }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.queued.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) fn places(revision: &Revision, instances_max: u32) -> u32 {
    match revision.spec.instances.model {
        InstanceModel::Actor if revision.spec.instances.key.is_none() => 1,
        InstanceModel::Pooled if shares(revision) => {
            let calls = instances_max.saturating_mul(revision.spec.instances.in_flight);
            revision.spec.limits.concurrency.min(calls)
        }
        InstanceModel::Fresh | InstanceModel::Pooled | InstanceModel::Actor => {
            revision.spec.limits.concurrency.min(instances_max)
        }
    }
}
