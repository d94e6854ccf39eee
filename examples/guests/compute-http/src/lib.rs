//! A component with some work to do for each request: it hashes a small text over and over, for about a
//! tenth of a millisecond. The benchmarks show with it what a host costs beside real work.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Compute;

/// How often the text is hashed.
const ROUNDS: u32 = 4_000;

impl Guest for Compute {
    fn handle(request: IncomingRequest, answer: ResponseOutparam) {
        let text = request.path_with_query().unwrap_or_default();
        let hash = (0..ROUNDS).fold(FNV_OFFSET, |hash, _| fnv1a(hash, text.as_bytes()));
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().expect("a new response has its body");
        ResponseOutparam::set(answer, Ok(response));
        let stream = body.write().expect("a new body has its stream");
        let said = format!("{hash:016x}\n");
        stream.blocking_write_and_flush(said.as_bytes()).expect("the caller reads");
        drop(stream);
        OutgoingBody::finish(body, None).expect("the body is whole");
    }
}

/// The 64-bit FNV-1a hash, begun with this and continued over bytes.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv1a(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

wasip2::http::proxy::export!(Compute);
