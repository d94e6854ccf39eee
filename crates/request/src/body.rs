//! A request's body, bounded.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::fields::remove_of_connection;
use crate::metadata::is_of_message;

/// The body as the client sends it, cut with an error where it exceeds its bound. A client that announces
/// too much is turned away before; this is for those that announce nothing.
#[derive(Debug)]
pub struct BoundedBody<B> {
    body: B,
    left: u64,
    bound: u64,
}

/// Why there is no more of a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError<E> {
    /// It exceeds this bound.
    #[error("the body has more than {0} bytes")]
    TooLarge(u64),
    /// It broke off.
    #[error("the body broke off")]
    Broken(#[source] E),
}

impl<B> BoundedBody<B> {
    pub(crate) fn new(body: B, bound: u64) -> Self {
        Self { body, left: bound, bound }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for BoundedBody<B> {
    type Data = Bytes;
    type Error = BodyError<B::Error>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        let mut frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(BodyError::Broken(error)))),
            None => return Poll::Ready(None),
        };
        if let Some(trailers) = frame.trailers_mut() {
            clean(trailers);
        }
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Some(Ok(frame)))
            }
            None => Poll::Ready(Some(Err(BodyError::TooLarge(self.bound)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What comes behind a body says nothing any more of where it ended and whom it was for (RFC 9110, section 6.5.1).
fn clean(trailers: &mut HeaderMap) {
    remove_of_connection(trailers);
    let late: Vec<_> = trailers.keys().filter(|name| is_of_message(name)).cloned().collect();
    for name in late {
        trailers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::FutureExt as _;
    use http_body_util::{BodyExt as _, Full, StreamBody};

    use super::*;

    #[test]
    fn a_body_ends_with_an_error_where_it_exceeds_its_bound() {
        let body = |bytes: &'static [u8]| BoundedBody::new(Full::from(bytes), 4);
        let read = |bytes| body(bytes).collect().now_or_never().unwrap();
        assert_eq!(read(b"four").unwrap().to_bytes(), "four");
        assert_eq!(read(b"fives").unwrap_err(), BodyError::TooLarge(4));
    }

    #[test]
    fn trailers_say_nothing_of_the_message() {
        let mut trailers = HeaderMap::new();
        for name in ["host", "content-length", "transfer-encoding", "x-sum"] {
            trailers.insert(name, "1".parse().unwrap());
        }
        let frames = futures::stream::iter([Ok::<_, Infallible>(Frame::trailers(trailers))]);
        let body = BoundedBody::new(StreamBody::new(frames), 4);
        let read = body.collect().now_or_never().unwrap().unwrap();
        assert_eq!(read.trailers().unwrap().keys().collect::<Vec<_>>(), ["x-sum"]);
    }
}
