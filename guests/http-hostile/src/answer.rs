//! Answers that are as they should be, and such that are not.

use std::io::{Read, Write};

use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

/// A whole answer.
pub(crate) fn text(out: ResponseOutparam, status: u16, text: &str) {
    let response = OutgoingResponse::new(Fields::new());
    let _ = response.set_status_code(status);
    send(out, response, text.as_bytes(), 1);
}

/// An answer with this header, or what is said against it.
pub(crate) fn with_header(out: ResponseOutparam, name: &str, value: &[u8]) {
    let fields = Fields::new();
    match fields.append(name, value) {
        Ok(()) => send(out, OutgoingResponse::new(fields), b"said", 1),
        Err(error) => text(out, 418, &format!("{error:?}")),
    }
}

/// An answer that says one length and has another.
pub(crate) fn of_length(out: ResponseOutparam, said: u64, sent: u64) {
    let fields = Fields::new();
    let _ = fields.append("content-length", said.to_string().as_bytes());
    send(out, OutgoingResponse::new(fields), b"x", sent);
}

/// An answer without an end.
pub(crate) fn endless(out: ResponseOutparam) {
    send(out, OutgoingResponse::new(Fields::new()), &[b'x'; 4096], u64::MAX);
}

/// Reads a request's body to its end, and says how long it was.
pub(crate) fn swallowed(request: &IncomingRequest) -> String {
    let body = request.consume().expect("the body is not taken yet");
    let mut stream = body.stream().expect("its stream is not taken yet");
    let (mut buffer, mut bytes) = (vec![0; 64 << 10], 0);
    loop {
        match Read::read(&mut stream, &mut buffer) {
            Ok(0) => return bytes.to_string(),
            Ok(read) => bytes += read,
            Err(error) => return format!("{bytes}, and then {error}"),
        }
    }
}

/// The same bytes so many times, for as long as they are taken.
fn send(out: ResponseOutparam, response: OutgoingResponse, bytes: &[u8], times: u64) {
    let body = response.body().expect("a new response has its body");
    ResponseOutparam::set(out, Ok(response));
    let mut stream = body.write().expect("a new body has its stream");
    let sent = (0..times).try_for_each(|_| stream.write_all(bytes));
    let sent = sent.and_then(|()| Write::flush(&mut stream));
    drop(stream);
    if sent.is_ok() {
        let _ = OutgoingBody::finish(body, None);
    }
}
