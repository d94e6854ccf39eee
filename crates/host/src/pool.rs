//! The instances of one revision: how many there may be, who waits, and who gets which.

mod homes;
mod renewing;
mod shadow;

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use airssys_wasm_model::{InstanceModel, Instances};
use futures::future::join_all;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::artifact::Offers;
use crate::call::{CallError, instantiate};
use crate::context::{CallCtx, Mode, RequestId};
use crate::gauges::{Costs, Gauges};
use crate::instance::Instance;
use crate::limit::{Level, Limit, LimitUse, Metered, Setting, count_handles};
use crate::prepare::{Prepared, Revision, RevisionSpec};
use crate::workers::Workers;

use self::homes::Homes;

pub use self::shadow::NoShadow;

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

/// Instances that wait for a call.
#[derive(Default)]
pub(crate) struct Idle {
    /// The warmest last.
    instances: Vec<Instance>,
    /// Those of a revision with an actor for each key.
    homes: Homes<Instance>,
    /// The fewest there have been since the pool was asked to rest: what no call has needed.
    unneeded: usize,
}

/// One claimed call on one instance.
pub struct Lease {
    pub(crate) place: Place,
    pub(crate) ready: Option<Instance>,
    pub(crate) call: CallCtx,
    /// When the call began: its limit on time counts from here.
    pub(crate) since: Instant,
}

/// A place in a pool, given back by dropping it.
pub(crate) struct Place(pub(crate) Arc<Pool>);

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

/// What a pool is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStats {
    /// Instances alive.
    pub instances: u32,
    /// Of these, how many wait for a call.
    pub idle: u32,
    /// Calls that wait for a place.
    pub queued: u32,
    /// Memories and tables of the live instances.
    pub memory_bytes: u64,
    /// Time that guests have spent running since the revision began.
    pub cpu: Duration,
    /// Requests of copied calls that were kept from leaving.
    pub refused: u64,
    /// How often a guest of its service waited, so that one thread is left to the other services.
    pub waited: u64,
}

/// How long all instances of a revision together may tidy up after themselves. It is a courtesy: whoever
/// stops a revision waits for it.
const FAREWELL: Duration = Duration::from_secs(2);

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
    pub(crate) async fn start(self: &Arc<Self>) -> Result<Instance, CallError> {
        let until = Instant::now() + self.time_limit();
        let call = CallCtx { mode: self.mode(), ..CallCtx::new(RequestId::draw()) };
        let request_id = call.request_id;
        let starting = pin!(self.start_unlimited(call));
        let started = Metered::new(starting, &**self, until).await;
        self.revision.noted(request_id, started.unwrap_or_else(|halt| Err(halt.into())))
    }

    async fn start_unlimited(self: &Arc<Self>, call: CallCtx) -> Result<Instance, CallError> {
        let mut instance = instantiate(self, call, None).await?;
        if let Some(keeper) = &self.revision.spec.state
            && self.revision.doors.state.is_some()
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
        Ok(Lease { place, ready, call, since })
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
    pub(crate) fn give_back(&self, mut instance: Instance) {
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

    pub(crate) fn park(&self, mut instance: Instance) -> Parked {
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
    fn take_home(&self, call: &CallCtx) -> Option<Instance> {
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

    /// What the pool is doing.
    pub fn stats(&self) -> PoolStats {
        PoolStats {
            instances: self.gauges.live(),
            idle: u32::try_from(
                self.idle().len() + self.workers.as_ref().map_or(0, |workers| workers.idle()),
            )
            .unwrap_or(u32::MAX),
            queued: self.queued.load(Ordering::Relaxed),
            memory_bytes: self.gauges.memory_bytes(),
            cpu: self.gauges.cpu(),
            refused: self.gauges.refused(),
            waited: self.revision.turns.waited(),
        }
    }

    /// What its revision has of each of its limits. What buckets hold is known to who keeps them.
    pub fn limits(&self) -> [LimitUse; Limit::ALL.len()] {
        let Revision { spec, meters, .. } = &*self.revision;
        let count = |count: u32| Some(f64::from(count));
        Limit::ALL.map(|limit| {
            let used = match limit {
                Limit::Memory => Some(self.gauges.memory_bytes() as f64),
                Limit::Concurrency => count(self.taken()),
                Limit::Queue => count(self.queued.load(Ordering::Relaxed)),
                Limit::Files => count(meters.level(Level::Files)),
                Limit::Sockets => count(meters.level(Level::Sockets)),
                Limit::Handles => count(meters.level(Level::Handles)),
                Limit::Requests => count(meters.level(Level::Requests)),
                _ => None,
            };
            let setting = limit.setting(&spec.limits).map(Setting::number);
            LimitUse { limit, setting, used, hits: meters.hits(limit) }
        })
    }

    /// Places that calls have. A smaller scale may leave more of them than there are.
    fn taken(&self) -> u32 {
        let now =
            self.places_now.load(Ordering::Relaxed) + self.places_owed.load(Ordering::Relaxed);
        now.saturating_sub(u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX))
    }

    /// Lets no further call in, ends those that still run and drops the instances that wait. Whoever wants
    /// the calls to end by themselves waits for that first.
    pub async fn stop(self: &Arc<Self>) {
        self.stopped.store(true, Ordering::Release);
        self.places.close();
        // Also if whoever waits for this is gone before the farewells are over.
        let _ends_the_rest = self.stopping.clone().drop_guard();
        let idle = std::mem::take(&mut *self.idle());
        let idle = idle.instances.into_iter().chain(idle.homes.into_iter());
        self.farewell(idle).await;
    }

    async fn farewell(&self, instances: impl IntoIterator<Item = Instance>) {
        let farewells = instances.into_iter().map(|instance| self.shut_down(instance));
        if tokio::time::timeout(FAREWELL, join_all(farewells)).await.is_err() {
            tracing::debug!(service = %self.revision.spec.service, "cut short at their shutdown");
        }
    }

    /// A guest may tidy up; what it answers changes nothing.
    async fn shut_down(&self, mut instance: Instance) {
        let Some(lifecycle) = &self.revision.doors.lifecycle else { return };
        let farewell = pin!(async {
            let guest = lifecycle.load(&mut instance.store, &instance.instance)?;
            guest.call_shutdown(&mut instance.store).await
        });
        let farewell = Metered::new(farewell, self, Instant::now() + FAREWELL);
        if let Ok(Err(error)) = farewell.await {
            tracing::debug!("a guest failed at its shutdown: {error:#}");
        }
    }

    /// The warmest instance that waits.
    pub(crate) fn take_idle(&self) -> Option<Instance> {
        let idle = self.idle().take()?;
        // One that came back while the rights changed.
        if self.is_outdated(&idle) { None } else { Some(idle) }
    }

    /// Gives up the instances that no call has needed since this was asked last, but for so many that are to
    /// stay in any case. An actor's instance stays: it holds its state. Where each key has an actor, those
    /// go that were not called meanwhile.
    pub async fn rest(&self, min: u32) {
        let homes = self.idle().homes.rest();
        self.farewell(homes).await;
        if self.revision.spec.instances.model != InstanceModel::Pooled {
            return;
        }
        let spare = self.gauges.live().saturating_sub(min) as usize;
        let resting = self.idle().rest(spare);
        if let Some(workers) = &self.workers {
            workers.rest(spare - resting.len());
        }
        self.farewell(resting).await;
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    fn take(&mut self) -> Option<Instance> {
        let taken = self.instances.pop();
        self.unneeded = self.unneeded.min(self.instances.len());
        taken
    }

    fn len(&self) -> usize {
        self.instances.len() + self.homes.len()
    }

    /// Keeps so many at most, and gives the others back.
    fn keep(&mut self, count: usize) -> Vec<Instance> {
        let mut gone = self.homes.keep(count);
        gone.extend(self.instances.split_off(count.min(self.instances.len())));
        self.unneeded = self.unneeded.min(count);
        gone
    }

    /// Takes out those that this says of.
    fn leave_out(&mut self, mut is_out: impl FnMut(&Instance) -> bool) -> Vec<Instance> {
        let (mut gone, kept) = self.instances.drain(..).partition::<Vec<_>, _>(&mut is_out);
        self.instances = kept;
        self.unneeded = self.unneeded.min(self.instances.len());
        gone.extend(self.homes.leave_out(is_out));
        gone
    }

    /// Takes out what nothing has needed, so many at most: those that have waited longest.
    fn rest(&mut self, spare: usize) -> Vec<Instance> {
        let resting = self.instances.drain(..self.unneeded.min(spare)).collect();
        self.unneeded = self.instances.len();
        resting
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

fn places(revision: &Revision, instances_max: u32) -> u32 {
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

/// Whether an instance may have several HTTP calls under way. One that is asked how it is before each call, or
/// that is told when it ends, has its calls one by one.
fn shares(revision: &Revision) -> bool {
    let instances = &revision.spec.instances;
    let doors = &revision.doors;
    instances.model == InstanceModel::Pooled
        && instances.in_flight > 1
        && doors.http_p3.is_some()
        && doors.lifecycle.is_none()
}

/// A call in the queue.
struct Queued<'a>(&'a Pool);

impl<'a> Queued<'a> {
    fn enter(pool: &'a Pool) -> Result<Self, ClaimError> {
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

impl Lease {
    /// Gives a claim back that is not used, with the instance that waited for it.
    pub(crate) fn unused(self) {
        if let Some(instance) = self.ready {
            self.place.0.park(instance);
        }
    }
}

/// Nobody has a call on it, or it would be held: what is left are workers, each on a task of its own.
impl Drop for Pool {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        self.stopping.cancel();
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.queued.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Place {
    /// Keeps a permit for as long as the place is taken.
    fn of(pool: &Arc<Pool>, permit: SemaphorePermit<'_>) -> Self {
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
