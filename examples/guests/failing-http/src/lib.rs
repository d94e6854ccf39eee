//! Answers one request in twenty, drawn at random, with status 500. `bench rollout` measures with it how soon such a
//! candidate is taken back.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::random::random::get_random_u64;

struct Failing;

impl Guest for Failing {
    fn handle(_request: IncomingRequest, answer: ResponseOutparam) {
        let response = OutgoingResponse::new(Fields::new());
        if get_random_u64() < u64::MAX / 20 {
            response.set_status_code(500).expect("a status that there is");
        }
        let body = response.body().expect("a new response has its body");
        ResponseOutparam::set(answer, Ok(response));
        let stream = body.write().expect("a new body has its stream");
        stream.blocking_write_and_flush(b"Hello from a component\n").expect("the caller reads");
        drop(stream);
        OutgoingBody::finish(body, None).expect("the body is whole");
    }
}

wasip2::http::proxy::export!(Failing);
