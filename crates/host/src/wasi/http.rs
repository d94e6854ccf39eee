//! Requests that guests send: checked against their rights, and sent to the address that was checked.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_model::{HttpRight, Name, Rights};
use http::uri::Scheme;
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// How long a server may take to accept a connection, and to begin its answer, unless the guest asks for
/// less. A call's own limit ends it sooner in most cases.
const PATIENCE: Duration = Duration::from_secs(60);

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answer = Result<(http::Response<WasiBody>, Io), Error>;

/// The outbound HTTP of one guest.
pub(crate) struct OutboundHttp {
    rights: Arc<Rights>,
    service: Name,
}

impl OutboundHttp {
    pub(crate) fn new(rights: Arc<Rights>, service: Name) -> Self {
        Self { rights, service }
    }

    /// The right under which this request may leave, with the host and port it goes to.
    fn check(&self, request: &http::Request<WasiBody>) -> Result<Target, Error> {
        let uri = request.uri();
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        let tls = uri.scheme() == Some(&Scheme::HTTPS);
        let default_port = if tls { 443 } else { 80 };
        let (host, port) = (authority.host(), authority.port_u16().unwrap_or(default_port));
        let method = request.method().as_str();
        let right = self.rights.http(method, host, port, default_port, uri.path()).cloned();
        let Some(right) = right else {
            tracing::info!(
                service = %self.service,
                "component `{}` may not send {method} to `{authority}`; grant `http:{authority}`",
                self.service
            );
            return Err(Error::HttpRequestDenied);
        };
        Ok(Target { host: host.to_owned(), port, tls, right })
    }
}

struct Target {
    host: String,
    port: u16,
    tls: bool,
    right: HttpRight,
}

impl WasiHttpHooks for OutboundHttp {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Answer> + Send> {
        match self.check(&request) {
            Ok(target) => Box::new(send(target, request, options.unwrap_or_default())),
            Err(denied) => Box::new(std::future::ready(Err(denied))),
        }
    }
}

async fn send(
    target: Target,
    mut request: http::Request<WasiBody>,
    options: RequestOptions,
) -> Answer {
    let connecting = async {
        let address = resolve(&target).await?;
        TcpStream::connect(address).await.map_err(Error::Connect)
    };
    let patience = |asked: Option<Duration>| asked.unwrap_or(PATIENCE).min(PATIENCE);
    let stream = tokio::time::timeout(patience(options.connect_timeout), connecting)
        .await
        .map_err(|_elapsed| Error::ConnectionTimeout)??;
    let stream: Box<dyn Stream> =
        if target.tls { Box::new(encrypt(&target.host, stream).await?) } else { Box::new(stream) };

    // On the wire the request's target is its path: the authority went into the Host header.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;

    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(Error::Hyper)?;
    // Aborted when the guest drops the answer.
    let connection = wasmtime_wasi::runtime::spawn(connection);
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
    Ok((answer.map(|body| body.map_err(Error::Hyper).boxed_unsync()), Box::new(io)))
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The one address that is connected to: the first that the name has, provided that this right may reach
/// it. The name is not looked up again, so it cannot turn into another address afterwards.
async fn resolve(target: &Target) -> Result<SocketAddr, Error> {
    let bare = target.host.trim_start_matches('[').trim_end_matches(']');
    let mut addresses =
        tokio::net::lookup_host((bare, target.port)).await.map_err(Error::Connect)?;
    let address = addresses
        .next()
        .ok_or_else(|| Error::Connect(io::Error::other("the name has no address")))?;
    if is_inside(address.ip()) && !target.right.granted.is_literal_address() {
        tracing::info!(
            "`{}` is {}, a private address: grant it literally to reach it",
            target.host,
            address.ip()
        );
        return Err(Error::DestinationIpProhibited);
    }
    Ok(address)
}

/// Addresses that only something inside this machine or its network has: what a name on the internet must
/// not be able to lead to.
fn is_inside(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_multicast()
                || a == 0
                // Shared address space of carriers, RFC 6598.
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
        }
    }
}

async fn encrypt(host: &str, stream: TcpStream) -> Result<impl Stream + use<>, Error> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Error::DestinationNotFound)?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(Error::Tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_are_known_in_every_spelling() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "::ffff:127.0.0.1",
            "fe80::1",
            "fd00::1",
            "::",
        ] {
            assert!(is_inside(inside.parse().unwrap()), "{inside} passed for outside");
        }
        for outside in ["93.184.216.34", "2606:2800:220:1::1", "172.32.0.1"] {
            assert!(!is_inside(outside.parse().unwrap()), "{outside} passed for inside");
        }
    }
}
