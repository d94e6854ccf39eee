//! The HTTP door: HTTP/1.1 and HTTP/2 in, a component's answer out.

mod answer;
mod body;
mod routed;
mod routes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_host::{CallCtx, Caller, RequestId};
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderName, HeaderValue, Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub(crate) use self::answer::AnswerBody;
use self::body::BoundedBody;
pub(crate) use self::routed::{Routed, check_target, said};
use self::routes::Found;
pub(crate) use self::routes::{Route, Routes, revision_host};
use crate::listen::{self, Answerer, Listening};

/// How many connections, if the process may have as many descriptors.
const CONNECTIONS_MAX: usize = 10_000;

/// How often a connection has to have a request.
const SILENCE: Duration = Duration::from_secs(30);

/// How long an answer may wait for its client to read on: longer than a bad network's worst pause.
const UNREAD_TIMEOUT: Duration = Duration::from_secs(60);

/// How long answers that have begun may go on after the node was told to stop.
const FAREWELL: Duration = Duration::from_secs(30);

/// Calls that may be under way on one HTTP/2 connection.
const STREAMS_MAX: u32 = 256;

/// The largest body of a request, unless the node's settings say otherwise. Bodies are streamed, so the
/// bound is one on time and not on memory.
pub(crate) const BODY_BYTES_MAX: u64 = 1 << 30;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What the HTTP door needs.
pub(crate) struct Ingress {
    pub(crate) routes: Arc<Routes>,
    /// The largest body of a request, in bytes.
    pub(crate) body_bytes_max: u64,
}

impl Ingress {
    /// Serves until `stopping` turns true, then lets the calls under way end.
    pub(crate) async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        stopping: watch::Receiver<bool>,
    ) {
        let connections_max = listen::connections_max(CONNECTIONS_MAX);
        let (silence, unread, farewell) = (SILENCE, UNREAD_TIMEOUT, FAREWELL);
        let listening = Listening {
            connections_max,
            per_address_max: None,
            streams_max: STREAMS_MAX,
            head_bytes_max: None,
            silence,
            unread,
            farewell,
        };
        listening.serve(listener, None, self, stopping).await;
    }

    /// What a request comes to before its service sees it.
    fn route(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        request_id: RequestId,
    ) -> Result<Routed<BoundedBody>, Failure> {
        check_size(&request, self.body_bytes_max)?;
        let authority = authority(&request)?;
        let found = self.routes.find(authority, request.uri().path());
        let Some(Found { service, prefix, revision }) = found else {
            let said = format!("no service answers at `{}`", request.uri().path());
            let help = "a service answers at /<service>/ and at <service>.localhost";
            return Err(Failure::new(Code::NotFound, said).help(help));
        };
        let mut call = CallCtx::new(request_id);
        call.caller = Some(Caller::Address(peer.ip()));
        call.traceparent = request.headers().get(TRACEPARENT).cloned();
        let bound = self.body_bytes_max;
        let request = request.map(|body| BoundedBody::new(body, bound));
        Ok(Routed { service, prefix, revision, request, call })
    }
}

impl Answerer for Arc<Ingress> {
    type Body = AnswerBody;

    // Few layers, and what is read is not kept: the future of a request is moved about as a whole.
    async fn answer(self, request: Request<Incoming>, peer: SocketAddr) -> Response<AnswerBody> {
        let request_id = RequestId::draw();
        let answered = match self.route(request, peer, request_id) {
            Ok(routed) => routed.answer().await,
            Err(failure) => Err(failure.into()),
        };
        said(answered, request_id)
    }
}

/// The host that the client means: the `host` header, or HTTP/2's authority.
fn authority(request: &Request<Incoming>) -> Result<&str, Failure> {
    let named = request.uri().authority().map(|authority| authority.as_str());
    let bad = |why| Failure::new(Code::Usage, why);
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next().map(HeaderValue::to_str).transpose();
    let host = host.map_err(|_| bad("the host header is not a host"))?;
    if hosts.next().is_some() {
        return Err(bad("the request has two host headers"));
    }
    match (named, host) {
        // Whoever was before this door may have looked at either one.
        (Some(named), Some(host)) if !named.eq_ignore_ascii_case(host) => {
            Err(bad("the request names one host in its target and another in its header"))
        }
        (named, host) => named.or(host).ok_or_else(|| bad("the request names no host")),
    }
}

fn check_size(request: &Request<Incoming>, body_bytes_max: u64) -> Result<(), Failure> {
    check_target(request)?;
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced = announced.and_then(|length| length.parse::<u64>().ok()).unwrap_or(0);
    if announced > body_bytes_max {
        let message = format!("the body has {announced} bytes; this node takes {body_bytes_max}");
        return Err(Failure::new(Code::TooLarge, message));
    }
    Ok(())
}
