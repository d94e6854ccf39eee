//! A `wasi:http/handler@0.3` service that reads its request to the end and then calls out by functions that are not
//! `async`: `/call?SERVICE/TEXT` a handler, `/invoke?SERVICE/FUNCTION` a function, `/run?PROGRAM` a program and
//! `/get?AUTHORITY/PATH` a host by HTTP of WASI 0.2. It answers with what they say; `/count` says how many calls the
//! instance saw.

wit_bindgen::generate!({
    path: ["../../wit", "../http-p3/wit", "wit"],
    world: "example:calls/calling",
    generate_all,
});

use std::sync::atomic::{AtomicU64, Ordering};

use airssys::component::types::Input;
use airssys::component::{process, services};
use wasi::http::types::{ErrorCode, Fields, Request, Response};
use wasip2::http::outgoing_handler;
use wasip2::http::types as http_p2;
use wit_bindgen::{StreamReader, StreamResult};

struct Calling;

export!(Calling);

impl exports::wasi::http::handler::Guest for Calling {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        let target = request.get_path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (to, what) = query.split_once('/').unwrap_or((query, ""));
        let mut from = body(request);
        while from.read(Vec::with_capacity(1 << 10)).await.0 != StreamResult::Dropped {}
        Ok(respond(match path {
            "/call" => call(to, what),
            "/invoke" => format!("{:?}", services::invoke(to, what, &[])),
            "/run" => format!("{:?}", process::run(to, &[])),
            "/get" => get(to, what).unwrap_or_else(|code| format!("{code:?}")),
            _ => calls.to_string(),
        }))
    }
}

fn call(service: &str, text: &str) -> String {
    let input = Input { body: text.into(), content_type: None, metadata: Vec::new() };
    match services::call(service, &input) {
        Ok(output) => String::from_utf8_lossy(&output.body).into_owned(),
        Err(error) => format!("{error:?}"),
    }
}

fn get(authority: &str, path: &str) -> Result<String, http_p2::ErrorCode> {
    let request = http_p2::OutgoingRequest::new(http_p2::Fields::new());
    let invalid = |()| http_p2::ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&http_p2::Scheme::Http)).map_err(invalid)?;
    request.set_authority(Some(authority)).map_err(invalid)?;
    request.set_path_with_query(Some(&format!("/{path}"))).map_err(invalid)?;
    let pending = outgoing_handler::handle(request, None)?;
    pending.subscribe().block();
    let response = pending.get().expect("it is ready").expect("it is taken once")?;
    Ok(response.status().to_string())
}

fn body(request: Request) -> StreamReader<u8> {
    let (read, result) = wit_future::new(|| Ok(()));
    drop(read);
    let (body, _trailers) = Request::consume_body(request, result);
    body
}

fn respond(text: String) -> Response {
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    drop(trailers);
    let (mut writer, reader) = wit_stream::new();
    wit_bindgen::spawn_local(async move {
        writer.write_all(text.into_bytes()).await;
    });
    let (response, _sent) = Response::new(Fields::new(), Some(reader), no_trailers);
    response
}
