//! Requests that guests send: checked against their rights, and sent to the address that was checked.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, LazyLock, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use airssys_wasm_model::{Denial, HttpRight, Kind, is_inside};
use bytes::Bytes;
use http::uri::Scheme;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::Sleep;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::lookup::{Resolver, addresses};
use super::secrets::{HeldSecrets, Receiver};
use super::transfer::{Allowance, Counted, Way};
use crate::context::{CallCtx, Mode};
use crate::gauges::Gauges;
use crate::limit::{Level, Limit};
use crate::pool::Pool;
use crate::rights::{Hold, Needs};
use crate::watch::{Teller, Use};

/// How long a server may take to accept a connection, and to begin its answer, unless the guest asks for
/// less. A call's own limit ends it sooner in most cases.
const PATIENCE: Duration = Duration::from_secs(60);

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answer = Result<(http::Response<WasiBody>, Io), Error>;

/// The outbound HTTP of one guest.
pub(crate) struct OutboundHttp {
    /// Knows whose it is, and tells of what was allowed and denied.
    teller: Teller,
    /// A place for each request of this guest, made with the first.
    own: OnceLock<Arc<Semaphore>>,
    allowance: Arc<Allowance>,
    /// Of a guest for copied calls: what it would have sent is counted here, and does not leave.
    refusing: Option<Arc<Gauges>>,
    secrets: Arc<HeldSecrets>,
}

/// Requests that all guests may have under way: each holds a descriptor, of which a process often has 1,024.
static REQUESTS: Semaphore = Semaphore::const_new(256);

impl OutboundHttp {
    pub(crate) fn new(pool: &Pool, mode: Mode, teller: Teller, secrets: Arc<HeldSecrets>) -> Self {
        let refusing = (mode == Mode::Shadow).then(|| Arc::clone(&pool.gauges));
        let allowance = Arc::new(Allowance::new(teller.spec().limits.transfer.0));
        Self { teller, own: OnceLock::new(), allowance, refusing, secrets }
    }

    pub(crate) fn teller(&self) -> &Teller {
        &self.teller
    }

    /// A reused instance begins another call.
    pub(crate) fn begin(&mut self, call: &CallCtx) {
        self.teller.begin(call);
        self.allowance.renew();
    }

    /// Whether the revision may begin one more request in this second.
    fn in_time(&self) -> Result<(), Error> {
        let meters = &self.teller.revision().meters;
        if meters.request_rate.take(1, Instant::now()) {
            return Ok(());
        }
        meters.hit(Limit::RequestRate);
        self.teller.warns("its limit `request_rate` is reached: a request is not sent");
        Err(Error::ConnectionLimitReached)
    }

    /// The same request, its body counted.
    fn counted(&self, request: http::Request<WasiBody>) -> http::Request<WasiBody> {
        let (allowance, teller) = (Arc::clone(&self.allowance), self.teller.clone());
        request.map(|body| Counted::new(body, Way::Out, allowance, teller).boxed_unsync())
    }

    /// The right under which this request may leave, with the host and port it goes to.
    fn check(&self, request: &http::Request<WasiBody>) -> Result<Target, Error> {
        let uri = request.uri();
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        let tls = uri.scheme() == Some(&Scheme::HTTPS);
        let default_port = if tls { 443 } else { 80 };
        let (host, port) = (authority.host(), authority.port_u16().unwrap_or(default_port));
        let method = request.method().as_str();
        let (service, path) = (&self.teller.spec().service, uri.path());
        // What is told of it leaves out the query and who it is sent as: that is where keys are.
        let shown = || match port == default_port {
            true => host.to_owned(),
            false => format!("{host}:{port}"),
        };
        let now = self.teller.revision().rights.now();
        let right = now.rights.http(method, host, port, default_port, path).cloned();
        drop(now);
        let Some(right) = right else {
            self.teller.denied(&Denial::http(service, method, &shown(), path));
            return Err(Error::HttpRequestDenied);
        };
        if let Some(gauges) = &self.refusing {
            gauges.refuses();
            return Err(Error::HttpRequestDenied);
        }
        if self.teller.sees_uses(Kind::Http) {
            let target = format!("{}{path}", shown());
            self.teller.used(Use { kind: Kind::Http, access: method, target: &target });
        }
        let resolver = Arc::clone(self.teller.revision().resolver());
        let (host, method, path) = (host.to_owned(), method.to_owned(), path.to_owned());
        let needs = Needs::Sending { method, host: host.clone(), port, default_port, path };
        let hold = Hold::new(self.teller.clone(), needs);
        let method = request.method().clone();
        let (teller, allowance) = (self.teller.clone(), Arc::clone(&self.allowance));
        Ok(Target { host, port, tls, right, method, teller, allowance, resolver, hold })
    }
}

struct Target {
    host: String,
    port: u16,
    tls: bool,
    right: HttpRight,
    method: http::Method,
    teller: Teller,
    allowance: Arc<Allowance>,
    resolver: Arc<dyn Resolver>,
    /// What is needed until the answer has been read.
    hold: Arc<Hold>,
}

impl Target {
    /// The host as resolvers and certificates know it: an IPv6 address without its brackets.
    fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Its name is allowed, and leads to an address that only a grant of the address itself reaches.
    fn deny_inside(&self, address: IpAddr) {
        let authority = SocketAddr::new(address, self.port).to_string();
        let act = format!("send {} by the name {} to", self.method, self.host);
        let service = &self.teller.spec().service;
        self.teller.denied(&Denial::new(service, Kind::Http, &act, &authority, &authority));
    }
}

impl WasiHttpHooks for OutboundHttp {
    fn send_request(
        &mut self,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Answer> + Send> {
        let checked = self.check(&request).and_then(|target| {
            self.in_time()?;
            let Target { host, port, tls, .. } = &target;
            let to = Receiver { host, port: *port, tls: *tls };
            let filled = self.secrets.fill(request.headers_mut(), to);
            filled.map(|()| target).map_err(|_withheld| Error::HttpRequestDenied)
        });
        match checked {
            Ok(target) => {
                let limit = self.teller.spec().limits.requests as usize;
                let own = || Arc::new(Semaphore::new(limit));
                let own = Arc::clone(self.own.get_or_init(own));
                let options = options.unwrap_or_default();
                let request = self.counted(request);
                Box::new(async move {
                    let patience = patience(options.connect_timeout);
                    let places = Places::take(own, patience, &target.teller).await?;
                    let hold = Arc::clone(&target.hold);
                    let (answer, io) = tokio::select! {
                        biased;
                        () = Arc::clone(&hold).revoked() => {
                            hold.check();
                            return Err(Error::HttpRequestDenied);
                        }
                        // A connection that the revocation closed may be seen before the revocation itself.
                        sent = send(target, request, options) => sent.map_err(|error| {
                            if hold.check() { error } else { Error::HttpRequestDenied }
                        })?,
                    };
                    let io: Io = Box::new(async move {
                        let ended = Box::into_pin(io).await;
                        drop(places);
                        ended
                    });
                    Ok((answer, io))
                })
            }
            Err(denied) => Box::new(std::future::ready(Err(denied))),
        }
    }
}

fn patience(asked: Option<Duration>) -> Duration {
    asked.unwrap_or(PATIENCE).min(PATIENCE)
}

/// A place among the guest's own requests and among all guests', held until the answer has been read.
struct Places {
    teller: Teller,
    _own: OwnedSemaphorePermit,
    _of_all: SemaphorePermit<'static>,
}

impl Places {
    async fn take(own: Arc<Semaphore>, within: Duration, teller: &Teller) -> Result<Self, Error> {
        let meters = &teller.revision().meters;
        if teller.spec().limits.requests == 0 {
            meters.hit(Limit::Requests);
            teller.warns("its limit `requests` is 0: a request is not sent");
            return Err(Error::ConnectionLimitReached);
        }
        let taken = Arc::clone(&own).try_acquire_owned();
        let waits = taken.is_err();
        if waits {
            meters.hit(Limit::Requests);
        }
        let places = async {
            // Neither is ever closed.
            let own = match taken {
                Ok(own) => own,
                Err(_) => own.acquire_owned().await.map_err(|_| Error::ConnectionLimitReached)?,
            };
            let of_all = REQUESTS.acquire().await.map_err(|_| Error::ConnectionLimitReached)?;
            Ok::<_, Error>((own, of_all))
        };
        let Ok(places) = tokio::time::timeout(within, places).await else {
            if waits {
                teller.warns("its limit `requests` is reached: a request found no place");
            }
            return Err(Error::ConnectionLimitReached);
        };
        let (_own, _of_all) = places?;
        meters.opened(Level::Requests);
        Ok(Self { teller: teller.clone(), _own, _of_all })
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        self.teller.revision().meters.closed(Level::Requests, 1);
    }
}

async fn send(
    target: Target,
    mut request: http::Request<WasiBody>,
    options: RequestOptions,
) -> Answer {
    let stream = tokio::time::timeout(patience(options.connect_timeout), connect(&target))
        .await
        .map_err(|_elapsed| Error::ConnectionTimeout)??;

    // On the wire the request's target is its path: the authority went into the Host header.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;

    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(Error::Hyper)?;
    // Aborted when the guest drops the answer.
    let hold = Arc::clone(&target.hold);
    let connection = wasmtime_wasi::runtime::spawn(async move {
        tokio::select! {
            biased;
            // With both bodies: what is on its way is cut.
            () = hold.revoked() => Ok(()),
            ended = connection => ended,
        }
    });
    let answering = sender.send_request(request);
    let answer = tokio::time::timeout(patience(options.first_byte_timeout), answering)
        .await
        .map_err(|_elapsed| Error::ConnectionReadTimeout)?
        .map_err(Error::Hyper)?;
    let io = async move {
        let ended = connection.await.map_err(Error::Hyper);
        drop(sender);
        ended
    };
    let gap = patience(options.between_bytes_timeout);
    let Target { teller, allowance, hold, .. } = target;
    let answer = answer.map(|body| {
        let body = HeldBody { body, gap, alarm: None, hold };
        Counted::new(body, Way::In, allowance, teller).boxed_unsync()
    });
    Ok((answer, Box::new(io)))
}

/// The body of an answer, cut with an error where its server makes the guest wait too long, or its right is revoked.
struct HeldBody {
    body: Incoming,
    gap: Duration,
    alarm: Option<Pin<Box<Sleep>>>,
    hold: Arc<Hold>,
}

impl Body for HeldBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        // After it: the end that the revocation made is no whole body.
        if !self.hold.check() {
            return Poll::Ready(Some(Err(Error::HttpRequestDenied)));
        }
        if let Poll::Ready(frame) = frame {
            self.alarm = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::Hyper)));
        }
        let gap = self.gap;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(gap)));
        alarm.as_mut().poll(cx).map(|()| Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && self.hold.is_allowed()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection to one of the addresses that the name has now, each tried in turn. Only those that this
/// right may reach are: the name is not looked up again, so it cannot turn into another address afterwards.
async fn connect(target: &Target) -> Result<Box<dyn Stream>, Error> {
    let mut failed = Error::Connect(io::Error::other("the name has no address"));
    for address in resolve(target).await? {
        match TcpStream::connect(address).await {
            Ok(stream) if target.tls => return Ok(Box::new(encrypt(target, stream).await?)),
            Ok(stream) => return Ok(Box::new(stream)),
            Err(error) => failed = Error::Connect(error),
        }
    }
    Err(failed)
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The addresses of the name that this right may reach.
async fn resolve(target: &Target) -> Result<Vec<SocketAddr>, Error> {
    let address = target.bare_host().parse().map(|address: IpAddr| vec![address.to_canonical()]);
    let found = match address {
        Ok(address) => address,
        Err(_name) => {
            addresses(&*target.resolver, target.bare_host(), ()).await.map_err(Error::Connect)?
        }
    };
    let found = found.into_iter().map(|address| SocketAddr::new(address, target.port));
    let (inside, mut outside): (Vec<_>, Vec<_>) =
        found.partition(|address| is_inside(address.ip()));
    if target.right.granted.is_literal_address() {
        outside.extend(inside);
    } else if let (true, Some(address)) = (outside.is_empty(), inside.first()) {
        target.deny_inside(address.ip());
        return Err(Error::DestinationIpProhibited);
    }
    Ok(outside)
}

/// Made once: it holds the roots of trust, and the sessions that spare a second handshake. The provider of
/// cryptography is named, because a program that embeds this crate may have another one too.
static TLS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows the protocol's versions");
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
});

async fn encrypt(target: &Target, stream: TcpStream) -> Result<impl Stream + use<>, Error> {
    let name = ServerName::try_from(target.bare_host().to_owned());
    let name = name.map_err(|_| Error::DestinationNotFound)?;
    TlsConnector::from(Arc::clone(&TLS)).connect(name, stream).await.map_err(Error::Tls)
}
