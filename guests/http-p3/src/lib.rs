//! A `wasi:http/handler@0.3` service. `/echo` copies its body chunk by chunk as it comes, `/pass` hands the
//! stream itself back, `/sleep?MS` waits beside its fellows, `/count` says how many calls the instance saw,
//! `/now` and `/random` what it sees of time and chance, `/trap` and `/spin` do what they say, `/fork?N` begins so many
//! tasks of the host at once and `/hold?N` so many streams that it lets nobody read, `/forward?AUTHORITY/PATH` hands the
//! request on by HTTP and its answer back, both as they come, `/after?AUTHORITY/PATH` asks another host when it has read its
//! own request to the end, `/leave?AUTHORITY/PATH` asks one, never reads what it answers and goes on as `/echo` does,
//! anything else says hello.

wit_bindgen::generate!({ path: "wit", world: "streaming", generate_all });

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use wasi::clocks::{monotonic_clock, system_clock};
use wasi::http::client;
use wasi::http::types::{ErrorCode, Fields, Request, Response, Scheme};
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
            "/forward" => Ok(forward(request, query).await.unwrap_or_else(|code| refused(&code))),
            "/after" => Ok(after(request, query).await.unwrap_or_else(|code| refused(&code))),
            "/leave" => Ok(leave(request, query).await.unwrap_or_else(|code| refused(&code))),
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

/// The same request to another host, its body and its answer's handed on as they come.
async fn forward(request: Request, to: &str) -> Result<Response, ErrorCode> {
    let (method, headers) = (request.get_method(), copied_of(&request.get_headers()));
    let (read, result) = wit_future::new(|| Ok(()));
    drop(read);
    let (body, trailers) = Request::consume_body(request, result);
    let (onward, _sent) = Request::new(headers, Some(body), trailers, None);
    onward.set_method(&method).map_err(|()| ErrorCode::HttpRequestMethodInvalid)?;
    send(onward, to).await
}

/// Reads a request to its end, and asks another host then.
async fn after(request: Request, to: &str) -> Result<Response, ErrorCode> {
    let mut from = body(request);
    while from.read(Vec::with_capacity(1 << 10)).await.0 != StreamResult::Dropped {}
    send(empty(), to).await
}

/// Asks another host and keeps its answer for as long as the instance is there, unread.
async fn leave(request: Request, to: &str) -> Result<Response, ErrorCode> {
    std::mem::forget(answer(empty(), to).await?);
    Ok(respond(copied(body(request))))
}

fn empty() -> Request {
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    drop(trailers);
    let (request, _sent) = Request::new(Fields::new(), None, no_trailers, None);
    request
}

/// Sends a request to another host, and hands its answer back as it comes.
async fn send(request: Request, to: &str) -> Result<Response, ErrorCode> {
    let answer = answer(request, to).await?;
    let (status, headers) = (answer.get_status_code(), copied_of(&answer.get_headers()));
    let (read, result) = wit_future::new(|| Ok(()));
    drop(read);
    let (body, trailers) = Response::consume_body(answer, result);
    let (back, _sent) = Response::new(headers, Some(body), trailers);
    let _ = back.set_status_code(status);
    Ok(back)
}

async fn answer(request: Request, to: &str) -> Result<Response, ErrorCode> {
    let (authority, path) = to.split_at(to.find('/').unwrap_or(to.len()));
    let invalid = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&Scheme::Http)).map_err(invalid)?;
    request.set_authority(Some(authority)).map_err(invalid)?;
    request.set_path_with_query(Some(path)).map_err(invalid)?;
    client::send(request).await
}

/// Those of these headers that may be said again.
fn copied_of(headers: &Fields) -> Fields {
    let copied = Fields::new();
    for (name, value) in headers.copy_all() {
        let _ = copied.append(&name, &value);
    }
    copied
}

/// A denial is answered with 403, another failure with 502, both by their code's name.
fn refused(code: &ErrorCode) -> Response {
    let (status, name) = match code {
        ErrorCode::HttpRequestDenied => (403, "HttpRequestDenied".to_owned()),
        code => (502, format!("{code:?}")),
    };
    let answer = respond(said(name));
    let _ = answer.set_status_code(status);
    answer
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
