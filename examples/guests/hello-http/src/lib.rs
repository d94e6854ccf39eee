//! A component that never heard of airssys-wasm: it exports `wasi:http/incoming-handler@0.2`, and runs
//! unchanged under `wasmtime serve`. The benchmarks compare the two with it.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Hello;

impl Guest for Hello {
    fn handle(_request: IncomingRequest, answer: ResponseOutparam) {
        let headers = Fields::new();
        headers.append("content-type", b"text/plain").expect("a plain header is allowed");
        let response = OutgoingResponse::new(headers);
        let body = response.body().expect("a new response has its body");
        ResponseOutparam::set(answer, Ok(response));
        let stream = body.write().expect("a new body has its stream");
        stream.blocking_write_and_flush(b"Hello from a component\n").expect("the caller reads");
        drop(stream);
        OutgoingBody::finish(body, None).expect("the body is whole");
    }
}

wasip2::http::proxy::export!(Hello);
