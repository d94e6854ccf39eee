//! The HTTP door: HTTP/1.1 and HTTP/2 in, a component's answer out.

mod answer;
mod routed;
mod routes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_host::{CallCtx, Caller, HttpError, RequestId};
use airssys_wasm_request::{BodyError, BoundedBody, admit, authority};
use bytes::Bytes;
use http::{HeaderName, Request, Response};
use http_body::Body;
use http_body_util::BodyExt as _;
use http_body_util::combinators::MapErr;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub(crate) use self::answer::AnswerBody;
use self::routed::refused;
pub(crate) use self::routed::{Routed, said};
use self::routes::Found;
pub(crate) use self::routes::{Route, Routes};
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

/// A request's body on its way to a service.
type Admitted<B> = MapErr<BoundedBody<B>, fn(BodyError<<B as Body>::Error>) -> HttpError>;

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
    ) -> Result<Routed<Admitted<Incoming>>, Failure> {
        let request = admitted(request, self.body_bytes_max)?;
        let authority = authority(&request).map_err(refused)?;
        let found = self.routes.find(authority, request.uri().path());
        let Some(Found { service, prefix, revision }) = found else {
            let said = format!("no service answers at `{}`", request.uri().path());
            let help = "a service answers at /<service>/ and at <service>.localhost";
            return Err(Failure::new(Code::NotFound, said).help(help));
        };
        let mut call = CallCtx::new(request_id);
        call.caller = Some(Caller::Address(peer.ip()));
        call.traceparent = request.headers().get(TRACEPARENT).cloned();
        Ok(Routed { service, prefix, revision, request, call })
    }
}

impl Answerer for Arc<Ingress> {
    type Body = AnswerBody;

    // Few layers, and what is read is not kept: the future of a request is moved about as a whole.
    async fn answer(self, request: Request<Incoming>, peer: SocketAddr) -> Response<AnswerBody> {
        let request_id = RequestId::draw();
        let answered = match self.route(request, peer, request_id) {
            // Boxed once: the connection moves the future about as a whole, and most of it is this one.
            Ok(routed) => Box::pin(routed.answer()).await,
            Err(failure) => Err(failure.into()),
        };
        said(answered, request_id)
    }
}

/// A request as services may have it, from outside and from one another alike.
pub(crate) fn admitted<B>(
    request: Request<B>,
    body_bytes_max: u64,
) -> Result<Request<Admitted<B>>, Failure>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<HttpError>,
{
    let request = admit(request, body_bytes_max).map_err(refused)?;
    Ok(request.map(|body| body.map_err(broken as fn(_) -> _)))
}

/// A body that ends too early, as a component is told.
fn broken<E: Into<HttpError>>(why: BodyError<E>) -> HttpError {
    match why {
        BodyError::TooLarge(bound) => HttpError::HttpRequestBodySize(Some(bound)),
        BodyError::Broken(error) => error.into(),
    }
}
