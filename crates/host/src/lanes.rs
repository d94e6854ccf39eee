//! Lanes: further engines, so that threads which begin instances at the same time share nothing of an engine.
//!
//! An engine counts its live instances, keeps lists of its free slots, and counts who refers to what it has compiled.
//! All of that goes from processor to processor when several begin instances: two threads begin 1.4 times as many as
//! one in one engine, and 1.9 times as many in two (`docs/adr/0002`). So each thread that calls come by, but the first,
//! has a lane for the instances that serve one call. Those that stay are in the first engine, which has room for all,
//! and so is what finds no room in a lane.
//!
//! A component is in the first engine, and in a lane once many of its calls came by it: a copy costs its descriptions
//! again, some hundred kilobytes. Its code is mapped from the cache again, and no copy of it.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use airssys_wasm_model::InstanceModel;
use wasmtime::component::Component;

use crate::engine::{Allocation, Concurrency, Host, Runtime};
use crate::linked::{Doors, Linked};
use crate::pool::Pool;
use crate::prepare::Revision;

/// Where an instance was begun: in a lane, or at home in the first engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lane(Option<usize>);

/// A host's lanes, each started with the first component that comes into it.
pub(crate) struct Lanes {
    runtimes: Box<[OnceLock<Option<Runtime>>]>,
    /// Components that are in one.
    copies: AtomicUsize,
}

/// One revision's component in the lanes of its host.
pub(crate) struct Copies(Box<[InLane]>);

/// A line of counts for each lane, so that none is another's to wait for.
#[derive(Default)]
#[repr(align(64))]
struct InLane {
    /// Calls that came by the lane before its component was there.
    came: AtomicU32,
    linked: OnceLock<(Linked, Counted)>,
}

/// One of the host's components in lanes, for as long as it lives.
struct Counted(Host);

/// Threads beyond these share lanes.
const LANES_MAX: usize = 8;

/// Instances of a lane: more calls are seldom under way on one thread.
const INSTANCES: u32 = 128;

/// Calls by a lane after which a component comes into it: what it costs is a small part of what they did.
const MANY: u32 = 100;

/// Components in lanes, all together.
const COPIES_MAX: usize = 512;

/// The next thread that calls come by.
static NEXT_THREAD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static THREAD: Cell<Option<usize>> = const { Cell::new(None) };
}

impl Lane {
    /// The first engine.
    pub(crate) const HOME: Self = Self(None);

    /// The one of this thread, of so many besides the first engine.
    fn of_this_thread(lanes: usize) -> Self {
        let thread = THREAD.get().unwrap_or_else(|| {
            let thread = NEXT_THREAD.fetch_add(1, Ordering::Relaxed);
            THREAD.set(Some(thread));
            thread
        });
        Self((thread % (lanes + 1)).checked_sub(1))
    }
}

impl Lanes {
    /// As many as such a host has use for. Without pooled memory, instances share too much that lanes would not change.
    pub(crate) fn beside(allocation: &Allocation, threads: u32) -> Self {
        let lanes = match allocation {
            Allocation::Pooling => LANES_MAX.min(threads.saturating_sub(1) as usize),
            Allocation::OnDemand { .. } => 0,
        };
        let runtimes = (0..lanes).map(|_| OnceLock::new()).collect();
        Self { runtimes, copies: AtomicUsize::new(0) }
    }

    /// The places of a revision's component in them.
    pub(crate) fn copies(&self, concurrency: Concurrency) -> Copies {
        let lanes = match concurrency {
            Concurrency::None => self.runtimes.len(),
            // Its instances serve many calls each: few are begun.
            Concurrency::Supported => 0,
        };
        Copies((0..lanes).map(|_| InLane::default()).collect())
    }

    /// Those that have been started.
    pub(crate) fn started(&self) -> impl Iterator<Item = &Runtime> {
        self.runtimes.iter().filter_map(|runtime| runtime.get()?.as_ref())
    }
}

impl Copies {
    /// How many there are.
    pub(crate) fn made(&self) -> u32 {
        let made = self.0.iter().filter(|copy| copy.linked.get().is_some());
        u32::try_from(made.count()).unwrap_or(u32::MAX)
    }
}

impl Revision {
    /// Where an instance for this one call on this thread is to begin.
    fn lane(self: &Arc<Self>) -> Lane {
        let copies = &self.copies.0;
        let lane = Lane::of_this_thread(copies.len());
        let Some(at) = lane.0 else { return Lane::HOME };
        let copy = &copies[at];
        if copy.linked.get().is_some() {
            return lane;
        }
        if copy.came.fetch_add(1, Ordering::Relaxed) == MANY {
            let revision = Arc::clone(self);
            tokio::task::spawn_blocking(move || revision.come_into(at));
        }
        Lane::HOME
    }

    /// What an instance is made of that begins there.
    pub(crate) fn linked(&self, lane: Lane) -> &Linked {
        let copy = lane.0.and_then(|at| self.copies.0[at].linked.get());
        copy.map_or(&self.home, |(linked, _)| linked)
    }

    /// The exports of such an instance.
    pub(crate) fn doors(&self, lane: Lane) -> &Doors {
        &self.linked(lane).doors
    }

    /// Brings the component into a lane. Where that does not work out, its calls go on at home.
    fn come_into(&self, at: usize) {
        let shared = &self.host.0;
        let Some(counted) = Counted::one_more(&self.host) else { return };
        let runtime = shared.lanes.runtimes[at].get_or_init(|| {
            let started = Runtime::beside(&shared.settings, INSTANCES);
            started.inspect_err(|error| tracing::info!("one engine less: {error:#}")).ok()
        });
        let linked = runtime.as_ref().and_then(|runtime| self.copied_into(runtime));
        if let Some(linked) = linked {
            // Where one is there already, that one stays.
            let _ = self.copies.0[at].linked.set((linked, counted));
        }
    }

    fn copied_into(&self, runtime: &Runtime) -> Option<Linked> {
        let home = self.home.pre.component();
        let first = self.host.0.runtime(Concurrency::None).ok()?;
        let component = match first.cached_for(runtime, self.spec.digest) {
            Some(component) => Ok(component),
            None => home.serialize().and_then(|compiled| {
                // SAFETY: the bytes are what the engine has just made of a component of its own.
                unsafe { Component::deserialize(&runtime.engine, compiled) }
            }),
        };
        let component =
            component.inspect_err(|error| tracing::debug!("no copy: {error:#}")).ok()?;
        let linked = Linked::new(runtime, &component, &self.inspection);
        linked.inspect_err(|error| tracing::debug!("no copy: {error}")).ok()
    }
}

impl Pool {
    /// Where an instance that is begun for a call on this thread begins: at home, if it may serve others too.
    pub(crate) fn lane(&self) -> Lane {
        match self.revision.spec.instances.model {
            InstanceModel::Fresh => self.revision.lane(),
            InstanceModel::Pooled | InstanceModel::Actor => Lane::HOME,
        }
    }
}

impl Counted {
    /// One more, if there may be one.
    fn one_more(host: &Host) -> Option<Self> {
        let more = |copies: usize| (copies < COPIES_MAX).then_some(copies + 1);
        let copies = &host.0.lanes.copies;
        copies.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Self(host.clone()))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.lanes.copies.fetch_sub(1, Ordering::Relaxed);
    }
}
