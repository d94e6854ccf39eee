//! The body of a guest's answer on its way to its reader.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::channel::oneshot;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;
use wasmtime_wasi_http::WasiBody;

use super::HttpError;

/// The body of a guest's answer. Its gaps are bounded by the revision's limit on time, and it ends with an
/// error if its guest was stopped before it had said all.
pub struct HttpBody {
    body: WasiBody,
    gap: Duration,
    /// Armed when the guest makes the reader wait.
    alarm: Option<Pin<Box<Sleep>>>,
    sending: Arc<Sending>,
    _reading: Option<Reading>,
}

/// Tells the task of a guest that still runs, by being dropped, that nobody reads any more.
pub(super) type Reading = oneshot::Sender<()>;

/// How the sending of a body goes, known to the guest's side and the reader's.
pub(super) struct Sending {
    start: Instant,
    /// When it last moved, by whichever side.
    moved_ms: AtomicU64,
    cut: AtomicBool,
    /// Whether the reader waits for the guest, and not the guest for its reader.
    reader_waits: AtomicBool,
    /// Whether a cut is the guest's fault: it is, unless its reader was what it waited for.
    blame: AtomicBool,
}

impl Sending {
    pub(super) fn begin() -> Self {
        Self {
            start: Instant::now(),
            moved_ms: AtomicU64::new(0),
            cut: AtomicBool::new(false),
            reader_waits: AtomicBool::new(true),
            blame: AtomicBool::new(true),
        }
    }

    fn moved(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved_ms.store(now, Ordering::Relaxed);
    }

    /// The guest does not get to the end of its body. Said before the guest is dropped.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
    }

    /// Who is to blame for the cut: the guest, or a reader that made it wait too long.
    fn fault(&self) -> HttpError {
        match self.blame.load(Ordering::Relaxed) {
            true => HttpError::HttpResponseIncomplete,
            false => HttpError::ConnectionWriteTimeout,
        }
    }

    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }

    /// Waits until nothing has moved for so long: the guest writes nothing, or its reader reads nothing.
    pub(super) async fn stalled(&self, patience: Duration) {
        loop {
            let moved = Duration::from_millis(self.moved_ms.load(Ordering::Relaxed));
            let idle = self.start.elapsed().saturating_sub(moved);
            match patience.checked_sub(idle) {
                Some(left) if !left.is_zero() => tokio::time::sleep(left).await,
                _ => {
                    let guilty = self.reader_waits.load(Ordering::Relaxed);
                    return self.blame.store(guilty, Ordering::Relaxed);
                }
            }
        }
    }
}

impl HttpBody {
    pub(super) fn new(
        body: WasiBody,
        gap: Duration,
        sending: Arc<Sending>,
        reading: Option<Reading>,
    ) -> Self {
        sending.moved();
        Self { body, gap, alarm: None, sending, _reading: reading }
    }
}

impl Body for HttpBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            // A guest that is gone ends its body as one that has said all does.
            Poll::Ready(None) if self.sending.is_cut() => {
                Poll::Ready(Some(Err(self.sending.fault())))
            }
            Poll::Ready(frame) => {
                self.alarm = None;
                self.sending.reader_waits.store(false, Ordering::Relaxed);
                self.sending.moved();
                Poll::Ready(frame)
            }
            Poll::Pending => {
                self.sending.reader_waits.store(true, Ordering::Relaxed);
                let gap = self.gap;
                let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(gap)));
                match alarm.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(HttpError::HttpResponseTimeout))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
