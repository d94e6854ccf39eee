//! What bounds a shared instance from outside its event loop, which a guest that computes keeps from running.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::Worker;
use super::desk::Desk;
use crate::limit::{Halt, Limit};
use crate::turns::Waiter;

/// Why an instance is ended from outside.
pub(super) enum End {
    /// It was to leave, its calls are over, and what it still did of its own has had its time.
    Left,
    /// A limit, or its revision was stopped.
    Halted(Halt),
}

/// Seats that are kept before those that are over are looked for: a multiple of the calls that an instance
/// usually has, so that the search is rare.
const SEATS_KEPT: usize = 64;

/// Watches one instance: its calls' time, and its own on the processor.
///
/// Each call brings the revision's limit on the processor with it and takes what is above that of the others
/// away when it is over. No call's own share can be told from its fellows'.
pub(super) struct Watch<'a> {
    desk: &'a Desk,
    worker: &'a Arc<Worker>,
    patience: Duration,
    cpu: Duration,
    cpu_left: Duration,
    /// Calls of the instance that are watched.
    begun: u64,
    /// How many of the worker's seats have been looked at.
    known: usize,
    alarm: Pin<Box<Sleep>>,
    armed: Option<Instant>,
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
    registered: bool,
    idle_since: Option<Instant>,
    now: Instant,
    waiter: Waiter,
}

impl<'a> Watch<'a> {
    pub(super) fn new(desk: &'a Desk, worker: &'a Arc<Worker>) -> Self {
        let now = Instant::now();
        let limits = &desk.revision.spec.limits;
        let cpu = limits.cpu.0;
        Self {
            desk,
            worker,
            patience: limits.time.0,
            cpu,
            cpu_left: cpu,
            begun: 0,
            known: 0,
            alarm: Box::pin(tokio::time::sleep_until(now.into())),
            armed: None,
            stopping: Box::pin(desk.stopping.clone().cancelled_owned()),
            registered: false,
            idle_since: None,
            now,
            waiter: Waiter::default(),
        }
    }

    /// Lets the guest run when it is its turn, and counts for how long.
    pub(super) fn run<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let turns = &self.desk.revision.turns;
        let Some(turn) = turns.begin(&mut self.waiter, cx) else {
            // Its calls' time goes on.
            self.now = Instant::now();
            return Poll::Pending;
        };
        self.worker.running.store(true, Ordering::Relaxed);
        let start = Instant::now();
        let polled = poll(cx);
        self.now = Instant::now();
        drop(turn);
        self.worker.running.store(false, Ordering::Relaxed);
        let spent = self.now - start;
        turns.held(spent);
        self.desk.gauges.ran(spent);
        self.cpu_left = self.cpu_left.saturating_sub(spent);
        polled
    }

    /// Whether the instance has to end, asked each time that its guest has run.
    pub(super) fn look(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        if self.is_stopping(cx) {
            return Poll::Ready(End::Halted(Halt::Stopped));
        }
        if self.cpu_left.is_zero() {
            return Poll::Ready(End::Halted(Halt::Limit(Limit::Cpu)));
        }
        self.welcome(cx);
        if self.armed.is_some_and(|at| at <= self.now) {
            self.armed = None;
            self.expire(cx);
        }
        match self.has_left(cx) {
            true => Poll::Ready(End::Left),
            false => Poll::Pending,
        }
    }

    /// Whether the revision is being stopped. Only the first look asks the token, which takes a lock.
    fn is_stopping(&mut self, cx: &mut Context<'_>) -> bool {
        if self.registered && !self.desk.is_stopped() {
            return false;
        }
        self.registered = true;
        self.stopping.as_mut().poll(cx).is_ready()
    }

    /// Counts calls in that have begun since the last look.
    fn welcome(&mut self, cx: &mut Context<'_>) {
        let begun = self.worker.begun.load(Ordering::Relaxed);
        let more = u32::try_from(begun - self.begun).unwrap_or(u32::MAX);
        let whole = self.cpu.saturating_mul(self.worker.taken().max(1));
        self.cpu_left = self.cpu_left.saturating_add(self.cpu.saturating_mul(more)).min(whole);
        self.begun = begun;
        if more > 0 {
            let next = {
                let mut seats = self.worker.seats();
                let new = seats[self.known..].iter();
                let next = new.filter_map(|seat| seat.due(self.patience)).min();
                if seats.len() > SEATS_KEPT {
                    seats.retain(|seat| seat.due(self.patience).is_some());
                }
                self.known = seats.len();
                next
            };
            self.arm(next, cx);
        }
    }

    /// Ends the calls that have taken too long, and lets an instance whose guest is to blame take no more.
    fn expire(&mut self, cx: &mut Context<'_>) {
        let (late, next) = {
            let mut seats = self.worker.seats();
            let mut next = None;
            let mut late = Vec::new();
            seats.retain(|seat| match seat.due(self.patience) {
                Some(due) if due <= self.now => {
                    late.push(Arc::clone(seat));
                    false
                }
                Some(due) => {
                    next = Some(next.map_or(due, |next: Instant| next.min(due)));
                    true
                }
                None => false,
            });
            self.known = seats.len();
            (late, next)
        };
        let guilty: Vec<_> = late.iter().filter(|seat| seat.expire()).collect();
        for seat in &guilty {
            self.desk.revision.stopped(Limit::Time, seat.call());
        }
        if !guilty.is_empty() {
            self.desk.leave(self.worker);
        }
        self.arm(next, cx);
    }

    /// Whether its calls are over, it takes no more, and what it does of its own has had its time.
    fn has_left(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.worker.is_leaving() || self.worker.taken() > 0 {
            return false;
        }
        let over = *self.idle_since.get_or_insert(self.now) + self.patience;
        self.arm(Some(over), cx);
        over <= self.now
    }

    /// Has the worker woken at this time, if that is sooner than it would be.
    fn arm(&mut self, at: Option<Instant>, cx: &mut Context<'_>) {
        if let Some(at) = at
            && self.armed.is_none_or(|armed| at < armed)
        {
            self.armed = Some(at);
            self.alarm.as_mut().reset(at.into());
            if self.alarm.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
    }
}
