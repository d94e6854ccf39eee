//! Bytes from a connection, through the node's own reading, to what a component is told of each request.
//!
//! What is told is checked against what was sent: no field of the connection and nothing that passes for the node's own
//! word, one host, the path and query as they were but for the route, and the body that was framed. Over HTTP/1.1 where
//! each request begins and ends is found a second time by a reader that knows lengths and chunks and nothing else, so
//! that none is hidden in another. How the bytes are cut into packets makes no difference.

#![no_main]

mod framing;
mod wire;

use std::convert::Infallible;
use std::sync::{Arc, LazyLock, Mutex};

use airssys_wasm_request::{
    METHOD, TARGET, admit, authority, is_of_connection, is_of_message, metadata, prefixes,
    service_host, strip,
};
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

use self::framing::{Framed, framed};
use self::wire::Wire;

/// A body beyond it is refused or cut.
const BODY_BYTES_MAX: u64 = 256;

/// Where services answer; the empty one is the root.
const ROUTES: [&str; 4] = ["/hello", "/hello/nested", "/a.b", ""];

/// What comes at once in the second reading.
const PACKET_BYTES: usize = 7;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime"));

/// A request that a connection gave.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Given {
    method: String,
    target: String,
    /// Nothing, where it was refused or broke off.
    body: Option<Bytes>,
}

fuzz_target!(|bytes: &[u8]| {
    let (given, in_packets) = (read(bytes, usize::MAX), read(bytes, PACKET_BYTES));
    if bytes.starts_with(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") {
        // Its frames say where a request ends, and its requests come side by side.
        return;
    }
    // A connection is closed after a request that was refused, unless its body is there already.
    let both = given.len().min(in_packets.len());
    assert_eq!(given[..both], in_packets[..both], "other packets, other requests");
    let given = if both < given.len() { given } else { in_packets };
    let mut framed = framed(bytes);
    for (place, given) in given.iter().enumerate() {
        match framed.next() {
            Some(framed) => compare(given, &framed),
            None => panic!("request {place} begins where none was framed: {given:?}"),
        }
    }
});

/// The same request by both readers.
fn compare(given: &Given, framed: &Framed<'_>) {
    assert_eq!(given.method.as_bytes(), framed.method);
    if framed.target.starts_with(b"/") {
        // A fragment is no part of a target, and is not passed on.
        let sent = framed.target.split(|byte| *byte == b'#').next();
        assert_eq!(Some(given.target.as_bytes()), sent);
    }
    if let Some(body) = &given.body {
        assert_eq!(Some(&body[..]), framed.body.as_deref(), "{given:?}");
    }
}

/// All requests of a connection whose bytes come in packets of this size.
fn read(bytes: &[u8], packet: usize) -> Vec<Given> {
    let all = Arc::new(Mutex::new(Vec::new()));
    let door = Arc::clone(&all);
    let service = hyper::service::service_fn(move |request| {
        let door = Arc::clone(&door);
        async move { Ok::<_, Infallible>(enter(request, &door).await) }
    });
    let wire = Wire::new(Bytes::copy_from_slice(bytes), packet);
    let server = auto::Builder::new(TokioExecutor::new());
    // However it ends: what was given until then is what counts.
    let _ = RUNTIME.block_on(server.serve_connection(wire, service));
    std::mem::take(&mut *all.lock().expect("no request panicked"))
}

/// A request at the door, as the node takes it.
async fn enter(request: Request<Incoming>, door: &Mutex<Vec<Given>>) -> Response<Empty<Bytes>> {
    let (method, target) = (request.method().to_string(), target(request.uri()).to_owned());
    let place = {
        let mut door = door.lock().expect("no request panicked");
        door.push(Given { method, target, body: None });
        door.len() - 1
    };
    let body = told(request).await;
    let mut answer = Response::new(Empty::new());
    if body.is_none() {
        *answer.status_mut() = StatusCode::BAD_REQUEST;
    }
    // Over HTTP/2 the connection may have ended before its requests.
    if let Some(given) = door.lock().expect("no request panicked").get_mut(place) {
        given.body = body;
    }
    answer
}

/// The body of a request that a service gets.
async fn told(request: Request<Incoming>) -> Option<Bytes> {
    let (sent_uri, sent) = (request.uri().clone(), request.headers().clone());
    let mut request = admit(request, BODY_BYTES_MAX).ok()?;
    let host = authority(&request).ok()?.to_owned();
    check_host(&host, &sent_uri, &sent);
    let route = match service_host(&host) {
        Some(_) => "",
        None => route(request.uri().path()),
    };
    strip(&mut request, route.len()).ok()?;
    check_target(route, &sent_uri, request.uri());
    let (parts, body) = request.into_parts();
    check_fields(&sent, &parts.headers);
    check_metadata(&parts);
    let body = body.collect().await.ok()?;
    if let Some(trailers) = body.trailers() {
        let is_told = |name| !is_of_connection(name) && !is_of_message(name) || name == TE;
        assert!(trailers.keys().all(is_told), "{trailers:?}");
    }
    let body = body.to_bytes();
    assert!(body.len() as u64 <= BODY_BYTES_MAX);
    if let Some(length) = parts.headers.get(CONTENT_LENGTH) {
        let length = length.to_str().ok().and_then(|length| length.parse().ok());
        assert_eq!(length, Some(body.len()));
    }
    Some(body)
}

/// The longest of the routes that this path is under.
fn route(path: &str) -> &'static str {
    let longest = ROUTES.iter().map(|route| route.len()).max().unwrap_or(0);
    let found =
        prefixes(path, longest).find_map(|prefix| ROUTES.into_iter().find(|it| *it == prefix));
    found.expect("the root is one of them")
}

/// One host was named, however often, and it is a host.
fn check_host(host: &str, uri: &Uri, sent: &HeaderMap) {
    let in_target = uri.authority().map(|authority| authority.as_str());
    let in_headers: Vec<_> = sent.get_all(HOST).iter().map(|host| host.as_bytes()).collect();
    assert!(in_headers.len() <= 1, "{in_headers:?}");
    let named = in_target.map(str::as_bytes).into_iter().chain(in_headers);
    for named in named {
        assert!(named.eq_ignore_ascii_case(host.as_bytes()), "{host}");
    }
    assert!(!host.contains(['@', ',', '/', ' ', '\\', '?', '#']), "{host}");
    host.parse::<http::uri::Authority>().expect("it is an authority");
}

/// Nothing but the route was taken off, and at the end of a segment.
fn check_target(route: &str, sent: &Uri, told: &Uri) {
    let (sent, told) = (target(sent), target(told));
    let rest = sent.strip_prefix(route).expect("it is under its route");
    assert!(rest.is_empty() || rest.starts_with(['/', '?', '*']), "{sent} under {route}");
    assert_eq!(told.trim_start_matches('/'), rest.trim_start_matches('/'));
    assert!(told.ends_with(rest), "{told} of {rest}");
}

/// What is told of the head is what was sent, values of one name in their order, less what is about the connection.
fn check_fields(sent: &HeaderMap, told: &HeaderMap) {
    let options =
        sent.get_all(CONNECTION).iter().flat_map(|it| it.as_bytes().split(|b| *b == b','));
    let options: Vec<_> =
        options.filter_map(|it| HeaderName::from_bytes(it.trim_ascii()).ok()).collect();
    for name in told.keys() {
        let is_trailers = name == TE && told.get_all(TE).iter().all(|te| te == "trailers");
        let is_hop = is_of_connection(name) || options.contains(name) && !is_of_message(name);
        assert!(!is_hop || is_trailers, "{name} is about the connection");
    }
    for name in sent.keys() {
        let is_hop = is_of_connection(name) || options.contains(name) && !is_of_message(name);
        let values = |of: &HeaderMap| of.get_all(name).iter().cloned().collect::<Vec<_>>();
        assert!(is_hop || values(sent) == values(told), "{name} is not told as it was sent");
    }
    assert!(told.keys().all(|name| sent.contains_key(name)), "{told:?} has what was not sent");
}

/// A handler is told the method and the target once each, and by the node.
fn check_metadata(parts: &Parts) {
    let metadata = metadata(parts);
    let told = |name: &str| -> Vec<&str> {
        let entries = metadata.iter().filter(|(entry, _)| entry.eq_ignore_ascii_case(name));
        entries.map(|(_, value)| value.as_str()).collect()
    };
    assert_eq!(told(METHOD), [parts.method.as_str()]);
    assert_eq!(told(TARGET), [target(&parts.uri)]);
    for (name, value) in &metadata {
        assert!(!value.contains(['\r', '\n', '\0']), "{name}");
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
        assert!(!is_of_connection(&name) && !is_of_message(&name), "{name}");
    }
}

fn target(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |target| target.as_str())
}
