//! The audit trail as Server-Sent Events, each entry under its number.

use airssys_wasm_api::{Code, Command, Failure, Payload, ROUTES, command};
use airssys_wasm_store::audit::Recorded;
use axum::extract::{Query, Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures::stream;

use super::sse::{self, HEARTBEAT, SILENCE};
use super::{Control, answer, by_and_token_of, name_of};
use crate::audit::{Following, Told};
use crate::authority::Leave;

/// What a browser, and whoever does as browsers do, says when it comes back: the last number that it saw.
const LAST_EVENT_ID: &str = "last-event-id";

pub(super) async fn follow(State(control): State<Control>, request: Request) -> Response {
    let asking = asked(&request).and_then(|asked| Ok((asked, by_and_token_of(&request)?)));
    let following = match asking {
        Ok((asked, (by, token))) => control.node.follow_audit(asked, by, token).await,
        Err(failure) => Err(failure),
    };
    match following {
        Ok((following, leave)) => answer_with(following, leave),
        Err(failure) => answer::problem(failure, &name_of(&request)),
    }
}

/// What is asked for: in the words of `audit`, of which this is another way to be answered.
fn asked(request: &Request) -> Result<command::Audit, Failure> {
    let usage = |error: &dyn std::error::Error| Failure::from_error(Code::Usage, error);
    let Query(query) = Query::<Vec<(String, String)>>::try_from_uri(request.uri())
        .map_err(|error| usage(&error))?;
    let route = ROUTES.iter().find(|route| route.command == "audit");
    let route = route.expect("it is in the table, which a test reads");
    let Command::Audit(asked) = route.read([], query, None, Payload::default())? else {
        unreachable!("a route reads its own command");
    };
    let Some(last) = request.headers().get(LAST_EVENT_ID) else { return Ok(asked) };
    let last = last.to_str().ok().and_then(|last| last.parse().ok());
    let last = last.ok_or_else(|| {
        Failure::new(Code::Usage, format!("`{LAST_EVENT_ID}` is the number of an entry"))
    })?;
    Ok(command::Audit { after_seq: Some(last), ..asked })
}

fn answer_with(following: Following, leave: Leave) -> Response {
    let written = stream::unfold(following, |mut following| async {
        match following.next(HEARTBEAT).await {
            Ok(Told::Entry(entry)) => Some((written(&entry), following)),
            Ok(Told::Nothing) => Some((SILENCE, following)),
            Ok(Told::End) => None,
            Err(failure) => {
                tracing::warn!("who follows the audit trail is left: {failure}");
                None
            }
        }
    });
    sse::answer(written, leave)
}

/// The line of the trail, as it is on the disk.
fn written(entry: &Recorded) -> Bytes {
    format!("id: {}\nevent: entry\ndata: {}\n\n", entry.seq, entry.line).into()
}
