//! The route table as a router: one handler reads every command.

use airssys_wasm_api::{
    Carries, Code, Command, Failure, MAX_COMMAND_BYTES, MAX_INPUT_BYTES, Payload, ROUTES, Route,
};
use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts as _, Query, RawPathParams, Request, State};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::pace::{Pace, Paced};
use super::{Control, answer, by_of_extensions, name_of, watched};

/// Adds every command's route.
pub(super) fn routes(router: Router<Control>) -> Router<Control> {
    ROUTES.iter().fold(router, |router, route| {
        let handler = move |State(control): State<Control>, request: Request| {
            carry_out(control, route, request)
        };
        router.route(route.path, on(method_filter(&route.method), handler))
    })
}

fn method_filter(method: &Method) -> MethodFilter {
    // The table has methods that axum knows; a test builds the router.
    MethodFilter::try_from(method.clone()).expect("a method of the route table")
}

async fn carry_out(control: Control, route: &'static Route, request: Request) -> Response {
    let request_name = name_of(&request);
    let (mut parts, body) = request.into_parts();
    let command = match read(route, &mut parts, body, control.pace).await {
        Ok(command) => command,
        Err(failure) => return answer::problem(failure, &request_name),
    };
    let by = match by_of_extensions(&parts.extensions) {
        Ok(by) => by,
        Err(failure) => return answer::problem(failure, &request_name),
    };
    if route.carries.is_watched() && wants_events(&parts.headers) {
        return watched::answer(control.node, command, by).await;
    }
    // A question or a call that nobody waits for any more is dropped with this; what changes the node runs to its
    // end whether its client stays or not.
    let done = control.node.act(command, by).await;
    answer::done(done, &request_name)
}

/// A command whose task panicked. What it was is in the log.
pub(super) fn cut_short() -> Failure {
    Failure::new(Code::Failed, "a fault in the node cut the command short")
        .help("ask `status` for where it left the service")
}

async fn read(
    route: &Route,
    parts: &mut Parts,
    body: Body,
    pace: Pace,
) -> Result<Command, Failure> {
    let usage = |error: String| Failure::new(Code::Usage, error);
    let path = RawPathParams::from_request_parts(parts, &()).await;
    let path = path.map_err(|error| usage(error.to_string()))?;
    let path: Vec<_> =
        path.iter().map(|(field, text)| (field.to_owned(), text.to_owned())).collect();
    let Query(query) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
        .map_err(|error| usage(error.to_string()))?;
    let bound = match route.carries {
        Carries::Query | Carries::QueryWatched => 0,
        Carries::Json | Carries::JsonWatched => MAX_COMMAND_BYTES,
        Carries::Input => MAX_INPUT_BYTES,
    };
    let body = collect(&parts.headers, Paced::new(body, pace), bound).await?;
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    route.read(path, query, content_type, Payload(body))
}

async fn collect(headers: &HeaderMap, mut body: Paced, bound: usize) -> Result<Bytes, Failure> {
    let too_large =
        || Failure::new(Code::TooLarge, format!("the body has more than {bound} bytes"));
    if announced_bytes(headers) > bound as u64 {
        return Err(too_large());
    }
    let mut whole = BytesMut::new();
    while let Some(piece) = body.next().await? {
        if whole.len() + piece.len() > bound {
            return Err(too_large());
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// How many bytes the client says its body has; 0 where it doesn't say.
pub(super) fn announced_bytes(headers: &HeaderMap) -> u64 {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("application/x-ndjson"))
}
