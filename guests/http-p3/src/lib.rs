//! A `wasi:http/handler@0.3` service. `/echo` copies its body chunk by chunk as it comes, `/pass` hands the
//! stream itself back, `/sleep?MS` waits beside its fellows, `/count` says how many calls the instance saw,
//! `/now` and `/random` what it sees of time and chance, `/trap` and `/spin` do what they say, `/fork?N` begins so many
//! tasks of the host at once and `/hold?N` so many streams that it lets nobody read, anything else says hello.

wit_bindgen::generate!({ path: "wit", world: "streaming", generate_all });

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use wasi::clocks::{monotonic_clock, system_clock};
use wasi::http::types::{ErrorCode, Fields, Request, Response};
use wasi::random::{insecure, insecure_seed, random};
use wit_bindgen::{StreamReader, StreamResult};

struct Streaming;

export!(Streaming);

impl exports::wasi::http::handler::Guest for Streaming {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        let target = request.get_path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match path {
            "/echo" => Ok(respond(copied(body(request)))),
            "/pass" => Ok(respond(body(request))),
            "/count" => Ok(respond(said(calls.to_string()))),
            "/sleep" => {
                monotonic_clock::wait_for(query.parse::<u64>().unwrap_or(0) * 1_000_000).await;
                Ok(respond(said("slept".into())))
            }
            "/now" => Ok(respond(said(now()))),
            "/random" => Ok(respond(said(drawn()))),
            "/fork" => Ok(respond(said(fork(query.parse().unwrap_or(0)).await))),
            "/hold" => Ok(respond(said(hold(query.parse().unwrap_or(0))))),
            "/error" => Err(ErrorCode::InternalError(Some("asked to fail".into()))),
            "/trap" => std::arch::wasm32::unreachable(),
            "/spin" => loop {
                std::hint::black_box(());
            },
            _ => Ok(respond(said("hello from wasi 0.3".into()))),
        }
    }
}

/// The wall clock, and how far the monotonic clock went between two readings, both in nanoseconds.
fn now() -> String {
    let (wall, before) = (system_clock::now(), monotonic_clock::now());
    let passed = monotonic_clock::now() - before;
    format!("{} {passed}", i128::from(wall.seconds) * 1_000_000_000 + i128::from(wall.nanoseconds))
}

/// Secure, insecure, and what a hash map is seeded with.
fn drawn() -> String {
    let (secure, weak) = (random::get_random_u64(), insecure::get_insecure_random_u64());
    format!("{secure} {weak} {:?}", insecure_seed::get_insecure_seed())
}

fn respond(body: StreamReader<u8>) -> Response {
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    drop(trailers);
    let (response, _sent) = Response::new(Fields::new(), Some(body), no_trailers);
    response
}

fn body(request: Request) -> StreamReader<u8> {
    let (read, result) = wit_future::new(|| Ok(()));
    drop(read);
    let (body, _trailers) = Request::consume_body(request, result);
    body
}

fn said(text: String) -> StreamReader<u8> {
    let (mut writer, reader) = wit_stream::new();
    wit_bindgen::spawn_local(async move {
        writer.write_all(text.into_bytes()).await;
    });
    reader
}

/// So many tasks of the host at once, each of a tenth of a second.
async fn fork(count: usize) -> String {
    let mut tasks: Vec<_> =
        (0..count).map(|_| Box::pin(monotonic_clock::wait_for(100_000_000))).collect();
    let ended = std::future::poll_fn(|cx| {
        // Each is polled, and so begun, before any is asked whether it has ended.
        let waits = tasks.iter_mut().map(|task| task.as_mut().poll(cx)).filter(Poll::is_pending);
        Poll::Ready(waits.count())
    });
    ended.await.to_string()
}

/// So many streams, whose both ends are kept.
fn hold(count: usize) -> String {
    let held: Vec<_> = (0..count).map(|_| wit_stream::new::<u8>()).collect();
    held.len().to_string()
}

/// The same bytes through this instance's memory, never more than one chunk of them.
fn copied(mut from: StreamReader<u8>) -> StreamReader<u8> {
    const CHUNK_BYTES: usize = 64 << 10;
    let (mut writer, reader) = wit_stream::new();
    wit_bindgen::spawn_local(async move {
        loop {
            let (result, chunk) = from.read(Vec::with_capacity(CHUNK_BYTES)).await;
            if !writer.write_all(chunk).await.is_empty() || result == StreamResult::Dropped {
                return;
            }
        }
    });
    reader
}
