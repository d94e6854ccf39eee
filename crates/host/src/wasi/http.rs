//! Requests that guests send: checked against their rights, and sent to the address that was checked, or to a service
//! of this node.

mod answer;
mod call_end;
mod held;
mod inside;
mod outside;
mod places;
mod whose;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use airssys_wasm_model::{Denial, Kind};
use http::uri::Scheme;
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

pub(crate) use self::call_end::CallEnd;
use self::outside::Target;
pub(super) use self::places::Places;
pub(super) use self::whose::{add_p2_to_linker, add_p3_to_linker};
use super::secrets::{HeldSecrets, Receiver};
use super::transfer::{Allowance, Counted, Way};
use crate::context::Mode;
use crate::gauges::Gauges;
use crate::limit::Limit;
use crate::pool::Pool;
use crate::prepare::Revision;
use crate::rights::{self, Hold, Needs};
use crate::watch::{CurrentTeller, Use};

/// How long a request may wait for a place, and a server take to accept a connection and to begin its answer, unless the
/// guest asks for less. A call's own limit ends it sooner in most cases.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answer = Result<(http::Response<WasiBody>, Io), Error>;
type Sending = Box<dyn Future<Output = Answer> + Send>;

/// The outbound HTTP of one guest, and what its calls of services go by.
pub(crate) struct OutboundHttp {
    pub(super) revision: Arc<Revision>,
    /// Tells of what was allowed and denied, and knows the call that is answered: what it calls is called because of it.
    pub(super) telling: CurrentTeller,
    /// A place for each request of this guest, made with the first.
    own: OnceLock<Arc<Semaphore>>,
    /// Made with the first call of a service. Of an instance that several calls share it is that of the instance.
    end: OnceLock<CallEnd>,
    pub(super) allowance: Arc<Allowance>,
    /// Of a guest for copied calls: what it would have sent is counted here, and does not leave.
    pub(super) refusing: Option<Arc<Gauges>>,
    secrets: Arc<HeldSecrets>,
}

impl OutboundHttp {
    pub(crate) fn new(
        pool: &Pool,
        mode: Mode,
        telling: CurrentTeller,
        secrets: Arc<HeldSecrets>,
    ) -> Self {
        let refusing = (mode == Mode::Shadow).then(|| Arc::clone(&pool.gauges));
        let revision = Arc::clone(&pool.revision);
        let allowance = Arc::new(Allowance::new(revision.spec.limits.transfer.0));
        let (own, end) = (OnceLock::new(), OnceLock::new());
        Self { revision, telling, own, end, allowance, refusing, secrets }
    }

    /// What the call may still send and receive, by sockets too.
    pub(crate) fn allowance(&self) -> Arc<Allowance> {
        Arc::clone(&self.allowance)
    }

    /// A reused instance begins another call.
    pub(crate) fn begin(&self) {
        self.allowance.renew();
    }

    /// The end of the call that it answers, for whoever has to say when that is.
    pub(crate) fn take_end(&mut self) -> Option<CallEnd> {
        self.end.take()
    }

    /// Whether the revision may begin one more request in this second.
    pub(super) fn in_time(&self) -> Result<(), Error> {
        let meters = &self.revision.meters;
        if meters.request_rate.take(1, Instant::now()) {
            return Ok(());
        }
        meters.hit(Limit::RequestRate);
        self.telling.warns("its limit `request_rate` is reached: a request is not sent");
        Err(Error::ConnectionLimitReached)
    }

    /// The places of its requests.
    pub(super) fn own(&self) -> Arc<Semaphore> {
        let limit = self.revision.spec.limits.requests as usize;
        Arc::clone(self.own.get_or_init(|| Arc::new(Semaphore::new(limit))))
    }

    /// What waits for the end of the call that it answers.
    fn over(&self) -> CancellationToken {
        self.end.get_or_init(CallEnd::default).token()
    }

    /// The same request, its body counted.
    fn counted(&self, request: http::Request<WasiBody>) -> http::Request<WasiBody> {
        let (allowance, teller) = (Arc::clone(&self.allowance), self.telling.now());
        request.map(|body| Counted::new(body, Way::Out, allowance, teller).boxed_unsync())
    }

    /// Puts the values of secrets into a request's headers.
    fn fill(&self, request: &mut http::Request<WasiBody>, to: Receiver<'_>) -> Result<(), Error> {
        let filled = self.secrets.fill(request.headers_mut(), to);
        filled.map_err(|_withheld| Error::HttpRequestDenied)
    }

    /// Checks a request that leaves the node, and gives what sends it.
    fn send_outside(
        &self,
        mut request: http::Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Sending, Error> {
        let target = self.check(&request)?;
        self.in_time()?;
        let Target { host, port, tls, .. } = &target;
        self.fill(&mut request, Receiver { host, port: *port, tls: tls.is_some() })?;
        let own = self.own();
        let request = self.counted(request);
        Ok(Box::new(async move {
            let patience = patience(options.connect_timeout);
            let places = Places::outside(own, patience, &target.teller).await?;
            let hold = Arc::clone(&target.hold);
            let (answer, io) = tokio::select! {
                biased;
                () = Arc::clone(&hold).revoked_in_use() => return Err(Error::HttpRequestDenied),
                // A connection that the revocation closed may be seen before the revocation itself.
                sent = outside::send(target, request, options) => sent.map_err(|error| {
                    if hold.check() { error } else { Error::HttpRequestDenied }
                })?,
            };
            let io: Io = Box::new(async move {
                let ended = Box::into_pin(io).await;
                drop(places);
                ended
            });
            Ok((answer, io))
        }))
    }

    /// The right under which this request may leave, with the host and port it goes to.
    fn check(&self, request: &http::Request<WasiBody>) -> Result<Target, Error> {
        let uri = request.uri();
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        let tls = uri.scheme() == Some(&Scheme::HTTPS);
        let default_port = if tls { 443 } else { 80 };
        let (host, port) = (authority.host(), authority.port_u16().unwrap_or(default_port));
        let method = request.method().as_str();
        let (service, path) = (&self.revision.spec.service, uri.path());
        // What is told of it leaves out the query and who it is sent as: that is where keys are.
        let shown = || rights::authority(host, port, default_port);
        let now = self.revision.rights.now();
        let right = now.rights.http(method, host, port, default_port, path).cloned();
        drop(now);
        let Some(right) = right else {
            self.telling.denied(Denial::http(service, method, &shown(), path));
            return Err(Error::HttpRequestDenied);
        };
        // Nobody is to send as whom a request is sent (RFC 9110, section 4.2.4): it would be in the `host` header, where a
        // server may take it for the host.
        if authority.as_str().contains('@') {
            return Err(Error::HttpRequestUriInvalid);
        }
        if let Some(gauges) = &self.refusing {
            gauges.refuses();
            return Err(Error::HttpRequestDenied);
        }
        if self.revision.spec.watch.sees_uses(Kind::Http) {
            let target = format!("{}{path}", shown());
            self.telling.used(Use { kind: Kind::Http, access: method, target: &target });
        }
        let resolver = Arc::clone(self.revision.resolver());
        let (host, method, path) = (host.to_owned(), method.to_owned(), path.to_owned());
        let needs = Needs::Sending { method, host: host.clone(), port, default_port, path };
        let teller = self.telling.now();
        let hold = Hold::new(teller.clone(), needs);
        let method = request.method().clone();
        let allowance = Arc::clone(&self.allowance);
        let tls = tls.then(|| self.revision.host.0.tls().clone());
        Ok(Target { host, port, tls, right, method, teller, allowance, resolver, hold })
    }
}

impl WasiHttpHooks for OutboundHttp {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Sending {
        let options = options.unwrap_or_default();
        let sending = match inside::addressed(request.uri()) {
            None => self.send_outside(request, options),
            Some(to) => self.send_inside(to, request, options),
        };
        sending.unwrap_or_else(|refused| Box::new(std::future::ready(Err(refused))))
    }
}

/// As a request is on the wire: its target is its path, the authority is in its `host` header.
fn of_path(request: &mut http::Request<WasiBody>) -> Result<(), Error> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    Ok(())
}

fn patience(asked: Option<Duration>) -> Duration {
    asked.unwrap_or(PATIENCE).min(PATIENCE)
}
