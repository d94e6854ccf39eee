//! One request, by `wasi:http@0.2`.

use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{Fields, Method, OutgoingRequest, Scheme};

/// Sends a GET request with one header, to an `http` address. Answers with the status and what the answer's body
/// says.
pub fn send(url: &str, header: &str, value: &str) -> Result<String, String> {
    let (scheme, rest) = match url.strip_prefix("https://") {
        Some(rest) => (Scheme::Https, rest),
        None => (Scheme::Http, url.trim_start_matches("http://")),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let fields = Fields::from_list(&[(header.to_owned(), value.as_bytes().to_vec())]);
    let request = OutgoingRequest::new(fields.map_err(|error| format!("{error:?}"))?);
    let set = request
        .set_method(&Method::Get)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(authority)))
        .and_then(|()| request.set_path_with_query(Some(&format!("/{path}"))));
    set.map_err(|()| "no such request".to_owned())?;
    let answer = handle(request, None).map_err(|error| named(&error))?;
    answer.subscribe().block();
    let answer = answer.get().ok_or("no answer")?.map_err(|()| "no answer")?;
    let answer = answer.map_err(|error| named(&error))?;
    let body = answer.consume().map_err(|()| "no body")?;
    let stream = body.stream().map_err(|()| "no body")?;
    let mut text = Vec::new();
    while let Ok(bytes) = stream.blocking_read(1 << 16) {
        text.extend(bytes);
    }
    Ok(format!("{} {}", answer.status(), String::from_utf8_lossy(&text)))
}

fn named(error: &wasip2::http::types::ErrorCode) -> String {
    format!("{error:?}").replace("ErrorCode::", "")
}
