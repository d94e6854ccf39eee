//! The body of a guest's answer on its way to its reader.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
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
    /// What a guest that has ended left to be sent: all of its body.
    left: VecDeque<Result<Frame<Bytes>, HttpError>>,
    /// The rest, of a guest that goes on.
    body: Option<WasiBody>,
    gap: Duration,
    /// Armed when the guest makes the reader wait.
    alarm: Option<Pin<Box<Sleep>>>,
    sending: Arc<Sending>,
    _reading: Option<Reading>,
}

/// Pieces that are taken at once from a guest that has ended: more than its channel holds, and a bound where a
/// request's body is handed back as fast as it comes.
const LEFT_MAX: usize = 16;

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
    pub(super) fn begin(start: Instant) -> Self {
        Self {
            start,
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
    /// The body of a guest that has ended. What it wrote waits in a channel of a few pieces, so it is taken at
    /// once: its length is known then, and it is sent with its head in one go.
    pub(super) fn of_one_that_ended(
        mut body: WasiBody,
        gap: Duration,
        sending: Arc<Sending>,
    ) -> Self {
        let mut left = VecDeque::new();
        let mut nobody = Context::from_waker(Waker::noop());
        let body = loop {
            if left.len() == LEFT_MAX {
                break Some(body);
            }
            match Pin::new(&mut body).poll_frame(&mut nobody) {
                Poll::Ready(Some(frame)) => left.push_back(frame),
                Poll::Ready(None) => break None,
                // It is not the guest that writes it: a request's body handed back, or another server's.
                Poll::Pending => break Some(body),
            }
        };
        sending.moved();
        Self { left, body, gap, alarm: None, sending, _reading: None }
    }

    /// The body of a guest that still runs.
    pub(super) fn of_one_that_goes_on(
        body: WasiBody,
        gap: Duration,
        sending: Arc<Sending>,
        reading: Reading,
    ) -> Self {
        sending.moved();
        let (left, body) = (VecDeque::new(), Some(body));
        Self { left, body, gap, alarm: None, sending, _reading: Some(reading) }
    }
}

impl Body for HttpBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if let Some(frame) = self.left.pop_front() {
            return Poll::Ready(Some(frame));
        }
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        match Pin::new(body).poll_frame(cx) {
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
        self.left.is_empty() && self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Some(body) if self.left.is_empty() => body.size_hint(),
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact(self.left.iter().map(length).sum()),
        }
    }
}

fn length(frame: &Result<Frame<Bytes>, HttpError>) -> u64 {
    let data = frame.as_ref().ok().and_then(Frame::data_ref);
    data.map_or(0, |data| data.len() as u64)
}
