//! Writes a line to standard error when its path ends in `/line`, and answers. `bench costs` measures with it
//! what a line costs.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Log;

impl Guest for Log {
    fn handle(request: IncomingRequest, answer: ResponseOutparam) {
        if request.path_with_query().is_some_and(|path| path.ends_with("/line")) {
            eprintln!("answering one request with the line that every request is answered with");
        }
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().expect("a new response has its body");
        ResponseOutparam::set(answer, Ok(response));
        let stream = body.write().expect("a new body has its stream");
        stream.blocking_write_and_flush(b"Hello from a component\n").expect("the caller reads");
        drop(stream);
        OutgoingBody::finish(body, None).expect("the body is whole");
    }
}

wasip2::http::proxy::export!(Log);
