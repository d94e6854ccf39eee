//! A GET request.

use std::io::Read;

use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, OutgoingRequest, Scheme};

/// The status and the body, or the name of what went wrong.
pub(crate) fn get(url: &str, headers: &[&str]) -> String {
    fetch(url, headers).unwrap_or_else(|code| format!("{code:?}"))
}

fn fetch(url: &str, headers: &[&str]) -> Result<String, ErrorCode> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some((_, rest)) => (Scheme::Http, rest),
        None => (Scheme::Http, url),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let fields = Fields::new();
    for (name, value) in headers.iter().filter_map(|header| header.split_once('=')) {
        if fields.append(name, value.as_bytes()).is_err() {
            return Ok(format!("the host takes no header {name}"));
        }
    }
    let request = OutgoingRequest::new(fields);
    let invalid = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&scheme)).map_err(invalid)?;
    request.set_authority(Some(authority)).map_err(invalid)?;
    request.set_path_with_query(Some(if path.is_empty() { "/" } else { path })).map_err(invalid)?;
    let pending = outgoing_handler::handle(request, None)?;
    pending.subscribe().block();
    let response = pending.get().expect("it is ready").expect("it is taken once")?;
    let mut text = String::new();
    let body = response.consume().expect("the body is not taken yet");
    let mut stream = body.stream().expect("its stream is not taken yet");
    let read = stream.read_to_string(&mut text);
    Ok(match read {
        Ok(_) => format!("{} {text}", response.status()),
        Err(error) => format!("{} {text} broken off: {error}", response.status()),
    })
}
