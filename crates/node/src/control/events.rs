//! A service's events as Server-Sent Events.

use std::convert::Infallible;
use std::time::Duration;

use airssys_wasm_api::reply::ServiceEvent;
use airssys_wasm_api::{Code, Failure};
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::{Control, answer, by_of, name_of};
use crate::events::Events;

/// How often a comment is sent while nothing happens, so that nobody on the way takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

pub(super) async fn follow(
    State(control): State<Control>,
    Path(service): Path<String>,
    request: Request,
) -> Response {
    let name = service.parse().map_err(|error| Failure::from_error(Code::Usage, &error));
    let events = name.and_then(|name| control.node.events(&name, &by_of(&request)?));
    match events {
        Ok(events) => answer_with(events),
        Err(failure) => answer::problem(failure, &name_of(&request)),
    }
}

fn answer_with(events: Events) -> Response {
    // The comment brings the answer's head on its way before anything happens.
    let first = stream::iter([Ok::<_, Infallible>(SILENCE)]);
    let rest = stream::unfold(events, |mut events| async {
        match tokio::time::timeout(HEARTBEAT, events.next()).await {
            Err(_) => Some((Ok(SILENCE), events)),
            Ok(Some(event)) => Some((Ok(written(&event)), events)),
            Ok(None) => None,
        }
    });
    let body = Body::from_stream(futures::StreamExt::chain(first, rest));
    ([(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")], body).into_response()
}

const SILENCE: Bytes = Bytes::from_static(b":\n\n");

/// JSON has no line breaks of its own, so that an event's data is one line.
fn written(event: &ServiceEvent) -> Bytes {
    // Plain data: there is no value in it that JSON lacks.
    let data = serde_json::to_string(event).unwrap_or_default();
    format!("event: {}\ndata: {data}\n\n", event.name()).into()
}
