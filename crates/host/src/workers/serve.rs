//! The life of a shared instance: it begins the calls that it is given, runs them beside each other, and ends
//! when it is told to leave, when its guest traps, or when a limit stops it.
//!
//! A trap ends every call of the instance, and so does its limit on the processor: a guest that computes
//! keeps its fellows from running, so what it may use without ending any of them is what they may use together.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use futures::channel::oneshot;
use futures::stream::{FuturesUnordered, StreamExt};
use wasmtime::AsContextMut;
use wasmtime::component::{Accessor, GuestTaskId};
use wasmtime_wasi_http::handler::{Prepared, Proxy};
use wasmtime_wasi_http::{WasiBody, WasiHttpView};

use super::desk::Desk;
use super::seat::Seat;
use super::watch::{End, Watch};
use super::{Job, Worker};
use crate::call::{CallError, load};
use crate::guest::Guest;
use crate::instance::Instance;
use crate::pool::{ClaimError, is_spent};

type Answered = (Arc<Seat>, Result<http::Response<WasiBody>, CallError>);

/// Runs a worker from its first call to its end.
pub(super) async fn serve(desk: Desk, worker: Arc<Worker>) {
    let ended = match instance(&desk).await {
        Ok(instance) => drive(&desk, &worker, instance).await,
        Err(error) => {
            // Other instances would not start either, and these callers are the ones to be told.
            worker.seats().extend(worker.inbox().into_iter().map(|job| job.seat));
            Err(error)
        }
    };
    desk.leave(&worker);
    let left = std::mem::take(&mut *worker.seats());
    let error = ended.err().unwrap_or(CallError::NoAnswer);
    left.iter().for_each(|seat| seat.cut(error.again()));
}

/// One that waited, or a new one.
async fn instance(desk: &Desk) -> Result<Box<Instance>, CallError> {
    // The call that the worker was made for holds it, unless it is over already.
    let pool = desk.pool.upgrade().ok_or(ClaimError::Stopped)?;
    match pool.take_idle() {
        Some(instance) => Ok(instance),
        None => pool.start().await,
    }
}

async fn drive(
    desk: &Desk,
    worker: &Arc<Worker>,
    mut instance: Box<Instance>,
) -> Result<(), CallError> {
    let proxy = load(desk.revision.doors(instance.lane), &mut instance.store, &instance.instance)?
        .map_err(|error| CallError::of(&error, instance.store.data()))?;
    let answered = Mutex::default();
    let office = Office { desk, worker, proxy: &proxy, answered: &answered };
    let ended = {
        let run = instance.store.run_concurrent(async |accessor| office.open(accessor).await);
        let mut run = pin!(run);
        let mut watch = Watch::new(desk, worker);
        std::future::poll_fn(|cx| {
            let polled = watch.run(cx, |cx| run.as_mut().poll(cx));
            hand_over(&answered);
            let ended = match polled {
                Poll::Ready(ended) => Poll::Ready(Ok(ended.and_then(|ended| ended))),
                Poll::Pending => watch.look(cx).map(Err),
            };
            if ended.is_ready() {
                // Before anything of the instance is dropped, which ends bodies as if they were whole.
                worker.seats().iter().for_each(|seat| seat.mark_cut());
            }
            ended
        })
        .await
    };
    let guest = instance.store.data();
    let ended = match ended {
        Ok(ended) => ended.map_err(|error| CallError::of(&error, guest)),
        Err(End::Left) => Ok(()),
        Err(End::Halted(halt)) => Err(halt.into()),
    };
    // Whichever call of it began last: the limit is that of all of them.
    desk.revision.noted(guest.call.request_id, ended)
}

/// Answers are given when the guest lets go of the thread: small ones are whole by then.
fn hand_over(answered: &Mutex<Vec<Answered>>) {
    let answers = std::mem::take(&mut *answered.lock().unwrap_or_else(PoisonError::into_inner));
    answers.into_iter().for_each(|(seat, answer)| seat.answer(answer));
}

/// What the calls of one instance have in common.
struct Office<'a> {
    desk: &'a Desk,
    worker: &'a Arc<Worker>,
    proxy: &'a Proxy,
    /// Guards a push and a swap, never across an await.
    answered: &'a Mutex<Vec<Answered>>,
}

impl Office<'_> {
    /// Begins calls as they come and runs them, until the worker leaves and all are over.
    async fn open(&self, accessor: &Accessor<Guest>) -> wasmtime::Result<()> {
        let mut calls = FuturesUnordered::new();
        std::future::poll_fn(|cx| {
            self.worker.waker.register(cx.waker());
            for job in self.worker.inbox() {
                match self.begin(accessor, job) {
                    Ok(call) => calls.push(call),
                    Err(error) => return Poll::Ready(Err(error)),
                }
                self.recycle(accessor);
            }
            while let Poll::Ready(Some(ended)) = calls.poll_next_unpin(cx) {
                if let Err(error) = ended {
                    return Poll::Ready(Err(error));
                }
            }
            let done = self.worker.is_leaving() && calls.is_empty() && self.worker.taken() == 0;
            // Work that a guest does after its answers is its own, and is let end.
            if done && accessor.poll_no_interesting_tasks(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            Poll::Pending
        })
        .await
    }

    fn begin<'a>(
        &'a self,
        accessor: &'a Accessor<Guest>,
        job: Job,
    ) -> wasmtime::Result<impl Future<Output = wasmtime::Result<()>> + 'a> {
        let Job { request, call, seat } = job;
        self.worker.seats().push(Arc::clone(&seat));
        self.worker.begun.fetch_add(1, Ordering::Relaxed);
        let (sender, mut receiver) = oneshot::channel();
        let most = self.desk.revision.spec.instances.in_flight as usize;
        let live = || self.worker.seats().iter().filter_map(|seat| seat.live()).collect();
        let prepared = accessor.with(|mut access| {
            let mut store = access.as_context_mut();
            // As for any call: a deadline that has passed would make the guest yield at once.
            store.set_epoch_deadline(1);
            store.data_mut().begin(Arc::clone(&call));
            let prepared = Prepared::new(store, self.proxy, request, WasiHttpView::http, sender)?;
            access.get().answers(task(&prepared), call, most, live);
            Ok::<_, wasmtime::Error>(prepared)
        })?;
        Ok(async move {
            prepared.run(accessor, std::future::pending()).await?;
            let answer = match receiver.try_recv() {
                Ok(Some(answer)) => answer.map_err(|error| CallError::Http(format!("{error:#}"))),
                _ => Err(CallError::NoAnswer),
            };
            let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
            answered.push((seat, answer));
            Ok(())
        })
    }

    /// Takes no further calls if this instance has had its share of them, or of its memory, or began under other
    /// rights.
    fn recycle(&self, accessor: &Accessor<Guest>) {
        let begun = self.worker.begun.load(Ordering::Relaxed);
        let (used, born) = accessor.with(|mut store| {
            let guest = store.get();
            (guest.memory.used_bytes(), guest.born)
        });
        let outdated = born != self.desk.revision.rights.epoch();
        if !self.worker.is_leaving() && (outdated || is_spent(&self.desk.revision, begun, used)) {
            self.desk.leave(self.worker);
        }
    }
}

/// The task that answers a request.
fn task(prepared: &Prepared<'_, Guest>) -> GuestTaskId {
    match prepared {
        Prepared::P2 { call, .. } => call.task(),
        Prepared::P3 { call, .. } => call.task(),
    }
}
