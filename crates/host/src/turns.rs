//! Whose guests may hold a thread of the executor: one service's calls, however many and however long they compute,
//! leave a thread to the others'.
//!
//! A guest gives its thread back after an epoch tick at the latest, and then stands in the executor's queue again.
//! A service with a hundred calls that compute has a hundred in that queue, and a neighbour's call would wait for
//! as many ticks. So once the guests of a service hold threads for long, as many of them run at once as there are
//! threads, less one; the rest wait here and not in the queue. A service that is quick, or alone on its host, is held
//! to nothing: it pays three loads for each time that one of its guests runs.
//!
//! A turn is taken and given back within one poll. It is never held across an await.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

/// The threads that guests run on, and how many services share them.
#[derive(Debug)]
pub(crate) struct Threads {
    count: u32,
    services: AtomicU32,
}

/// The turns of one service, all its revisions together.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Turns {
    threads: Arc<Threads>,
    /// How long its guests held a thread lately: 64 times the mean of about as many turns, in units of [`UNIT_US`].
    held: AtomicU32,
    /// Turns under way that count.
    running: AtomicU32,
    /// The length of the queue, for those who need not look into it.
    waiting: AtomicU32,
    /// How often a guest had to wait.
    waited: AtomicU64,
    /// Guards a push, a search or a pop, and only where there is somebody to wait. No longer than the service has calls.
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    waiters: VecDeque<(u64, Waker)>,
    next: u64,
}

/// A turn, given back by dropping it.
pub(crate) struct Turn<'a>(Option<&'a Turns>);

/// A guest that may have to wait for its turn, again and again.
#[derive(Default)]
pub(crate) struct Waiter(Option<(Arc<Turns>, u64)>);

/// What is shorter counts as nothing, so that a quick service's turns change no shared number.
const UNIT_US: u128 = 128;

/// From a mean of half a millisecond on the turns of a service are long: with 64 instances, which is what a revision
/// has unless told otherwise, those that stand in the queue then keep a neighbour from two threads for 16 ms, less than
/// two ticks. A mean, and not the longest: the system may take the thread away in the middle of the shortest turn.
const LONG: u32 = 3 * 64;

/// A longer turn counts as this: guests are interrupted at each tick, and what takes longer is the system's doing.
const UNITS_MAX: u32 = 100;

impl Threads {
    pub(crate) fn new(count: u32) -> Arc<Self> {
        Arc::new(Self { count, services: AtomicU32::new(0) })
    }

    /// Turns that a service may have at once where they count.
    fn for_one(&self) -> u32 {
        self.count.saturating_sub(1).max(1)
    }
}

impl Turns {
    /// Those of one more service.
    pub(crate) fn new(threads: Arc<Threads>) -> Arc<Self> {
        threads.services.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self {
            threads,
            held: AtomicU32::new(0),
            running: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            waited: AtomicU64::new(0),
            queue: Mutex::default(),
        })
    }

    /// Takes a turn, or has whoever polls woken when one is free.
    pub(crate) fn begin<'a>(
        self: &'a Arc<Self>,
        waiter: &mut Waiter,
        cx: &mut Context<'_>,
    ) -> Option<Turn<'a>> {
        if !self.are_counted() {
            waiter.leave();
            // Who waited for a turn that counted is let go, one by the other.
            self.wake_one();
            return Some(Turn(None));
        }
        if self.take() {
            waiter.leave();
            return Some(Turn(Some(self)));
        }
        self.enqueue(waiter, cx.waker());
        // Given back before the queue was there to be seen.
        if self.take() {
            waiter.leave();
            return Some(Turn(Some(self)));
        }
        self.waited.fetch_add(1, Ordering::Relaxed);
        None
    }

    /// A guest has held its thread for so long.
    pub(crate) fn held(&self, held: Duration) {
        let units =
            u32::try_from(held.as_micros() / UNIT_US).map_or(UNITS_MAX, |it| it.min(UNITS_MAX));
        let before = self.held.load(Ordering::Relaxed);
        let now = before - before.div_ceil(64) + units;
        // Of two at once one may be lost, which moves a mean of many by little.
        if now != before {
            self.held.store(now, Ordering::Relaxed);
        }
    }

    /// How often a guest had to wait for its turn.
    pub(crate) fn waited(&self) -> u64 {
        self.waited.load(Ordering::Relaxed)
    }

    fn are_counted(&self) -> bool {
        self.held.load(Ordering::Relaxed) > LONG
            && self.threads.services.load(Ordering::Relaxed) > 1
    }

    /// One more, if there may be one.
    fn take(&self) -> bool {
        let most = self.threads.for_one();
        let more = |running: u32| (running < most).then_some(running + 1);
        self.running.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    fn enqueue(self: &Arc<Self>, waiter: &mut Waiter, waker: &Waker) {
        let mut queue = self.queue();
        let known = waiter.0.as_ref().map(|(_, number)| *number);
        let found = queue.waiters.iter_mut().find(|(number, _)| Some(*number) == known);
        if let Some((_, former)) = found {
            former.clone_from(waker);
            return;
        }
        let number = queue.next;
        queue.next += 1;
        queue.waiters.push_back((number, waker.clone()));
        waiter.0 = Some((Arc::clone(self), number));
        self.count(&queue);
    }

    /// In one order with `running` for all threads: whoever gives a turn back sees who waits, or who waits sees the
    /// turn.
    fn count(&self, queue: &Queue) {
        self.waiting.store(queue.waiters.len() as u32, Ordering::SeqCst);
    }

    fn wake_one(&self) {
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut queue = self.queue();
        let first = queue.waiters.pop_front();
        self.count(&queue);
        drop(queue);
        if let Some((_, waker)) = first {
            waker.wake();
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Every state in between is whole.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Whether it is one of so many.
    pub(crate) fn is_counted(&self) -> bool {
        self.0.is_some()
    }
}

impl Waiter {
    /// It has its turn, or wants none any more.
    fn leave(&mut self) {
        let Some((turns, number)) = self.0.take() else { return };
        let mut queue = turns.queue();
        queue.waiters.retain(|(other, _)| *other != number);
        turns.count(&queue);
    }
}

/// One that was woken and goes without its turn wakes the next.
impl Drop for Waiter {
    fn drop(&mut self) {
        let turns = self.0.as_ref().map(|(turns, _)| Arc::clone(turns));
        self.leave();
        if let Some(turns) = turns {
            turns.wake_one();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(turns) = self.0 {
            turns.running.fetch_sub(1, Ordering::SeqCst);
            turns.wake_one();
        }
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        self.threads.services.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::task::{Poll, Wake};
    use std::thread;

    use super::*;

    const TICK: Duration = Duration::from_millis(10);

    /// A service that holds threads for a tick each time, and a neighbour.
    fn two(threads: u32) -> (Arc<Turns>, Arc<Turns>) {
        let threads = Threads::new(threads);
        let (long, other) = (Turns::new(Arc::clone(&threads)), Turns::new(threads));
        (0..10).for_each(|_| long.held(TICK));
        (long, other)
    }

    fn begins<'a>(turns: &'a Arc<Turns>, waiter: &mut Waiter) -> Option<Turn<'a>> {
        turns.begin(waiter, &mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn long_turns_leave_a_thread_to_the_neighbours() {
        for threads in 1..6 {
            let (long, other) = two(threads);
            let mut waiters: Vec<_> = (0..10).map(|_| Waiter::default()).collect();
            let taken: Vec<_> =
                waiters.iter_mut().filter_map(|waiter| begins(&long, waiter)).collect();
            assert_eq!(taken.len() as u32, threads.saturating_sub(1).max(1));
            assert!(begins(&other, &mut Waiter::default()).is_some());
        }
    }

    #[test]
    fn quick_turns_and_those_of_a_service_alone_are_not_counted() {
        let (_long, quick) = two(2);
        (0..10_000).for_each(|_| quick.held(Duration::from_micros(100)));
        let mut waiters: Vec<_> = (0..10).map(|_| Waiter::default()).collect();
        assert!(waiters.iter_mut().all(|waiter| begins(&quick, waiter).is_some()));
        // The system took the thread away for a while, now and then.
        for _ in 0..100 {
            quick.held(TICK);
            (0..60).for_each(|_| quick.held(Duration::from_micros(100)));
        }
        assert!(!quick.are_counted());

        let (long, other) = two(2);
        let first = begins(&long, &mut Waiter::default());
        let mut waiter = Waiter::default();
        assert!(begins(&long, &mut waiter).is_none());
        drop(other);
        assert!(begins(&long, &mut waiter).is_some(), "nobody is left to be kept waiting");
        drop(first);
    }

    #[test]
    fn a_service_that_becomes_quick_is_counted_no_longer() {
        let (long, _other) = two(2);
        assert!(long.are_counted());
        (0..1_000).for_each(|_| long.held(Duration::from_micros(50)));
        assert!(!long.are_counted());
        assert_eq!(long.held.load(Ordering::Relaxed), 0, "and changes nothing shared any more");
    }

    struct Flag(AtomicBool);

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_turn_that_is_given_back_or_not_wanted_wakes_the_next() {
        let (long, _other) = two(2);
        let flags: Vec<_> = (0..3).map(|_| Arc::new(Flag(AtomicBool::new(false)))).collect();
        let woken = || flags.iter().filter(|flag| flag.0.load(Ordering::SeqCst)).count();
        let first = begins(&long, &mut Waiter::default());
        let mut waiters = VecDeque::new();
        for flag in &flags {
            let (waker, mut waiter) = (Waker::from(Arc::clone(flag)), Waiter::default());
            // Polled twice: it stands in the queue once.
            for _ in 0..2 {
                assert!(long.begin(&mut waiter, &mut Context::from_waker(&waker)).is_none());
            }
            waiters.push_back(waiter);
        }
        assert_eq!((woken(), long.waiting.load(Ordering::SeqCst)), (0, 3));
        drop(first);
        assert_eq!(woken(), 1);
        drop(waiters.pop_front());
        assert_eq!(woken(), 2, "the first was woken, and went");
        drop(waiters.pop_back());
        assert_eq!(
            woken(),
            2,
            "the last stood in the queue, and whoever was woken is still to come"
        );
        assert!(begins(&long, &mut waiters[0]).is_some());
        assert_eq!(long.waiting.load(Ordering::SeqCst), 0);
    }

    /// Many tasks on many threads, of which some give up under way: never more at once than may be, and each that
    /// stays comes to its end.
    #[test]
    fn there_are_never_more_at_once_and_nobody_waits_for_ever() {
        for threads in [2_u32, 3, 4] {
            let (long, _other) = two(threads);
            let (now, most) = (AtomicU32::new(0), AtomicU32::new(0));
            thread::scope(|scope| {
                for task in 0..8_u32 {
                    let (long, now, most) = (&long, &now, &most);
                    scope.spawn(move || {
                        let mut executor = tokio::runtime::Builder::new_current_thread();
                        let executor = executor.build().unwrap();
                        let mut waiter = Waiter::default();
                        for round in 0..400_u32 {
                            if (round * 7 + task) % 11 == 0 {
                                let _gives_up = long.begin(
                                    &mut Waiter::default(),
                                    &mut Context::from_waker(Waker::noop()),
                                );
                                continue;
                            }
                            executor.block_on(std::future::poll_fn(|cx| {
                                let Some(_turn) = long.begin(&mut waiter, cx) else {
                                    return Poll::Pending;
                                };
                                most.fetch_max(
                                    now.fetch_add(1, Ordering::SeqCst) + 1,
                                    Ordering::SeqCst,
                                );
                                thread::yield_now();
                                long.held(TICK);
                                now.fetch_sub(1, Ordering::SeqCst);
                                Poll::Ready(())
                            }));
                        }
                    });
                }
            });
            assert!(most.load(Ordering::SeqCst) < threads);
            assert_eq!(long.running.load(Ordering::SeqCst), 0);
            assert_eq!(long.waiting.load(Ordering::SeqCst), 0);
        }
    }
}
