//! How answers look: JSON, a problem, or the bytes that a guest gave.

use airssys_wasm_api::reply::Invoked;
use airssys_wasm_api::{Code, Failure, Problem, Reply};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

/// A command's answer or why there is none.
pub(super) fn done(done: Result<Reply, Failure>, request_name: &str) -> Response {
    match done {
        Ok(Reply::Invoked(invoked)) => output(invoked),
        Ok(reply) => json(&reply, request_name),
        Err(failure) => problem(failure, request_name),
    }
}

/// An answer as JSON.
pub(super) fn json<T: Serialize>(answer: &T, request_name: &str) -> Response {
    match serde_json::to_vec(answer) {
        Ok(text) => ([(CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => problem(Failure::from_error(Code::Failed, &error), request_name),
    }
}

/// A failure as `application/problem+json`.
pub(super) fn problem(failure: Failure, request_name: &str) -> Response {
    let status = failure.code.http_status();
    problem_with(failure, status, request_name)
}

/// The same, where HTTP has a more exact status than the code's own.
pub(super) fn problem_with(failure: Failure, status: StatusCode, request_name: &str) -> Response {
    let code = failure.code;
    let mut problem = Problem::from(failure.of_request(request_name));
    problem.status = status.as_u16();
    // Strings and numbers alone: there is no value in it that JSON lacks.
    let text = serde_json::to_string(&problem).unwrap_or_default();
    let mut answer = ([(CONTENT_TYPE, Problem::CONTENT_TYPE)], text).into_response();
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    match code {
        Code::Saturated | Code::Unavailable => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Code::Unauthorized => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        _ => {}
    }
    answer
}

/// What a guest answered, as it is, and who it was in the headers.
fn output(invoked: Invoked) -> Response {
    let mut answer = Response::new(Body::from(invoked.output.0));
    let headers = answer.headers_mut();
    let mut say = |name: &'static str, value: Vec<u8>| {
        // A guest may call its output anything; what can't be said in a header is left out.
        if let Ok(value) = HeaderValue::from_maybe_shared(bytes::Bytes::from(value)) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    say("content-type", invoked.content_type.into_bytes());
    say(Invoked::SERVICE, invoked.service.to_string().into_bytes());
    say(Invoked::VERSION, invoked.version.to_string().into_bytes());
    say(Invoked::REVISION, invoked.revision.0.to_string().into_bytes());
    if !invoked.metadata.is_empty()
        && let Ok(metadata) = serde_json::to_vec(&invoked.metadata)
    {
        say(Invoked::METADATA, metadata);
    }
    answer
}
