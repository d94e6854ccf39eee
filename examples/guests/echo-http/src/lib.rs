//! A component that sends back what it is sent, piece by piece as it comes. The benchmarks measure bodies
//! with it.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::StreamError;

struct Echo;

/// Read at once, at most: what a host hands over at once, at most.
const PIECE_BYTES: u64 = 64 << 10;

impl Guest for Echo {
    fn handle(request: IncomingRequest, answer: ResponseOutparam) {
        let headers = Fields::new();
        // A length that was announced is announced again.
        for length in request.headers().get("content-length") {
            headers.append("content-length", &length).expect("a plain header is allowed");
        }
        let response = OutgoingResponse::new(headers);
        let outgoing = response.body().expect("a new response has its body");
        ResponseOutparam::set(answer, Ok(response));
        let incoming = request.consume().expect("a new request has its body");
        let (from, to) = (
            incoming.stream().expect("a new body has its stream"),
            outgoing.write().expect("a new body has its stream"),
        );
        loop {
            match to.blocking_splice(&from, PIECE_BYTES) {
                Ok(_) => {}
                Err(StreamError::Closed) => break,
                Err(StreamError::LastOperationFailed(error)) => {
                    panic!("{}", error.to_debug_string())
                }
            }
        }
        to.blocking_flush().expect("the caller reads");
        drop((from, to));
        OutgoingBody::finish(outgoing, None).expect("the body is whole");
    }
}

wasip2::http::proxy::export!(Echo);
