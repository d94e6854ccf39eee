//! One call on a shared instance: who waits for it, what is left to read, and when it has taken too long.
//!
//! The caller and the instance's worker both know a seat. Either may end it; the pool's place is given back
//! when it is over, and no sooner than the guest has answered: a caller who leaves does not stop its guest.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::channel::oneshot;
use http_body::{Body, Frame, SizeHint};
use wasmtime_wasi_http::WasiBody;

use super::Worker;
use crate::call::{CallError, HttpError, Sending};
use crate::context::RequestId;
use crate::limit::Limit;
use crate::pool::Place;

/// The head of an answer, or why there is none.
pub(super) type Answer = Result<http::Response<()>, CallError>;

/// A call on a shared instance.
pub(super) struct Seat {
    /// Guards what either side changes in a few steps; polled under it is the body alone.
    state: Mutex<State>,
    call: RequestId,
    /// When its head has to be there.
    until: Instant,
    sending: Sending,
}

struct State {
    at: At,
    /// Taken when it is over.
    place: Option<Place>,
    worker: Option<Arc<Worker>>,
}

enum At {
    /// The caller waits.
    Waiting(oneshot::Sender<Answer>),
    /// The caller has left, and the guest does not know.
    Left,
    /// The body is read.
    Answering(WasiBody),
    Over,
}

/// The caller's side of a seat. Dropped, nobody waits or reads any more.
pub(crate) struct Sitting(Arc<Seat>);

impl Seat {
    pub(super) fn take(
        place: Place,
        call: RequestId,
        until: Instant,
        since: Instant,
        answer: oneshot::Sender<Answer>,
    ) -> Arc<Self> {
        let state = State { at: At::Waiting(answer), place: Some(place), worker: None };
        let (state, sending) = (Mutex::new(state), Sending::begin(since));
        Arc::new(Self { state, call, until, sending })
    }

    /// Gives it to a worker.
    pub(super) fn assign(&self, worker: &Arc<Worker>) {
        self.state().worker = Some(Arc::clone(worker));
    }

    /// The guest has answered.
    pub(super) fn answer(&self, answer: Result<http::Response<WasiBody>, CallError>) {
        let mut state = self.state();
        let caller = match std::mem::replace(&mut state.at, At::Over) {
            At::Waiting(caller) => caller,
            At::Left => return self.over(state),
            at => return state.at = at,
        };
        match answer {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                state.at = At::Answering(body);
                self.sending.begins();
                drop(state);
                // A caller who left just now has ended it already.
                let _ = caller.send(Ok(http::Response::from_parts(head, ())));
            }
            Err(error) => {
                self.over(state);
                let _ = caller.send(Err(error));
            }
        }
    }

    /// The call that it is of.
    pub(super) fn call(&self) -> RequestId {
        self.call
    }

    /// The same, unless it is over.
    pub(super) fn live(&self) -> Option<RequestId> {
        (!matches!(self.state().at, At::Over)).then_some(self.call)
    }

    /// Says that what there is of its body is not all of it, unless it is over.
    pub(super) fn mark_cut(&self) {
        self.mark(&self.state());
    }

    fn mark(&self, state: &State) {
        if !matches!(state.at, At::Over) {
            self.sending.cut();
        }
    }

    /// The instance ends before the call does.
    pub(super) fn cut(&self, error: CallError) {
        let mut state = self.state();
        self.mark(&state);
        let at = std::mem::replace(&mut state.at, At::Over);
        self.over(state);
        if let At::Waiting(caller) = at {
            let _ = caller.send(Err(error));
        }
    }

    /// When it will have taken too long as things are: for its head, or since its body has moved.
    pub(super) fn due(&self, patience: Duration) -> Option<Instant> {
        match self.state().at {
            At::Waiting(_) | At::Left => Some(self.until),
            At::Answering(_) => Some(self.sending.last_moved() + patience),
            At::Over => None,
        }
    }

    /// It has taken too long. Returns whether the guest is to blame, and not a reader that does not read.
    pub(super) fn expire(&self) -> bool {
        let answering = matches!(self.state().at, At::Answering(_));
        let guilty = !answering || self.sending.blame();
        self.cut(CallError::Limit(Limit::Time));
        guilty
    }

    /// Gives the place back. What is left of the body goes with the state, which tells its guest.
    fn over(&self, mut state: MutexGuard<'_, State>) {
        state.at = At::Over;
        let (place, worker) = (state.place.take(), state.worker.take());
        // The workers' lock comes before a seat's.
        drop(state);
        if let (Some(place), Some(worker)) = (place, worker)
            && let Some(workers) = &place.0.workers
        {
            workers.done(&worker);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sitting {
    pub(super) fn new(seat: Arc<Seat>) -> Self {
        Self(seat)
    }

    /// How the sending of its body goes.
    pub(crate) fn sending(&self) -> &Sending {
        &self.0.sending
    }

    /// Lets its instance take no further calls: its guest does not get on with the body.
    pub(crate) fn retire_instance(&self) {
        let (pool, worker) = {
            let state = self.0.state();
            (state.place.as_ref().map(|place| Arc::clone(&place.0)), state.worker.clone())
        };
        if let (Some(pool), Some(worker)) = (pool, worker)
            && let Some(workers) = &pool.workers
        {
            workers.leave(&Arc::downgrade(&pool), &worker);
        }
    }
}

impl Body for Sitting {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let mut state = self.0.state();
        let polled = match &mut state.at {
            At::Answering(body) => Pin::new(body).poll_frame(cx),
            _ => Poll::Ready(None),
        };
        // Asked before the seat is over: how its instance ends after that is nothing to this call.
        let polled = self.0.sending.whole(polled);
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.0.over(state);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.0.state().at {
            At::Answering(body) => body.is_end_stream(),
            // One that was cut has its error still to say.
            _ => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0.state().at {
            At::Answering(body) => body.size_hint(),
            _ => SizeHint::default(),
        }
    }
}

impl Drop for Sitting {
    fn drop(&mut self) {
        let mut state = self.0.state();
        match state.at {
            At::Waiting(_) => state.at = At::Left,
            At::Answering(_) => self.0.over(state),
            At::Left | At::Over => {}
        }
    }
}
