//! Bytes that a call sends and receives by outbound requests and by sockets, counted against its limit.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use wasmtime_wasi_http::Error;

use crate::limit::Limit;
use crate::watch::Teller;

/// What one call may still send and receive, all its requests and sockets together. Calls that share an instance share
/// it, and each that begins renews it.
pub(crate) struct Allowance {
    limit: u64,
    left: AtomicU64,
    /// Whether it was said that it is used up.
    said: AtomicBool,
}

/// Which way a body goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    Out,
    In,
}

/// A body that is counted, and ends with an error where there is no more.
pub(super) struct Counted<B> {
    body: B,
    way: Way,
    allowance: Arc<Allowance>,
    teller: Teller,
}

impl Allowance {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, left: AtomicU64::new(limit), said: AtomicBool::new(false) }
    }

    /// Another call begins.
    pub(super) fn renew(&self) {
        self.left.store(self.limit, Ordering::Relaxed);
        self.said.store(false, Ordering::Relaxed);
    }

    /// Whether so many more may be sent or received, which they then are.
    pub(super) fn take(&self, bytes: u64) -> bool {
        let less = |left: u64| left.checked_sub(bytes);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// Tells that there is no more.
    pub(super) fn exceeded(&self, teller: &Teller) {
        teller.revision().meters.hit(Limit::Transfer);
        if !self.said.swap(true, Ordering::Relaxed) {
            teller
                .warns("its limit `transfer` is reached: no more is sent or received by this call");
        }
    }
}

impl<B> Counted<B> {
    pub(super) fn new(body: B, way: Way, allowance: Arc<Allowance>, teller: Teller) -> Self {
        Self { body, way, allowance, teller }
    }

    fn used_up(&self) -> Error {
        self.allowance.exceeded(&self.teller);
        match self.way {
            Way::Out => Error::HttpRequestBodySize(Some(self.allowance.limit)),
            Way::In => Error::HttpResponseBodySize(Some(self.allowance.limit)),
        }
    }
}

impl<B: Body<Data = Bytes, Error = Error> + Unpin> Body for Counted<B> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        let bytes =
            frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref().map(Bytes::len));
        Poll::Ready(match bytes {
            Some(bytes) if !self.allowance.take(bytes as u64) => Some(Err(self.used_up())),
            _ => frame,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
