//! What the node's default limits are made of, in the bare host: to say what they cost, where they can be left out.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use airssys_wasm_model::Limits as Bounds;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use wasmtime::{Engine, ResourceLimiter, Store};
use wasmtime_wasi_http::{Error, WasiBody};

use super::driven::Work;
use super::host::Ctx;

/// How often a guest gives way.
const TICK: Duration = Duration::from_millis(10);

/// Bytes that one call from a guest may make the host copy.
const FUEL: usize = 128 << 20;

/// Bytes of one set of header fields.
const FIELDS_BYTES: usize = 32 << 10;

/// Of all instances together.
#[derive(Clone)]
pub(super) struct Limits {
    places: Arc<Semaphore>,
    spent_ns: Arc<AtomicU64>,
}

/// The memories and tables of one instance.
#[derive(Default)]
pub(super) struct Memory {
    used: usize,
}

impl Limits {
    /// Sets the engine's clock going.
    pub(super) fn of(engine: &Engine) -> Self {
        let weak = engine.weak();
        thread::spawn(move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(TICK);
            }
        });
        let places = Arc::new(Semaphore::new(Bounds::DEFAULT.concurrency as usize));
        Self { places, spent_ns: Arc::default() }
    }

    /// Bounds an instance from inside.
    pub(super) fn bind(store: &mut Store<Ctx>) {
        let handles = Bounds::DEFAULT.handles as usize;
        let ctx = store.data_mut();
        ctx.table.set_max_capacity(handles);
        ctx.http.set_field_size_limit(FIELDS_BYTES);
        store.limiter(|ctx| &mut ctx.memory);
        store.set_max_component_handles(handles);
        store.set_hostcall_fuel(FUEL);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
    }

    /// One of so many calls at once.
    pub(super) async fn place(&self) -> wasmtime::Result<OwnedSemaphorePermit> {
        Ok(Arc::clone(&self.places).acquire_owned().await?)
    }

    /// A call within its time.
    pub(super) fn timed(&self, work: Work) -> Work {
        let until = Instant::now() + Bounds::DEFAULT.time.0;
        let spent_ns = Arc::clone(&self.spent_ns);
        Box::pin(Timed { work, until, spent: Duration::ZERO, spent_ns, alarm: None })
    }

    /// An answer that is counted.
    pub(super) fn counted(body: WasiBody) -> WasiBody {
        Counted { body, left: Bounds::DEFAULT.output.0 }.boxed_unsync()
    }
}

impl Memory {
    fn grow(&mut self, from: usize, to: usize) -> bool {
        let used = self.used.saturating_add(to.saturating_sub(from));
        let fits = used <= Bounds::DEFAULT.memory.bytes();
        if fits {
            self.used = used;
        }
        fits
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let bytes = |elements: usize| elements.saturating_mul(size_of::<usize>());
        Ok(self.grow(bytes(current), bytes(desired)))
    }
}

/// A call whose time is looked at each time that its guest has run.
struct Timed {
    work: Work,
    until: Instant,
    spent: Duration,
    spent_ns: Arc<AtomicU64>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Future for Timed {
    type Output = wasmtime::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let start = Instant::now();
        let polled = self.work.as_mut().poll(cx);
        let end = Instant::now();
        let took = end - start;
        self.spent += took;
        self.spent_ns.fetch_add(took.as_nanos() as u64, Ordering::Relaxed);
        if polled.is_ready() {
            return polled;
        }
        if self.spent >= Bounds::DEFAULT.cpu.0 || end >= self.until {
            return Poll::Ready(Err(wasmtime::Error::msg("stopped at a limit on time")));
        }
        let until = self.until;
        let alarm =
            self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until.into())));
        alarm.as_mut().poll(cx).map(|()| Err(wasmtime::Error::msg("stopped at its limit on time")))
    }
}

struct Counted {
    body: WasiBody,
    left: u64,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        let bytes =
            frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref().map(Bytes::len));
        match self.left.checked_sub(bytes.unwrap_or(0) as u64) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Some(Err(Error::HttpResponseBodySize(None)))),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
