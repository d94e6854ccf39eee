//! What bounds an instance from inside its store: memory, and the time a call spends on a processor.

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use airssys_wasm_model::ByteSize;
use tokio_util::sync::CancellationToken;
use wasmtime::ResourceLimiter;

use crate::gauges::Gauges;
use crate::pool::Pool;

/// The limit that stopped a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Memories and tables of the instance, together.
    Memory,
    /// Wall clock.
    Time,
    /// Time on a processor.
    Cpu,
    /// The call stack.
    Stack,
    /// Bytes of an answer.
    Output,
}

impl Limit {
    /// The name by which manifests and answers know it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Time => "time",
            Self::Cpu => "cpu",
            Self::Stack => "stack",
            Self::Output => "output",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Counts the memories and tables of one instance against its limit.
pub(crate) struct MemoryMeter {
    limit: ByteSize,
    used: usize,
    /// Where the instance counts among its revision's live ones.
    gauges: Option<Arc<Gauges>>,
    /// Set once a growth was refused, so that the trap that follows is known for what it is.
    pub(crate) refused: bool,
}

/// A table's element is a pointer in the host's memory.
const TABLE_ELEMENT_BYTES: usize = size_of::<usize>();

/// Core instances, memories and tables of one component. Composed components have a dozen or two; a
/// component with thousands is out to exhaust the pool's slots.
const PARTS_MAX: usize = 200;

impl MemoryMeter {
    pub(crate) fn new(limit: ByteSize) -> Self {
        Self { limit, used: 0, gauges: None, refused: false }
    }

    pub(crate) fn used_bytes(&self) -> usize {
        self.used
    }

    /// From here on, and with what it uses already, the instance counts among the live ones.
    pub(crate) fn count_into(&mut self, gauges: Arc<Gauges>) {
        gauges.begins(self.used);
        self.gauges = Some(gauges);
    }

    fn grow(&mut self, from: usize, to: usize) -> bool {
        let used = self.used.saturating_add(to.saturating_sub(from));
        if used > self.limit.bytes() {
            self.refused = true;
            return false;
        }
        if let Some(gauges) = &self.gauges {
            gauges.grows(used - self.used);
        }
        self.used = used;
        true
    }
}

impl Drop for MemoryMeter {
    fn drop(&mut self) {
        if let Some(gauges) = &self.gauges {
            gauges.ends(self.used);
        }
    }
}

impl ResourceLimiter for MemoryMeter {
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
        let bytes = |elements: usize| elements.saturating_mul(TABLE_ELEMENT_BYTES);
        Ok(self.grow(bytes(current), bytes(desired)))
    }

    fn instances(&self) -> usize {
        PARTS_MAX
    }

    fn memories(&self) -> usize {
        PARTS_MAX
    }

    fn tables(&self) -> usize {
        PARTS_MAX
    }
}

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
}

type Alarm = Pin<Box<dyn Future<Output = Halt> + Send>>;

impl<F, P> Metered<F, P>
where
    F: Future + Unpin,
    P: Deref<Target = Pool> + Unpin,
{
    pub(crate) fn new(inner: F, pool: P, until: Instant) -> Self {
        let (spent, until) = (Duration::ZERO, Some(until));
        Self { inner, spent, until, pool, began: None, is_counted: false, alarm: None }
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
        let start = self.began.take().unwrap_or_else(Instant::now);
        let polled = Pin::new(&mut self.inner).poll(cx);
        let end = Instant::now();
        self.pool.gauges.ran(end - start);
        self.spent += end - start;
        let halted = polled.is_pending() && self.spent >= self.pool.revision.spec.limits.cpu.0;
        if self.is_counted && (polled.is_ready() || halted) {
            self.pool.costs().ran(self.spent, end);
        }
        if let Poll::Ready(output) = polled {
            return Poll::Ready(Ok(output));
        }
        if halted {
            return Poll::Ready(Err(Halt::Limit(Limit::Cpu)));
        }
        if self.until.is_some_and(|until| end >= until) {
            return Poll::Ready(Err(Halt::Limit(Limit::Time)));
        }
        let Self { until, pool, alarm: armed, .. } = &mut *self;
        armed.get_or_insert_with(|| alarm(*until, pool.stopping.clone())).as_mut().poll(cx).map(Err)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_count_against_one_limit() {
        let mut meter = MemoryMeter::new(ByteSize(1 << 20));
        assert!(meter.memory_growing(0, 512 << 10, None).unwrap());
        assert!(meter.memory_growing(0, 256 << 10, None).unwrap());
        assert!(!meter.table_growing(0, 64 << 10, None).unwrap(), "512 KiB more were allowed");
        assert!(meter.refused);
        assert!(meter.table_growing(0, 16 << 10, None).unwrap());
        let used = meter.used_bytes();
        assert!(!meter.memory_growing(0, usize::MAX, None).unwrap(), "the sum wrapped around");
        assert_eq!(meter.used_bytes(), used);
    }
}
