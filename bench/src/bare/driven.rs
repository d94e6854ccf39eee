//! The body of an answer that its guest is still writing. Whoever reads it runs the guest: on one task there is
//! no other to begin and to wake.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use wasmtime_wasi_http::{Error, WasiBody};

/// What is left of a call.
pub(super) type Work = Pin<Box<dyn Future<Output = wasmtime::Result<()>> + Send>>;

/// A body, and who writes it unless that has ended.
pub(super) struct Driven {
    pub(super) body: WasiBody,
    pub(super) work: Option<Work>,
}

impl Driven {
    /// Goes on with the guest.
    fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(work) = &mut self.work
            && let Poll::Ready(ended) = work.as_mut().poll(cx)
        {
            self.work = None;
            // What it wrote is cut short then, which whoever reads it sees.
            if let Err(error) = ended {
                eprintln!("{error:?}");
            }
        }
    }
}

impl Body for Driven {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let frame @ Poll::Ready(Some(_)) = Pin::new(&mut self.body).poll_frame(cx) {
            return frame;
        }
        self.drive(cx);
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Driven {
    /// A guest that does more than write its answer, or whose answer nobody reads, ends by itself.
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            tokio::spawn(work);
        }
    }
}
