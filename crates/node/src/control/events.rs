//! A service's events as Server-Sent Events.

use airssys_wasm_api::reply::ServiceEvent;
use airssys_wasm_api::{Code, Failure};
use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures::stream;

use super::sse::{self, HEARTBEAT, SILENCE};
use super::{Control, answer, by_and_token_of, name_of};
use crate::authority::Leave;
use crate::events::Events;

pub(super) async fn follow(
    State(control): State<Control>,
    Path(service): Path<String>,
    request: Request,
) -> Response {
    let name = service.parse().map_err(|error| Failure::from_error(Code::Usage, &error));
    let events = name.and_then(|name| {
        let (by, token) = by_and_token_of(&request)?;
        control.node.events(&name, by, token)
    });
    match events {
        Ok((events, leave)) => answer_with(events, leave),
        Err(failure) => answer::problem(failure, &name_of(&request)),
    }
}

fn answer_with(events: Events, leave: Leave) -> Response {
    let written = stream::unfold(events, |mut events| async {
        match tokio::time::timeout(HEARTBEAT, events.next()).await {
            Err(_) => Some((SILENCE, events)),
            Ok(Some(event)) => Some((written(&event), events)),
            Ok(None) => None,
        }
    });
    sse::answer(written, leave)
}

/// JSON has no line breaks of its own, so that an event's data is one line.
fn written(event: &ServiceEvent) -> Bytes {
    // Plain data: there is no value in it that JSON lacks.
    let data = serde_json::to_string(event).unwrap_or_default();
    format!("event: {}\ndata: {data}\n\n", event.name()).into()
}
