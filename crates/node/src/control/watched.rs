//! A long command's answer in parts: a line of JSON an event, then the reply or the error.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_api::{By, Command, Event, Failure, Progress, Reply, Watcher};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use http::header::CONTENT_TYPE;
use serde_json::json;
use tokio::task::JoinHandle;

use super::answer;
use super::commands::cut_short;
use crate::node::Node;

/// How often an empty line is sent while nothing happens: well below the minute after which what stands
/// between client and node commonly takes a silent connection for a dead one.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A command that runs in a task of its own, so that a client that goes away cancels nothing.
struct Running {
    watcher: Watcher,
    acting: JoinHandle<Result<Reply, Failure>>,
    request_name: String,
}

#[expect(
    clippy::large_enum_variant,
    reason = "one lives at a time, and a reply is worth its place"
)]
enum Next {
    Event(Event),
    Nothing,
    Done(Result<Reply, Failure>),
}

/// Carries a command out and answers with what happens meanwhile.
///
/// What fails before anything happened is answered as if nobody had watched, with its own HTTP status.
pub(super) async fn answer(node: Arc<Node>, command: Command, by: By) -> Response {
    let (progress, watcher) = Progress::watched();
    let request_name = by.request_id.clone();
    let by = By { progress, ..by };
    let acting = tokio::spawn(async move { node.act(command, by).await });
    let mut running = Running { watcher, acting, request_name };
    let first = match running.next().await {
        Next::Done(done) => return answer::done(done, &running.request_name),
        Next::Event(event) => line(&event),
        Next::Nothing => Bytes::from_static(b"\n"),
    };
    let rest = stream::unfold(Some(running), |running| async {
        let mut running = running?;
        match running.next().await {
            Next::Event(event) => Some((line(&event), Some(running))),
            Next::Nothing => Some((Bytes::from_static(b"\n"), Some(running))),
            Next::Done(done) => Some((running.last_line(done), None)),
        }
    });
    let lines = futures::StreamExt::chain(stream::iter([first]), rest);
    let lines = futures::StreamExt::map(lines, Ok::<_, Infallible>);
    ([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

impl Running {
    async fn next(&mut self) -> Next {
        match tokio::time::timeout(HEARTBEAT, self.watcher.recv()).await {
            Err(_) => Next::Nothing,
            Ok(Some(event)) => Next::Event(event),
            // The command dropped its end: it is done, or about to be.
            Ok(None) => Next::Done((&mut self.acting).await.unwrap_or_else(|_| Err(cut_short()))),
        }
    }

    fn last_line(&self, done: Result<Reply, Failure>) -> Bytes {
        match done {
            Ok(reply) => line(&json!({ "reply": reply })),
            Err(failure) => line(&json!({ "error": failure.of_request(&self.request_name) })),
        }
    }
}

fn line<T: serde::Serialize>(value: &T) -> Bytes {
    // Plain data: there is no value in it that JSON lacks.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line.into()
}
