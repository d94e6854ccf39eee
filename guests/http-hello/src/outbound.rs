//! One outbound request, its answer handed on.

use std::io::{self, Read, Write};

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    ResponseOutparam, Scheme,
};

use crate::answer::{Answer, respond};

/// Asks for this URL.
pub(crate) fn ask(method: &Method, url: &str) -> Answer {
    let fetched = request(url, Fields::new(), method).and_then(|request| {
        let response = answer(request)?;
        Ok(Answer::new(response.status(), body(&response)))
    });
    fetched.unwrap_or_else(|code| refused(&code))
}

/// Asks for this URL, and keeps the answer for as long as the instance is there, unread.
pub(crate) fn leave(url: &str) -> Result<(), Answer> {
    let answered = request(url, Fields::new(), &Method::Get).and_then(answer);
    answered.map(std::mem::forget).map_err(|code| refused(&code))
}

/// The same with the answer's promise: nobody waits for it.
pub(crate) fn leave_early(url: &str) -> Result<(), Answer> {
    let request = request(url, Fields::new(), &Method::Get);
    let promised = request.and_then(|request| outgoing_handler::handle(request, None));
    promised.map(std::mem::forget).map_err(|code| refused(&code))
}

/// Sends the same request to this URL, its body first, and hands the answer back as it comes. One that breaks off is
/// broken off.
pub(crate) fn forward(from: &IncomingRequest, url: &str, out: ResponseOutparam) {
    let response = match sent_on(from, url) {
        Ok(response) => response,
        Err(code) => return refused(&code).send(out),
    };
    let body = response.consume().expect("the body is not taken yet");
    let mut stream = body.stream().expect("its stream is not taken yet");
    respond(response.status(), out, |to| copy(&mut stream, to));
}

fn sent_on(from: &IncomingRequest, url: &str) -> Result<IncomingResponse, ErrorCode> {
    let headers = Fields::new();
    for (name, value) in from.headers().entries() {
        // The host's own it does not take.
        let _ = headers.append(&name, &value);
    }
    let onward = request(url, headers, &from.method())?;
    if !matches!(from.method(), Method::Post) {
        return answer(onward);
    }
    let body = onward.body().expect("a new request has its body");
    let pending = outgoing_handler::handle(onward, None)?;
    let incoming = from.consume().expect("the body is not taken yet");
    let mut read = incoming.stream().expect("its stream is not taken yet");
    let mut written = body.write().expect("a new body has its stream");
    let copied = copy(&mut read, &mut written);
    drop(written);
    if copied.is_ok() {
        let _ = OutgoingBody::finish(body, None);
    }
    pending.subscribe().block();
    pending.get().expect("it is ready").expect("it is taken once")
}

fn copy(from: &mut impl Read, to: &mut dyn Write) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            read => to.write_all(&buffer[..read])?,
        }
        to.flush()?;
    }
}

/// A denial is answered with 403, another failure with 502, both by their code's name.
fn refused(code: &ErrorCode) -> Answer {
    match code {
        ErrorCode::HttpRequestDenied => Answer::text(403, "HttpRequestDenied"),
        code => Answer::text(502, format!("{code:?}")),
    }
}

fn request(url: &str, headers: Fields, method: &Method) -> Result<OutgoingRequest, ErrorCode> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some((_, rest)) => (Scheme::Http, rest),
        None => (Scheme::Http, url),
    };
    let at = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    let request = OutgoingRequest::new(headers);
    let invalid = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_method(method).map_err(invalid)?;
    request.set_scheme(Some(&scheme)).map_err(invalid)?;
    request.set_authority(Some(authority)).map_err(invalid)?;
    request.set_path_with_query(Some(if path.is_empty() { "/" } else { path })).map_err(invalid)?;
    Ok(request)
}

fn answer(request: OutgoingRequest) -> Result<IncomingResponse, ErrorCode> {
    let pending = outgoing_handler::handle(request, None)?;
    pending.subscribe().block();
    pending.get().expect("it is ready").expect("it is taken once")
}

fn body(response: &IncomingResponse) -> Vec<u8> {
    let mut bytes = Vec::new();
    let body = response.consume().expect("the body is not taken yet");
    let mut stream = body.stream().expect("its stream is not taken yet");
    let _ = stream.read_to_end(&mut bytes);
    bytes
}
