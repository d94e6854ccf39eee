//! Streams of WASI 0.3 that end with their right.
//!
//! The runtime's own ends of streams cannot be reached from outside, so a held stream is two: one that the runtime
//! reads or writes, one for the guest, and a place for one chunk between them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::PollSender;
use wasmtime::component::{
    Accessor, AccessorTask, Destination, FutureConsumer, FutureReader, HasData, Lift, Lower,
    Source, StreamConsumer, StreamProducer, StreamReader, StreamResult, VecBuffer,
};
use wasmtime::{AsContextMut, StoreContextMut};

use crate::guest::Guest;
use crate::rights::Hold;

/// Bytes that are on the way at once: as many as the runtime reads of a file.
const CHUNK_BYTES: usize = 8 << 10;

/// Puts a hold into a stream: from its revocation on the stream is at its end.
///
/// Whoever writes it must not wait for long: a stream whose reader is gone ends with the next chunk. So one that
/// brings what a peer sends is not held, but cut ([`Cut`]).
pub(in crate::wasi) fn hold(
    store: impl AsContextMut<Data = Guest>,
    stream: StreamReader<u8>,
    hold: &Arc<Hold>,
) -> wasmtime::Result<StreamReader<u8>> {
    hold_counted(store, stream, hold, |_uncounted| true)
}

/// The same, where so many bytes go on only if that is allowed; else the stream is at its end, without them.
pub(in crate::wasi) fn hold_counted(
    mut store: impl AsContextMut<Data = Guest>,
    stream: StreamReader<u8>,
    hold: &Arc<Hold>,
    allows: impl FnMut(usize) -> bool + Send + 'static,
) -> wasmtime::Result<StreamReader<u8>> {
    let allows = Box::new(allows);
    let (to, from) = mpsc::channel(1);
    stream.pipe(&mut store, Entrance { to: PollSender::new(to) })?;
    let (hold, revoked) = (Arc::clone(hold), Arc::clone(hold).revoked().boxed());
    StreamReader::new(&mut store, Exit { from, next: Vec::new(), allows, hold, revoked })
}

/// How a held stream ends when its right is revoked.
pub(in crate::wasi) async fn revoked<E>(hold: Arc<Hold>, error: E) -> E {
    hold.revoked().await;
    error
}

/// The end of a held stream as the guest is told it: as the runtime says, or `cut` if that comes before. `held` is let
/// go of when the stream is over.
pub(in crate::wasi) fn hold_end<E>(
    mut store: impl AsContextMut<Data = Guest>,
    finished: FutureReader<Result<(), E>>,
    cut: impl Future<Output = E> + Send + 'static,
    held: impl Send + Unpin + 'static,
) -> wasmtime::Result<FutureReader<Result<(), E>>>
where
    E: Send + Sync + 'static,
    Result<(), E>: Lift + Lower,
{
    let (done, told) = oneshot::channel();
    finished.pipe(&mut store, Ending { done: Some((done, held)) })?;
    FutureReader::new(&mut store, async move {
        tokio::select! {
            biased;
            cut = cut => wasmtime::error::Ok(Err(cut)),
            ended = told => Ok(ended?),
        }
    })
}

/// Ends an instance that waits at a socket of which the right was revoked: what a peer sends comes by a stream of
/// the runtime's own, which cannot be ended from outside. `over` is dropped, or told, when nothing waits there any more.
pub(in crate::wasi) struct Cut {
    pub(in crate::wasi) hold: Arc<Hold>,
    pub(in crate::wasi) over: oneshot::Receiver<()>,
}

impl<D: HasData + ?Sized> AccessorTask<Guest, D> for Cut {
    async fn run(self, _store: &Accessor<Guest, D>) -> wasmtime::Result<()> {
        tokio::select! {
            biased;
            _over = self.over => return Ok(()),
            () = Arc::clone(&self.hold).revoked() => {}
        }
        self.hold.check();
        Err(Revoked.into())
    }
}

/// What ends the calls of such an instance.
#[derive(Debug, thiserror::Error)]
#[error("the right to a socket that it waited at was revoked")]
struct Revoked;

/// Where a stream goes into the hold.
struct Entrance {
    to: PollSender<Vec<u8>>,
}

/// Where it comes out.
struct Exit {
    from: mpsc::Receiver<Vec<u8>>,
    /// What came and did not fit into the reader's buffer.
    next: Vec<u8>,
    /// Whether so many bytes may go on.
    allows: Box<dyn FnMut(usize) -> bool + Send>,
    hold: Arc<Hold>,
    revoked: BoxFuture<'static, ()>,
}

impl StreamConsumer<Guest> for Entrance {
    type Item = u8;

    fn poll_consume(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'_, Guest>,
        mut source: Source<'_, u8>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let this = self.get_mut();
        match this.to.poll_reserve(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_closed)) => return Poll::Ready(Ok(StreamResult::Dropped)),
            Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => return Poll::Pending,
        }
        let size = source.remaining(&mut store).min(CHUNK_BYTES);
        if size == 0 {
            // Whether there is room is what was asked.
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let mut chunk = Vec::with_capacity(size);
        source.read(&mut store, &mut chunk)?;
        let sent = this.to.send_item(chunk).is_ok();
        let result = if sent { StreamResult::Completed } else { StreamResult::Dropped };
        Poll::Ready(Ok(result))
    }
}

impl StreamProducer<Guest> for Exit {
    type Item = u8;
    type Buffer = VecBuffer<u8>;

    fn poll_produce<'a>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, Guest>,
        mut destination: Destination<'a, u8, VecBuffer<u8>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let this = self.get_mut();
        if !this.hold.check() {
            this.from.close();
            return Poll::Ready(Ok(StreamResult::Dropped));
        }
        if this.next.is_empty() {
            match this.from.poll_recv(cx) {
                Poll::Ready(Some(chunk)) if !(this.allows)(chunk.len()) => {
                    this.from.close();
                    return Poll::Ready(Ok(StreamResult::Dropped));
                }
                Poll::Ready(Some(chunk)) => this.next = chunk,
                Poll::Ready(None) => return Poll::Ready(Ok(StreamResult::Dropped)),
                Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
                Poll::Pending if this.revoked.poll_unpin(cx).is_ready() => {
                    this.hold.check();
                    this.from.close();
                    return Poll::Ready(Ok(StreamResult::Dropped));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        let room = destination.remaining(&mut store).unwrap_or(usize::MAX);
        if room > 0 {
            let rest = this.next.split_off(room.min(this.next.len()));
            destination.set_buffer(std::mem::replace(&mut this.next, rest).into());
        }
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

/// The end of a stream, on its way to the guest, with what is let go of then.
struct Ending<E, H> {
    done: Option<(oneshot::Sender<Result<(), E>>, H)>,
}

impl<E, H> FutureConsumer<Guest> for Ending<E, H>
where
    E: Send + 'static,
    H: Send + Unpin + 'static,
    Result<(), E>: Lift,
{
    type Item = Result<(), E>;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        store: StoreContextMut<'_, Guest>,
        mut source: Source<'_, Self::Item>,
        _finish: bool,
    ) -> Poll<wasmtime::Result<()>> {
        let mut ended = None;
        source.read(store, &mut ended)?;
        if let (Some((done, held)), Some(ended)) = (self.done.take(), ended) {
            drop(held);
            let _unless_dropped = done.send(ended);
        }
        Poll::Ready(Ok(()))
    }
}
