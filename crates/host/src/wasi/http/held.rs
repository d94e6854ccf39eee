//! A body that is read or sent by a right: cut with an error when the right is revoked.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;
use wasmtime_wasi_http::Error;

use crate::rights::Hold;

/// A body, cut with an error where its right is revoked or whoever writes it makes its reader wait too long. What it
/// stands for goes with its end, and need not wait for its reader to let go of it.
pub(super) struct HeldBody<B> {
    /// While there is more of it.
    body: Option<B>,
    /// The longest gap, where there is a bound.
    gap: Option<Duration>,
    alarm: Option<Pin<Box<Sleep>>>,
    hold: Arc<Hold>,
    /// Made for the first reader that has to wait, which a revocation has to wake.
    revoked: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<B: Body<Data = Bytes>> HeldBody<B> {
    pub(super) fn new(body: B, hold: Arc<Hold>) -> Self {
        let body = (!body.is_end_stream()).then_some(body);
        Self { body, gap: None, alarm: None, hold, revoked: None }
    }

    /// The same with this bound on its gaps.
    pub(super) fn with_gap(self, gap: Option<Duration>) -> Self {
        Self { gap, ..self }
    }

    /// What ends a reader's waiting.
    fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let Self { gap, alarm, hold, revoked, .. } = self;
        let revoked = revoked.get_or_insert_with(|| Box::pin(Arc::clone(hold).revoked_in_use()));
        if revoked.as_mut().poll(cx).is_ready() {
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
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(&mut *body).poll_frame(cx);
        let is_over = match &frame {
            Poll::Ready(Some(Ok(_))) => body.is_end_stream(),
            Poll::Ready(_) => true,
            Poll::Pending => false,
        };
        // After it: the end that the revocation made is no whole body.
        if !self.hold.check() {
            self.body = None;
            return Poll::Ready(Some(Err(Error::HttpRequestDenied)));
        }
        if is_over {
            self.body = None;
        }
        match frame {
            Poll::Ready(frame) => {
                self.alarm = None;
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                let cut = std::task::ready!(self.poll_cut(cx));
                self.body = None;
                Poll::Ready(Some(Err(cut)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}
