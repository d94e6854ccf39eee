//! Instances of WASI 0.3 that serve several calls at once: a worker each, on a task of its own.
//!
//! Calls are given to workers and never to a task or a thread: an instance is driven by its worker alone,
//! whoever waits for its answers. Bounds: a pool has a place for each call (so nothing here can queue more
//! than that), `in_flight` calls on one instance, `max` instances beside those that end. A call holds its pool, a
//! worker does not: workers without calls end when their pool is let go.

mod desk;
mod seat;
mod serve;
mod watch;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use futures::channel::oneshot;
use futures::task::AtomicWaker;
use wasmtime_wasi_http::WasiBody;

use desk::Desk;
pub(crate) use seat::Sitting;
use seat::{Answer, Seat};

use crate::call::CallError;
use crate::context::CallCtx;
use crate::pool::{Place, Pool};

/// The workers of one pool.
pub(crate) struct Workers {
    in_flight: u32,
    /// Workers that run on more processors than there are only take them from one another.
    processors: usize,
    max: AtomicU32,
    /// Guards who can be given a call and which calls wait for a worker, never across an await.
    crowd: Mutex<Crowd>,
}

#[derive(Default)]
struct Crowd {
    /// Those that take calls, the oldest first.
    workers: Vec<Arc<Worker>>,
    /// Calls beyond what all instances may have at once: there are as many as a smaller scale took away.
    waiting: VecDeque<Job>,
}

/// One instance that serves several calls.
#[derive(Default)]
struct Worker {
    /// What it was given and has not looked at. Guards a push and a swap.
    inbox: Mutex<Vec<Job>>,
    waker: AtomicWaker,
    /// Calls on it, to the end of their answers. Changed under the crowd's lock.
    taken: AtomicU32,
    /// Calls that its instance has begun.
    begun: AtomicU64,
    /// How many it had begun when the pool was asked to rest.
    seen: AtomicU64,
    /// Whether its guest is on a processor now: a call given to it then waits for a fellow's work.
    running: AtomicBool,
    /// It takes no further calls, and ends with the last that it has.
    leaving: AtomicBool,
    /// Calls that its instance has begun and that are not over. Guards a few pointers.
    seats: Mutex<Vec<Arc<Seat>>>,
}

/// A call on its way to an instance.
struct Job {
    request: http::Request<WasiBody>,
    call: Arc<CallCtx>,
    seat: Arc<Seat>,
}

impl Workers {
    pub(crate) fn new(in_flight: u32, max: u32) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self { in_flight, processors, max: AtomicU32::new(max), crowd: Mutex::default() }
    }

    /// Sends a request through an instance that may have others under way, and waits for its answer's head.
    pub(crate) async fn http(
        self: &Arc<Self>,
        place: Place,
        request: http::Request<WasiBody>,
        call: Arc<CallCtx>,
        since: Instant,
    ) -> Result<(http::Response<()>, Sitting), CallError> {
        let pool = Arc::clone(&place.0);
        let (answer, answered) = oneshot::channel::<Answer>();
        let until = pool.until(&call, since);
        let seat = Seat::take(place, call.request_id, until, since, answer);
        let sitting = Sitting::new(Arc::clone(&seat));
        self.give(&pool, Job { request, call, seat });
        let head = answered.await.unwrap_or(Err(CallError::NoAnswer))?;
        Ok((head, sitting))
    }

    /// Instances that no call is on.
    pub(crate) fn idle(&self) -> usize {
        self.crowd().workers.iter().filter(|worker| worker.taken() == 0).count()
    }

    /// Changes how many instances there may be. Those too many end with the calls that they have.
    pub(crate) fn resize(&self, max: u32) {
        self.max.store(max, Ordering::Relaxed);
        let surplus = {
            let mut crowd = self.crowd();
            let kept = crowd.workers.len().min(max as usize);
            crowd.workers.split_off(kept)
        };
        surplus.iter().for_each(|worker| worker.leave());
    }

    /// Lets all instances that there are take no further calls, but those that they have. What they had not begun goes
    /// to others.
    pub(crate) fn renew(self: &Arc<Self>, pool: &Weak<Pool>) {
        let workers = self.crowd().workers.clone();
        workers.iter().for_each(|worker| self.leave(pool, worker));
    }

    /// Lets instances go that have begun no call since this was asked last and have none, so many at most.
    pub(crate) fn rest(&self, spare: usize) {
        let mut resting = Vec::new();
        self.crowd().workers.retain(|worker| {
            let begun = worker.begun.load(Ordering::Relaxed);
            let unneeded = worker.seen.swap(begun, Ordering::Relaxed) == begun;
            let rests = unneeded && worker.taken() == 0 && resting.len() < spare;
            if rests {
                resting.push(Arc::clone(worker));
            }
            !rests
        });
        resting.iter().for_each(|worker| worker.leave());
    }

    /// Gives a call to a worker, choosing and counting it in as one step: one whose guest waits, for it begins
    /// at once; else a new one, while processors are free; else the one with the fewest calls.
    fn give(self: &Arc<Self>, pool: &Arc<Pool>, job: Job) {
        let mut crowd = self.crowd();
        let max = self.max.load(Ordering::Relaxed).max(1) as usize;
        let workers = &crowd.workers;
        let has_room = |worker: &&Arc<Worker>| worker.taken() < self.in_flight;
        let waits = |worker: &&Arc<Worker>| has_room(worker) && !worker.is_running();
        let fewest = || workers.iter().filter(has_room).min_by_key(|worker| worker.taken());
        let found = match workers.iter().find(waits) {
            None if workers.len() >= max.min(self.processors) => fewest(),
            found => found,
        };
        match found.cloned() {
            Some(worker) => worker.take(job),
            None if workers.len() < max => {
                let worker = Arc::new(Worker::default());
                crowd.workers.push(Arc::clone(&worker));
                // Until its instance is there, others are the better choice.
                worker.running.store(true, Ordering::Relaxed);
                worker.take(job);
                tokio::spawn(serve::serve(Desk::new(pool, self), worker));
            }
            None => crowd.waiting.push_back(job),
        }
    }

    /// A call is over: its worker takes one that waits.
    fn done(&self, worker: &Arc<Worker>) {
        let mut crowd = self.crowd();
        worker.taken.fetch_sub(1, Ordering::Relaxed);
        if !worker.is_leaving()
            && let Some(job) = crowd.waiting.pop_front()
        {
            worker.take(job);
        }
        drop(crowd);
        if worker.is_leaving() {
            worker.waker.wake();
        }
    }

    /// Lets a worker take no further calls. What it had not begun, and what waits for it, goes to others.
    fn leave(self: &Arc<Self>, pool: &Weak<Pool>, worker: &Arc<Worker>) {
        let mut jobs = {
            let mut crowd = self.crowd();
            crowd.workers.retain(|other| !Arc::ptr_eq(other, worker));
            std::mem::take(&mut crowd.waiting)
        };
        worker.leave();
        for job in worker.inbox() {
            worker.taken.fetch_sub(1, Ordering::Relaxed);
            jobs.push_front(job);
        }
        // Each holds a place in the pool: without one there are none.
        let Some(pool) = pool.upgrade() else { return };
        jobs.into_iter().for_each(|job| self.give(&pool, job));
    }

    fn crowd(&self) -> MutexGuard<'_, Crowd> {
        // Nothing panics while it is held, and every state in between is whole.
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    /// Takes a call. Under the crowd's lock.
    fn take(self: &Arc<Self>, job: Job) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        job.seat.assign(self);
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).push(job);
        self.waker.wake();
    }

    /// What came since the last look.
    fn inbox(&self) -> Vec<Job> {
        std::mem::take(&mut *self.inbox.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn leave(&self) {
        self.leaving.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn taken(&self) -> u32 {
        self.taken.load(Ordering::Relaxed)
    }

    fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed)
    }

    fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    fn seats(&self) -> MutexGuard<'_, Vec<Arc<Seat>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
