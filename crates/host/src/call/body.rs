//! The body of a guest's answer on its way to its reader.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::channel::oneshot;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;
use wasmtime_wasi_http::WasiBody;

use super::HttpError;
use super::error::CallError;
use crate::context::{CallCtx, RequestId};
use crate::limit::Limit;
use crate::pool::Pool;
use crate::prepare::Revision;
use crate::wasi::CallEnd;
use crate::workers::Sitting;

/// The body of a guest's answer. Its gaps are bounded by the revision's limit on time, and it ends with an
/// error if its guest was stopped before it had said all.
pub struct HttpBody {
    /// What was there with the answer's head.
    left: VecDeque<Result<Frame<Bytes>, HttpError>>,
    rest: Rest,
    flow: Flow,
    /// Whose it is, while there may come more of it than it may have.
    whose: Option<Arc<Revision>>,
    /// Armed when the guest makes the reader wait.
    alarm: Option<Pin<Box<Sleep>>>,
}

/// How a body may flow: how long it may stand still, and how much of it there may be.
pub(super) struct Flow {
    gap: Duration,
    /// Bytes that may still come.
    left: u64,
    call: RequestId,
}

/// What comes after that.
enum Rest {
    /// Nothing.
    None,
    /// The body of a guest that serves this call alone.
    Alone { body: WasiBody, sending: Arc<Sending>, _reading: Option<Reading> },
    /// The body of one that serves others too.
    Shared(Sitting),
}

type Polled = Poll<Option<Result<Frame<Bytes>, HttpError>>>;

/// Pieces that are taken at once from a guest that has ended: more than its channel holds, and a bound where a
/// request's body is handed back as fast as it comes.
const LEFT_MAX: usize = 16;

/// Tells the task of a guest that still runs, by being dropped, that nobody reads any more.
pub(super) type Reading = oneshot::Sender<()>;

/// How the sending of a body goes, known to the guest's side and the reader's.
pub(crate) struct Sending {
    start: Instant,
    /// When it last moved, by whichever side.
    moved_ms: AtomicU64,
    cut: AtomicBool,
    /// Whether the reader waits for the guest, and not the guest for its reader.
    reader_waits: AtomicBool,
    /// Whether a cut is the guest's fault: it is, unless its reader was what it waited for.
    blame: AtomicBool,
    /// The end of the call, once its guest has ended before its body: that may be a service's answer, handed on as it is.
    end: OnceLock<CallEnd>,
}

impl Sending {
    pub(crate) fn begin(start: Instant) -> Self {
        Self {
            start,
            moved_ms: AtomicU64::new(0),
            cut: AtomicBool::new(false),
            reader_waits: AtomicBool::new(true),
            blame: AtomicBool::new(true),
            end: OnceLock::new(),
        }
    }

    fn moved(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved_ms.store(now, Ordering::Relaxed);
    }

    /// The head is there: it is its reader's turn.
    pub(crate) fn begins(&self) {
        self.reader_waits.store(false, Ordering::Relaxed);
        self.moved();
    }

    /// Its guest has ended: the call does when nobody reads any more.
    pub(super) fn ends_with(&self, end: CallEnd) {
        let _there_is_one_guest = self.end.set(end);
    }

    /// The guest does not get to the end of its body. Said before the guest is dropped.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
    }

    /// Who is to blame for the cut: the guest, or a reader that made it wait too long.
    fn fault(&self) -> HttpError {
        match self.blame.load(Ordering::Relaxed) {
            true => HttpError::HttpResponseIncomplete,
            false => HttpError::ConnectionWriteTimeout,
        }
    }

    /// What was read of a body, with its end turned into an error if it was cut: a guest that is gone ends its
    /// body as one that has said all does.
    pub(crate) fn whole(&self, polled: Polled) -> Polled {
        match polled {
            Poll::Ready(None) if self.cut.load(Ordering::Acquire) => {
                Poll::Ready(Some(Err(self.fault())))
            }
            polled => polled,
        }
    }

    /// Waits until nothing has moved for so long: the guest writes nothing, or its reader reads nothing.
    pub(super) async fn stalled(&self, patience: Duration) {
        loop {
            let due = self.last_moved() + patience;
            if due <= Instant::now() {
                self.blame();
                return;
            }
            tokio::time::sleep_until(due.into()).await;
        }
    }

    /// When it last moved.
    pub(crate) fn last_moved(&self) -> Instant {
        self.start + Duration::from_millis(self.moved_ms.load(Ordering::Relaxed))
    }

    /// It has stalled. Returns whether that is the guest's fault, as it is unless its reader does not read.
    pub(crate) fn blame(&self) -> bool {
        let guilty = self.reader_waits.load(Ordering::Relaxed);
        self.blame.store(guilty, Ordering::Relaxed);
        guilty
    }
}

impl Flow {
    pub(super) fn of(pool: &Pool, call: &CallCtx) -> Self {
        let limits = &pool.revision.spec.limits;
        Self { gap: limits.time.0, left: limits.output.0, call: call.request_id }
    }

    /// Whether there may be so much more.
    fn takes(&mut self, frame: &Frame<Bytes>) -> bool {
        let more = frame.data_ref().map_or(0, |data| data.len() as u64);
        let left = self.left.checked_sub(more);
        self.left = left.unwrap_or(0);
        left.is_some()
    }
}

impl HttpBody {
    /// The body of a guest that has ended. What it wrote waits in a channel of a few pieces, so it is taken at
    /// once: its length is known then, and it is sent with its head in one go.
    ///
    /// # Errors
    /// When that is more than answers may have.
    pub(super) fn of_one_that_ended(
        body: WasiBody,
        flow: Flow,
        whose: &Arc<Revision>,
        sending: Arc<Sending>,
    ) -> Result<Self, CallError> {
        sending.begins();
        Self::begun(Rest::Alone { body, sending, _reading: None }, flow, whose)
    }

    /// The body of a guest that still runs.
    pub(super) fn of_one_that_goes_on(
        body: WasiBody,
        flow: Flow,
        whose: Arc<Revision>,
        sending: Arc<Sending>,
        reading: Reading,
    ) -> Self {
        sending.begins();
        let rest = Rest::Alone { body, sending, _reading: Some(reading) };
        Self { left: VecDeque::new(), rest, flow, whose: Some(whose), alarm: None }
    }

    /// The body of a guest that serves other calls too, and has let go of the thread since its answer.
    ///
    /// # Errors
    /// When more than answers may have is there already.
    pub(super) fn of_a_seat(
        sitting: Sitting,
        flow: Flow,
        whose: &Arc<Revision>,
    ) -> Result<Self, CallError> {
        Self::begun(Rest::Shared(sitting), flow, whose)
    }

    /// A body with what is there of it by now.
    fn begun(mut rest: Rest, mut flow: Flow, whose: &Arc<Revision>) -> Result<Self, CallError> {
        let mut left = VecDeque::new();
        let mut nobody = Context::from_waker(Waker::noop());
        while left.len() < LEFT_MAX {
            match rest.poll(&mut nobody) {
                Poll::Ready(Some(Ok(frame))) if flow.takes(&frame) => left.push_back(Ok(frame)),
                // Its head has not gone out: there is a better answer than half a body.
                Poll::Ready(Some(Ok(_too_long))) => return Err(CallError::Limit(Limit::Output)),
                Poll::Ready(Some(Err(error))) => {
                    left.push_back(Err(error));
                    rest = Rest::None;
                    break;
                }
                Poll::Ready(None) => {
                    rest = Rest::None;
                    break;
                }
                // Still to be written, by the guest, a request's body handed back, or another server.
                Poll::Pending => break,
            }
        }
        let whose = (!matches!(rest, Rest::None)).then(|| Arc::clone(whose));
        Ok(Self { left, rest, flow, whose, alarm: None })
    }

    /// What the reader of a body is told that is too long and whose head has gone out.
    fn overflow(&self) -> HttpError {
        let bound = self.whose.as_ref().map(|revision| {
            revision.stopped(Limit::Output, self.flow.call);
            revision.spec.limits.output.0
        });
        HttpError::HttpResponseBodySize(bound)
    }
}

impl Rest {
    fn poll(&mut self, cx: &mut Context<'_>) -> Polled {
        match self {
            Self::None => Poll::Ready(None),
            Self::Alone { body, sending, .. } => sending.whole(Pin::new(body).poll_frame(cx)),
            Self::Shared(sitting) => Pin::new(sitting).poll_frame(cx),
        }
    }

    fn sending(&self) -> Option<&Sending> {
        match self {
            Self::None => None,
            Self::Alone { sending, .. } => Some(sending),
            Self::Shared(sitting) => Some(sitting.sending()),
        }
    }
}

impl Body for HttpBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = &mut *self;
        if let Some(frame) = this.left.pop_front() {
            return Poll::Ready(Some(frame));
        }
        let polled = this.rest.poll(cx);
        let Some(sending) = this.rest.sending() else { return polled };
        match polled {
            Poll::Ready(Some(Ok(frame))) if !this.flow.takes(&frame) => {
                this.rest = Rest::None;
                Poll::Ready(Some(Err(this.overflow())))
            }
            Poll::Ready(frame) => {
                this.alarm = None;
                sending.reader_waits.store(false, Ordering::Relaxed);
                sending.moved();
                Poll::Ready(frame)
            }
            Poll::Pending => {
                sending.reader_waits.store(true, Ordering::Relaxed);
                let gap = this.flow.gap;
                let alarm = this.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(gap)));
                match alarm.as_mut().poll(cx) {
                    Poll::Ready(()) => {
                        if let Rest::Shared(sitting) = &this.rest {
                            sitting.retire_instance();
                        }
                        if let Some(revision) = &this.whose {
                            revision.stopped(Limit::Time, this.flow.call);
                        }
                        Poll::Ready(Some(Err(HttpError::HttpResponseTimeout)))
                    }
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
            && match &self.rest {
                Rest::None => true,
                Rest::Alone { body, .. } => body.is_end_stream(),
                Rest::Shared(sitting) => sitting.is_end_stream(),
            }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.rest {
            Rest::None => SizeHint::with_exact(self.left.iter().map(length).sum()),
            Rest::Alone { body, .. } if self.left.is_empty() => body.size_hint(),
            Rest::Shared(sitting) if self.left.is_empty() => sitting.size_hint(),
            _ => SizeHint::default(),
        }
    }
}

fn length(frame: &Result<Frame<Bytes>, HttpError>) -> u64 {
    let data = frame.as_ref().ok().and_then(Frame::data_ref);
    data.map_or(0, |data| data.len() as u64)
}
