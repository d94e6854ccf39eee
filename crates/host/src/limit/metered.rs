//! A guest's future while it runs: how long it may take, and whose turn it is.

use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::Limit;
use crate::pool::Pool;
use crate::turns::Waiter;

/// Why a guest was halted in the middle of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halt {
    Limit(Limit),
    /// Its revision was stopped.
    Stopped,
}

/// A guest's future, held by a pin, halted when it has run too long or taken too long, or when its revision is
/// stopped.
///
/// A guest yields at every epoch tick, so one poll lasts a tick at most and the limits are kept to that
/// precision. Time on the processor is the time spent inside polls: a good stand-in for the thread's own
/// clock, at a twentieth of its price.
pub(crate) struct Metered<F, P> {
    inner: F,
    spent: Duration,
    until: Option<Instant>,
    /// The instance's pool, whose stop halts the guest.
    pool: P,
    /// When the first poll begins, where that is known: a look at the clock for each call less.
    began: Option<Instant>,
    /// Whether its time counts among the calls' when it ends.
    is_counted: bool,
    /// Armed at the first poll that leaves the guest waiting: most calls end in their first.
    alarm: Option<Alarm>,
    /// Where its service has to leave a thread to others.
    waiter: Waiter,
}

type Alarm = Pin<Box<dyn Future<Output = Halt> + Send>>;

impl<F, P> Metered<F, P>
where
    F: Future + Unpin,
    P: Deref<Target = Pool> + Unpin,
{
    pub(crate) fn new(inner: F, pool: P, until: Instant) -> Self {
        let (spent, until) = (Duration::ZERO, Some(until));
        let waiter = Waiter::default();
        Self { inner, spent, until, pool, began: None, is_counted: false, alarm: None, waiter }
    }

    /// A call that is begun at once.
    pub(crate) fn call(now: Instant, inner: F, pool: P, until: Instant) -> Self {
        Self { began: Some(now), is_counted: true, ..Self::new(inner, pool, until) }
    }

    /// The same, of a call that may be one that does not count.
    pub(crate) fn unless_probe(mut self, probe: bool) -> Self {
        self.is_counted &= !probe;
        self
    }

    /// The pool of the guest's instance.
    pub(crate) fn pool(&self) -> &P {
        &self.pool
    }

    /// Lifts the bound on wall clock; the bound on the processor stays.
    pub(crate) fn without_deadline(mut self) -> Self {
        self.until = None;
        self.alarm = None;
        self
    }
}

impl<F, P> Future for Metered<F, P>
where
    F: Future + Unpin,
    P: Deref<Target = Pool> + Unpin,
{
    type Output = Result<F::Output, Halt>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { inner, spent, until, pool, began, is_counted, alarm: armed, waiter } =
            &mut *self;
        let turns = &pool.revision.turns;
        let began = began.take();
        let Some(turn) = turns.begin(waiter, cx) else {
            return waits(armed, *until, pool, cx);
        };
        // Where it may have waited, that was no time of its own.
        let start = began.filter(|_| !turn.is_counted()).unwrap_or_else(Instant::now);
        let polled = Pin::new(inner).poll(cx);
        let end = Instant::now();
        drop(turn);
        let took = end - start;
        turns.held(took);
        pool.gauges.ran(took);
        *spent += took;
        let halted = polled.is_pending() && *spent >= pool.revision.spec.limits.cpu.0;
        if *is_counted && (polled.is_ready() || halted) {
            pool.costs().ran(*spent, end);
        }
        if let Poll::Ready(output) = polled {
            return Poll::Ready(Ok(output));
        }
        if halted {
            return Poll::Ready(Err(Halt::Limit(Limit::Cpu)));
        }
        if until.is_some_and(|until| end >= until) {
            return Poll::Ready(Err(Halt::Limit(Limit::Time)));
        }
        waits(armed, *until, pool, cx)
    }
}

/// What else may end its waiting.
fn waits<T>(
    armed: &mut Option<Alarm>,
    until: Option<Instant>,
    pool: &Pool,
    cx: &mut Context<'_>,
) -> Poll<Result<T, Halt>> {
    let armed = armed.get_or_insert_with(|| alarm(until, pool.stopping.clone()));
    armed.as_mut().poll(cx).map(Err)
}

/// Wakes the call when its time is over or its revision is stopped.
fn alarm(until: Option<Instant>, stopping: CancellationToken) -> Alarm {
    Box::pin(async move {
        let late = async {
            match until {
                Some(until) => tokio::time::sleep_until(until.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = late => Halt::Limit(Limit::Time),
            () = stopping.cancelled() => Halt::Stopped,
        }
    })
}
