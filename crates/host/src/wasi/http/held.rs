//! A body that is read or sent by a right: cut with an error when the right is revoked.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;
use wasmtime_wasi_http::Error;

use super::places::Places;
use crate::rights::Hold;

/// A body, cut with an error where its right is revoked or whoever writes it makes its reader wait too long. What it
/// stands for goes with its end, and need not wait for its reader to let go of it.
pub(super) struct HeldBody<B> {
    whole: Option<Whole<B>>,
    /// The longest gap, where there is a bound.
    gap: Option<Duration>,
    alarm: Option<Pin<Box<Sleep>>>,
    hold: Arc<Hold>,
    /// Made for the first reader that has to wait, which a revocation has to wake.
    revoked: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

struct Whole<B> {
    body: B,
    _places: Option<Places>,
}

impl<B: Body<Data = Bytes>> HeldBody<B> {
    pub(super) fn new(body: B, hold: Arc<Hold>) -> Self {
        let whole = (!body.is_end_stream()).then_some(Whole { body, _places: None });
        Self { whole, gap: None, alarm: None, hold, revoked: None }
    }

    /// The same with this bound on its gaps.
    pub(super) fn with_gap(self, gap: Option<Duration>) -> Self {
        Self { gap, ..self }
    }

    /// The same, keeping places for as long as there is more of it.
    pub(super) fn keeping(mut self, places: Places) -> Self {
        if let Some(whole) = &mut self.whole {
            whole._places = Some(places);
        }
        self
    }

    /// What ends a reader's waiting.
    fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let Self { gap, alarm, hold, revoked, .. } = self;
        let revoked = revoked.get_or_insert_with(|| Box::pin(Arc::clone(hold).revoked()));
        if revoked.as_mut().poll(cx).is_ready() {
            hold.check();
            return Poll::Ready(Error::HttpRequestDenied);
        }
        let Some(gap) = *gap else { return Poll::Pending };
        let alarm = alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(gap)));
        alarm.as_mut().poll(cx).map(|()| Error::ConnectionReadTimeout)
    }
}

impl<B> Body for HeldBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(whole) = &mut self.whole else { return Poll::Ready(None) };
        let frame = Pin::new(&mut whole.body).poll_frame(cx);
        let is_over = match &frame {
            Poll::Ready(Some(Ok(_))) => whole.body.is_end_stream(),
            Poll::Ready(_) => true,
            Poll::Pending => false,
        };
        // After it: the end that the revocation made is no whole body.
        if !self.hold.check() {
            self.whole = None;
            return Poll::Ready(Some(Err(Error::HttpRequestDenied)));
        }
        if is_over {
            self.whole = None;
        }
        match frame {
            Poll::Ready(frame) => {
                self.alarm = None;
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                let cut = std::task::ready!(self.poll_cut(cx));
                self.whole = None;
                Poll::Ready(Some(Err(cut)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.whole.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.whole.as_ref().map_or(SizeHint::with_exact(0), |whole| whole.body.size_hint())
    }
}
