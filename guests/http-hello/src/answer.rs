//! Answers: whole ones, and a body that streams back as it comes.

use std::io::{self, Read, Write};

use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

pub(crate) struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16, body: Vec<u8>) -> Self {
        Self { status, body }
    }

    pub(crate) fn text(status: u16, text: impl Into<String>) -> Self {
        Self::new(status, text.into().into_bytes())
    }

    pub(crate) fn send(self, out: ResponseOutparam) {
        respond(self.status, out, |body| body.write_all(&self.body));
    }
}

/// Answers with these headers at once and the body as it is written. Who stops reading is no error.
pub(crate) fn respond(
    status: u16,
    out: ResponseOutparam,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) {
    let headers = Fields::new();
    let _ = headers.set("content-type", &[b"text/plain; charset=utf-8".to_vec()]);
    let response = OutgoingResponse::new(headers);
    let _ = response.set_status_code(status);
    let body = response.body().expect("a new response has its body");
    ResponseOutparam::set(out, Ok(response));
    let mut stream = body.write().expect("a new body has its stream");
    let written = write(&mut stream).and_then(|()| io::Write::flush(&mut stream));
    drop(stream);
    if written.is_ok() {
        let _ = OutgoingBody::finish(body, None);
    }
}

pub(crate) fn stream_back(request: &IncomingRequest, out: ResponseOutparam) {
    let incoming = request.consume().expect("the body is not taken yet");
    let mut from = incoming.stream().expect("its stream is not taken yet");
    respond(200, out, |to| {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match Read::read(&mut from, &mut buffer)? {
                0 => return Ok(()),
                read => to.write_all(&buffer[..read])?,
            }
            to.flush()?;
        }
    });
}
