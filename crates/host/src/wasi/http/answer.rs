//! A service's answer on its way to its caller: let go of when the call that wants it is over or its right is revoked,
//! whether or not anybody reads.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::{Error, WasiBody};

use super::places::Places;
use crate::rights::Hold;

/// An answer, and the places of its call, for as long as there is more of it. Dropping it ends the call that is called.
pub(super) struct AnswerBody {
    slot: Arc<Slot>,
    /// One small task for each answer that has a place, so as many as there are places.
    _watcher: Option<AbortOnDropHandle<()>>,
}

/// What the reader and the watcher share. Guards one poll of the body, never across an await.
struct Slot(Mutex<State>);

struct State {
    open: Option<Open>,
    was_cut: bool,
}

struct Open {
    body: WasiBody,
    places: Places,
    /// Whom a cut has to wake.
    reader: Option<Waker>,
}

impl AnswerBody {
    /// The answer to a call that is made by this right, within a call that ends with `over`.
    pub(super) fn new(
        body: WasiBody,
        places: Places,
        hold: Arc<Hold>,
        over: CancellationToken,
    ) -> Self {
        let is_over = body.is_end_stream();
        let open = (!is_over).then_some(Open { body, places, reader: None });
        let slot = Arc::new(Slot(Mutex::new(State { open, was_cut: false })));
        let watched = Arc::clone(&slot);
        let watch = async move {
            tokio::select! {
                () = over.cancelled() => {}
                // Its reader, if there is one, tells of the denial.
                () = hold.revoked() => {}
            }
            watched.cut();
        };
        let _watcher = (!is_over).then(|| AbortOnDropHandle::new(tokio::spawn(watch)));
        Self { slot, _watcher }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut state = self.slot.state();
        let Some(open) = &mut state.open else {
            return Poll::Ready(state.was_cut.then_some(Err(Error::HttpResponseIncomplete)));
        };
        let frame = Pin::new(&mut open.body).poll_frame(cx);
        if frame.is_pending() {
            open.reader.get_or_insert_with(|| cx.waker().clone()).clone_from(cx.waker());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        let state = self.slot.state();
        state.open.as_ref().map_or(!state.was_cut, |open| open.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let state = self.slot.state();
        state.open.as_ref().map_or_else(SizeHint::default, |open| open.body.size_hint())
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        // Not when the watcher's task is: that may be later.
        self.slot.let_go();
    }
}

impl Slot {
    fn cut(&self) {
        self.state().was_cut = true;
        self.let_go();
    }

    /// The called one first: whoever finds its place free finds it gone.
    fn let_go(&self) {
        let open = self.state().open.take();
        let Some(Open { body, places, reader }) = open else { return };
        drop(body);
        drop(places);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A poll that panics leaves a body that can be dropped.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
