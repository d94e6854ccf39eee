//! Answers that go on: Server-Sent Events, and a comment where nothing happens.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::authority::Leave;

/// How often a comment is sent while nothing happens, so that nobody on the way takes the connection for dead.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);

/// The comment.
pub(super) const SILENCE: Bytes = Bytes::from_static(b":\n\n");

/// An answer of these events, for as long as whoever asked has leave.
pub(super) fn answer(events: impl Stream<Item = Bytes> + Send + 'static, leave: Leave) -> Response {
    // The comment brings the answer's head on its way before anything happens. Whether the leave is over is looked at
    // before each event.
    let all = stream::iter([SILENCE]).chain(events).take_until(leave.taken_back());
    let all = all.map(Ok::<_, Infallible>);
    let head = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    (head, Body::from_stream(all)).into_response()
}
