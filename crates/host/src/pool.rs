//! The instances of one revision: how many there may be, who waits, and who gets which.

mod ending;
mod homes;
mod idle;
mod places;
mod renewing;
mod shadow;
mod standing;

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use airssys_wasm_model::{InstanceModel, Instances};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::artifact::Offers;
use crate::call::{CallError, instantiate};
use crate::context::{CallCtx, Mode, RequestId};
use crate::gauges::{Costs, Gauges};
use crate::instance::Instance;
use crate::lanes::Lane;
use crate::limit::{Limit, Metered, count_handles};
use crate::prepare::{Prepared, Revision, RevisionSpec};
use crate::workers::Workers;

pub(crate) use self::places::Place;
pub use self::shadow::NoShadow;
pub use self::standing::PoolStats;

use self::idle::Idle;
use self::places::{Queued, places};

/// The instances of one revision.
pub struct Pool {
    pub(crate) revision: Arc<Revision>,
    /// A place for each call at once.
    places: Semaphore,
    places_now: AtomicU32,
    /// Places that a smaller scale takes away as soon as they are free.
    places_owed: AtomicU32,
    queued: AtomicU32,
    /// Guards a push or a pop, never across an await.
    idle: Mutex<Idle>,
    pub(crate) stopped: Arc<AtomicBool>,
    /// Halts the calls that are still there when the revision is stopped.
    pub(crate) stopping: CancellationToken,
    /// One change of scale at a time. Guards two counters, never across an await.
    resizing: Mutex<()>,
    pub(crate) gauges: Arc<Gauges>,
    costs: Costs,
    /// Of a revision whose instances serve several HTTP calls at once.
    pub(crate) workers: Option<Arc<Workers>>,
    /// The live pool that this one is the shadow of.
    shadows: Option<Arc<Self>>,
}

/// One claimed call on one instance.
pub struct Lease {
    pub(crate) place: Place,
    pub(crate) ready: Option<Box<Instance>>,
    pub(crate) call: Arc<CallCtx>,
    /// When the call began: its limit on time counts from here.
    pub(crate) since: Instant,
}

/// Why a call was turned away before it reached a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// Every place is taken and the queue is full.
    #[error("every place is taken and the queue is full")]
    Saturated,
    /// The call waited in the queue for as long as it may take.
    #[error("no place became free within the call's time")]
    TimedOut,
    /// The revision has been stopped.
    #[error("the revision has been stopped")]
    Stopped,
}

/// What a call that shares its instance needs: its request and answer with their bodies and trailers, and the tasks
/// and streams between them, on both sides.
const HANDLES_OF_A_CALL: usize = 32;

/// What became of an instance that was to wait for a call.
pub(crate) enum Parked {
    Kept,
    Dropped,
}

impl Pool {
    /// A pool without instances.
    pub fn new(prepared: Prepared) -> Arc<Self> {
        let revision = prepared.0;
        let places = places(&revision, revision.spec.instances.max);
        let workers = shares(&revision).then(|| {
            let &Instances { in_flight, max, .. } = &revision.spec.instances;
            Arc::new(Workers::new(in_flight, max))
        });
        let mut pool = Self::empty(revision, places);
        pool.workers = workers;
        Arc::new(pool)
    }

    /// Handles of the host that one of its instances may have. Calls that share one bring some each.
    pub(crate) fn handles(&self) -> usize {
        let own = self.revision.spec.limits.handles as usize;
        let calls = match self.workers {
            Some(_) => self.revision.spec.instances.in_flight as usize,
            None => 0,
        };
        own.saturating_add(calls.saturating_mul(HANDLES_OF_A_CALL))
    }

    fn empty(revision: Arc<Revision>, places: u32) -> Self {
        Self {
            places: Semaphore::new(places as usize),
            places_now: AtomicU32::new(places),
            places_owed: AtomicU32::new(0),
            queued: AtomicU32::new(0),
            idle: Mutex::default(),
            stopped: Arc::default(),
            stopping: CancellationToken::new(),
            resizing: Mutex::default(),
            gauges: Arc::default(),
            costs: Costs::default(),
            workers: None,
            shadows: None,
            revision,
        }
    }

    /// The revision whose instances these are.
    pub fn prepared(&self) -> Prepared {
        Prepared(Arc::clone(&self.revision))
    }

    /// What that revision was prepared with.
    pub fn spec(&self) -> &RevisionSpec {
        &self.revision.spec
    }

    /// How its component can be called.
    pub fn offers(&self) -> &Offers {
        &self.revision.inspection.offers
    }

    /// What its calls used.
    pub fn costs(&self) -> &Costs {
        &self.costs
    }

    /// How long a call may take by the revision's own limit.
    pub fn time_limit(&self) -> Duration {
        self.revision.spec.limits.time.0
    }

    /// Starts what has to be warm before a call may come: at least one instance, whose `init` shows
    /// whether the configuration is accepted, and for `pooled` as many as `min` asks for.
    ///
    /// An actor's instance also takes the state that there is, so that a migration that fails shows here
    /// and not to a caller. Where each key has an actor, none is tried: one caller's broken state must not keep a
    /// new version from all others.
    pub async fn warm(self: &Arc<Self>) -> Result<(), CallError> {
        let instances = &self.revision.spec.instances;
        match instances.model {
            InstanceModel::Pooled => self.fill(instances.min.max(1)).await,
            // A fresh instance serves one call; an actor's waits until it is its turn.
            InstanceModel::Fresh | InstanceModel::Actor => self.start().await.map(drop),
        }
    }

    /// Starts instances of a `pooled` revision until so many are alive; those of another model are made
    /// when a call needs them.
    pub async fn fill(self: &Arc<Self>, min: u32) -> Result<(), CallError> {
        if self.revision.spec.instances.model != InstanceModel::Pooled {
            return Ok(());
        }
        let wanted = || min.min(self.places_now.load(Ordering::Relaxed));
        while self.gauges.live() < wanted() {
            match self.park(self.start().await?) {
                Parked::Kept => {}
                // Stopped, or scaled down meanwhile: whoever did that knows better.
                Parked::Dropped => break,
            }
        }
        Ok(())
    }

    /// A new instance within a call's limits, with the state that there is.
    pub(crate) async fn start(self: &Arc<Self>) -> Result<Box<Instance>, CallError> {
        let until = Instant::now() + self.time_limit();
        let call = CallCtx { mode: self.mode(), ..CallCtx::new(RequestId::draw()) };
        let request_id = call.request_id;
        let starting = pin!(self.start_unlimited(Arc::new(call)));
        let started = Metered::new(starting, &**self, until).await;
        self.revision.noted(request_id, started.unwrap_or_else(|halt| Err(halt.into())))
    }

    async fn start_unlimited(
        self: &Arc<Self>,
        call: Arc<CallCtx>,
    ) -> Result<Box<Instance>, CallError> {
        let mut instance = instantiate(self, call, None, Lane::HOME).await?;
        if let Some(keeper) = &self.revision.spec.state
            && self.revision.home.doors.state.is_some()
            && self.revision.spec.instances.key.is_none()
            && let Some(saved) = keeper.peek().await?
        {
            crate::call::restore(self, &mut instance, &saved).await?;
        }
        Ok(instance)
    }

    /// Claims a place for one call, waiting in the queue if it must.
    pub async fn claim(self: &Arc<Self>, mut call: CallCtx) -> Result<Lease, ClaimError> {
        let since = Instant::now();
        call.mode = self.mode();
        let permit = match self.places.try_acquire() {
            Ok(permit) => permit,
            // Boxed, so that calls that need not wait have a small future.
            Err(_taken) => Box::pin(self.wait(&call, since)).await?,
        };
        let place = Place::of(self, permit);
        if self.is_stopped() {
            return Err(ClaimError::Stopped);
        }
        let ready = match self.revision.spec.instances.model {
            InstanceModel::Fresh => None,
            InstanceModel::Actor if call.actor.is_some() => self.take_home(&call),
            InstanceModel::Pooled | InstanceModel::Actor => self.take_idle(),
        };
        Ok(Lease { place, ready, call: Arc::new(call), since })
    }

    async fn wait(
        &self,
        call: &CallCtx,
        since: Instant,
    ) -> Result<SemaphorePermit<'_>, ClaimError> {
        self.revision.meters.hit(Limit::Concurrency);
        let _queued = Queued::enter(self).inspect_err(|_| self.turned_away(call.request_id))?;
        let until = self.until(call, since);
        match tokio::time::timeout_at(until.into(), self.places.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_closed)) => Err(ClaimError::Stopped),
            Err(_elapsed) => Err(ClaimError::TimedOut),
        }
    }

    /// Counts a call that was turned away because too many wait, and names it in the log: here, or before it came here.
    pub fn turned_away(&self, call: RequestId) {
        self.revision.turned_away(call);
    }

    /// When a call that began at `since` has taken too long.
    pub(crate) fn until(&self, call: &CallCtx, since: Instant) -> Instant {
        let own = since + self.revision.spec.limits.time.0;
        call.deadline.map_or(own, |deadline| deadline.min(own))
    }

    /// Takes an instance back after a call that left it whole.
    pub(crate) fn give_back(&self, mut instance: Box<Instance>) {
        instance.calls += 1;
        let memory = &instance.store.data().memory;
        let used = memory.used_bytes();
        if memory.refused {
            // It was told no, and went on without.
            self.revision.meters.hit(Limit::Memory);
        }
        match self.revision.spec.instances.model {
            InstanceModel::Pooled
                if !is_spent(&self.revision, instance.calls, used)
                    && !self.is_outdated(&instance) =>
            {
                self.park(instance);
            }
            InstanceModel::Actor
                if !is_full(&self.revision, used) && !self.is_outdated(&instance) =>
            {
                self.park(instance);
            }
            _ => drop(instance),
        }
    }

    /// Whether it takes no further calls.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
            || self.shadows.as_ref().is_some_and(|live| live.is_stopped())
    }

    /// What its calls are for: an instance belongs to one pool, so live calls and copies never share one.
    fn mode(&self) -> Mode {
        if self.shadows.is_some() { Mode::Shadow } else { Mode::Live }
    }

    pub(crate) fn park(&self, mut instance: Box<Instance>) -> Parked {
        // What its call left open does not outlive it, though its handles do.
        drop(instance.store.data_mut().outbound.take_end());
        count_handles(&mut instance.store);
        let mut idle = self.idle();
        // Read under the lock that `stop` takes after it has set the flag: no instance slips past it.
        let places = self.places_now.load(Ordering::Relaxed) as usize;
        if self.is_stopped() || idle.instances.len() + idle.homes.len() >= places {
            return Parked::Dropped;
        }
        // One that was put aside for a newer one of its actor is dropped when the lock is free again.
        let _former = match instance.holds.as_ref().and_then(|held| held.actor) {
            Some(actor) => idle.homes.put(actor, instance),
            None => {
                idle.instances.push(instance);
                None
            }
        };
        drop(idle);
        Parked::Kept
    }

    /// The instance that has this call's actor in it, if one waits. Those that have waited longest make room
    /// for what the call may need in its place: with every call's, there are as many as places at most.
    fn take_home(&self, call: &CallCtx) -> Option<Box<Instance>> {
        let mut idle = self.idle();
        let own = call.actor.and_then(|actor| idle.homes.take(actor));
        let (own, old) = match own {
            Some(instance) if self.is_outdated(&instance) => (None, Some(instance)),
            own => (own, None),
        };
        let gone = idle.homes.keep(self.places.available_permits());
        drop(idle);
        drop((gone, old));
        own
    }

    /// The warmest instance that waits.
    pub(crate) fn take_idle(&self) -> Option<Box<Instance>> {
        let idle = self.idle().take()?;
        // One that came back while the rights changed.
        if self.is_outdated(&idle) { None } else { Some(idle) }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an instance has had as many calls, or as much memory, as one that is used again may.
pub(crate) fn is_spent(revision: &Revision, calls: u64, used_bytes: usize) -> bool {
    let max_calls = revision.spec.instances.max_calls;
    (max_calls != 0 && calls >= max_calls) || is_full(revision, used_bytes)
}

fn is_full(revision: &Revision, used_bytes: usize) -> bool {
    let share = revision.spec.instances.recycle_percent as usize;
    used_bytes >= revision.spec.limits.memory.bytes() / 100 * share
}

/// Whether an instance may have several HTTP calls under way. One that is asked how it is before each call, or
/// that is told when it ends, has its calls one by one.
fn shares(revision: &Revision) -> bool {
    let instances = &revision.spec.instances;
    let doors = &revision.home.doors;
    instances.model == InstanceModel::Pooled
        && instances.in_flight > 1
        && doors.http_p3.is_some()
        && doors.lifecycle.is_none()
}

impl Lease {
    /// Gives a claim back that is not used, with the instance that waited for it.
    pub(crate) fn unused(self) {
        if let Some(instance) = self.ready {
            self.place.0.park(instance);
        }
    }
}
