//! An HTTP service: plain `wasi:http`, so that it runs on any host that speaks it.

use std::io::{self, Read, Write};

use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Service;

wasip2::http::proxy::export!(Service);

impl wasip2::exports::http::incoming_handler::Guest for Service {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        let (status, body) = match (request.method(), path) {
            (Method::Get, "/") => (200, b"hello\n".to_vec()),
            (Method::Post, "/shout") => (200, read(&request).to_ascii_uppercase()),
            _ => (404, b"no such page\n".to_vec()),
        };
        // A caller who has gone away is no error of ours.
        let _ = respond(out, status, &body);
    }
}

fn read(request: &IncomingRequest) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(body) = request.consume()
        && let Ok(mut stream) = body.stream()
    {
        let _ = stream.read_to_end(&mut bytes);
    }
    bytes
}

fn respond(out: ResponseOutparam, status: u16, bytes: &[u8]) -> io::Result<()> {
    let headers = Fields::new();
    let _ = headers.set("content-type", &[b"text/plain; charset=utf-8".to_vec()]);
    let response = OutgoingResponse::new(headers);
    let _ = response.set_status_code(status);
    let body = response.body().expect("a new response has its body");
    ResponseOutparam::set(out, Ok(response));
    let mut stream = body.write().expect("a new body has its stream");
    stream.write_all(bytes)?;
    Write::flush(&mut stream)?;
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
    Ok(())
}
