//! A request's body, bounded.

use std::pin::Pin;
use std::task::{Context, Poll};

use airssys_wasm_host::HttpError;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

/// The body as the client sends it, cut with an error where it exceeds its bound. A client that announces
/// too much is turned away before; this is for those that announce nothing.
pub(crate) struct BoundedBody {
    body: Incoming,
    left: u64,
    bound: u64,
}

impl BoundedBody {
    pub(crate) fn new(body: Incoming, bound: u64) -> Self {
        Self { body, left: bound, bound }
    }
}

impl Body for BoundedBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        let frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(HttpError::Hyper(error)))),
            None => return Poll::Ready(None),
        };
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Some(Ok(frame)))
            }
            None => Poll::Ready(Some(Err(HttpError::HttpRequestBodySize(Some(self.bound))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
