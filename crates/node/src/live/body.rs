//! The body of a component's answer on its way to the caller, whose call is under way until it ends.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use airssys_wasm_deploy::InFlight;
use airssys_wasm_host::{HttpBody, HttpError};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::Running;
use crate::shadow::Watched;

/// The body of an answer, counted as a call of its revision until it ends.
pub(crate) struct CountedBody {
    body: AnswerBody,
    by: Arc<Running>,
    /// Whether its call named its revision.
    named: bool,
    _in_flight: InFlight,
    /// Of a call that will be copied.
    watched: Option<Box<Watched>>,
}

impl CountedBody {
    pub(super) fn new(
        body: AnswerBody,
        by: Arc<Running>,
        named: bool,
        in_flight: InFlight,
    ) -> Self {
        Self { body, by, named, _in_flight: in_flight, watched: None }
    }

    /// Lets the caller's taking of it be watched, by what is made when it is known whether it is empty.
    pub(crate) fn watched_by(mut self, watched: impl FnOnce(bool) -> Watched) -> Self {
        self.watched = Some(Box::new(watched(self.is_end_stream())));
        self
    }
}

/// The body of a component's answer.
pub(super) enum AnswerBody {
    Streamed(HttpBody),
    Whole(Option<Bytes>),
}

impl AnswerBody {
    fn is_end_stream(&self) -> bool {
        match self {
            Self::Streamed(body) => body.is_end_stream(),
            Self::Whole(body) => body.is_none(),
        }
    }
}

impl Body for CountedBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let polled = match &mut self.body {
            AnswerBody::Streamed(body) => {
                let polled = Pin::new(body).poll_frame(cx);
                match &polled {
                    // Its reader's own fault.
                    Poll::Ready(Some(Err(HttpError::ConnectionWriteTimeout))) => {}
                    // The head was counted as a good answer, which it did not stay.
                    Poll::Ready(Some(Err(_))) => {
                        self.by.traffic.of(self.named).broke_off();
                    }
                    _ => {}
                }
                polled
            }
            AnswerBody::Whole(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
        };
        let Self { body, watched, .. } = &mut *self;
        if let Some(watched) = watched {
            watched.saw(&polled, body.is_end_stream());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            AnswerBody::Streamed(body) => body.size_hint(),
            AnswerBody::Whole(body) => {
                SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64)
            }
        }
    }
}
