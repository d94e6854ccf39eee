//! Outbound requests, as they should not be.

use std::io::{Read, Write};

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
};

use crate::query::Query;

/// Sends what the query says. A failure is answered with its name: 403 for what is denied, 418 for a header that
/// cannot be said, 502 for the rest.
pub(crate) fn fetch(query: &Query<'_>) -> (u16, String) {
    let mut url = query.value("url");
    loop {
        let response = match send(&url, query) {
            Ok(response) => response,
            Err(Failed::Header(said)) => return (418, said),
            Err(Failed::Code(code @ ErrorCode::HttpRequestDenied)) => {
                return (403, format!("{code:?}"));
            }
            Err(Failed::Code(code)) => return (502, format!("{code:?}")),
        };
        let leads = response.headers().get("location").into_iter().next();
        match leads.filter(|_| query.number("follow") > 0) {
            Some(next) => url = String::from_utf8_lossy(&next).into_owned(),
            None => return (response.status(), read(&response)),
        }
    }
}

enum Failed {
    Header(String),
    Code(ErrorCode),
}

impl From<ErrorCode> for Failed {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

fn send(url: &str, query: &Query<'_>) -> Result<IncomingResponse, Failed> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let fields = Fields::new();
    let header = query.value("header");
    if !header.is_empty() {
        let said = fields.append(&header, &query.bytes("value"));
        said.map_err(|error| Failed::Header(format!("{error:?}")))?;
    }
    let request = OutgoingRequest::new(fields);
    let invalid = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&Scheme::Http)).map_err(invalid)?;
    request.set_authority(Some(authority)).map_err(invalid)?;
    request.set_path_with_query(Some(if path.is_empty() { "/" } else { path })).map_err(invalid)?;
    // Of a request that usually has none, no body would be sent.
    if query.number("bytes") > 0 {
        request.set_method(&Method::Post).map_err(invalid)?;
    }
    let body = request.body().expect("a new request has its body");
    let pending = outgoing_handler::handle(request, None)?;
    let mut stream = body.write().expect("a new body has its stream");
    let mut left = query.number("bytes") as usize;
    while left > 0 {
        let piece = left.min(64 << 10);
        if stream.write_all(&vec![b'x'; piece]).is_err() {
            break;
        }
        left -= piece;
    }
    let _ = Write::flush(&mut stream);
    drop(stream);
    if left == 0 {
        let _ = OutgoingBody::finish(body, None);
    }
    pending.subscribe().block();
    Ok(pending.get().expect("it is ready").expect("it is taken once")?)
}

/// The body, or what was there of it and that it broke off.
fn read(response: &IncomingResponse) -> String {
    let body = response.consume().expect("the body is not taken yet");
    let mut stream = body.stream().expect("its stream is not taken yet");
    let mut bytes = Vec::new();
    let ended = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if ended.is_ok() { text } else { format!("broken off after {} bytes", text.len()) }
}
