//! One outbound request, its answer handed on.

use std::io::Read;

use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, IncomingResponse, OutgoingRequest, Scheme};

use crate::answer::Answer;

/// GETs this URL. A denial is answered with 403, another failure with 502, both by their code's name.
pub(crate) fn get(url: &str) -> Answer {
    match fetch(url) {
        Ok(answer) => answer,
        Err(ErrorCode::HttpRequestDenied) => Answer::text(403, "HttpRequestDenied"),
        Err(code) => Answer::text(502, format!("{code:?}")),
    }
}

fn fetch(url: &str) -> Result<Answer, ErrorCode> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some((_, rest)) => (Scheme::Http, rest),
        None => (Scheme::Http, url),
    };
    let at = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    let request = OutgoingRequest::new(Fields::new());
    let invalid = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&scheme)).map_err(invalid)?;
    request.set_authority(Some(authority)).map_err(invalid)?;
    request.set_path_with_query(Some(if path.is_empty() { "/" } else { path })).map_err(invalid)?;
    let pending = outgoing_handler::handle(request, None)?;
    pending.subscribe().block();
    let response = pending.get().expect("it is ready").expect("it is taken once")?;
    Ok(Answer::new(response.status(), body(&response)))
}

fn body(response: &IncomingResponse) -> Vec<u8> {
    let mut bytes = Vec::new();
    let body = response.consume().expect("the body is not taken yet");
    let mut stream = body.stream().expect("its stream is not taken yet");
    let _ = stream.read_to_end(&mut bytes);
    bytes
}
