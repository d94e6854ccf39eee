//! Requests that leave the node: sent to the address that was checked.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use airssys_wasm_model::{Denial, HttpRight, Kind, is_inside};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::held::HeldBody;
use super::{Answer, of_path, patience};
use crate::rights::Hold;
use crate::wasi::lookup::{Resolver, addresses};
use crate::wasi::transfer::{Allowance, Counted, Way};
use crate::watch::Teller;

/// Where a request goes, and by which right.
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    /// What encrypts the connection, of one that is to be.
    pub(super) tls: Option<TlsConnector>,
    pub(super) right: HttpRight,
    pub(super) method: http::Method,
    pub(super) teller: Teller,
    pub(super) allowance: Arc<Allowance>,
    pub(super) resolver: Arc<dyn Resolver>,
    /// What is needed until the answer has been read.
    pub(super) hold: Arc<Hold>,
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
        self.teller.denied(Denial::new(service, Kind::Http, &act, &authority, &authority));
    }
}

pub(super) async fn send(
    target: Target,
    mut request: http::Request<WasiBody>,
    options: RequestOptions,
) -> Answer {
    let stream = tokio::time::timeout(patience(options.connect_timeout), connect(&target))
        .await
        .map_err(|_elapsed| Error::ConnectionTimeout)??;

    of_path(&mut request)?;
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
        let body = HeldBody::new(body, hold).with_gap(Some(gap));
        Counted::new(body, Way::In, allowance, teller).boxed_unsync()
    });
    Ok((answer, Box::new(io)))
}

/// A connection to one of the addresses that the name has now, each tried in turn. Only those that this
/// right may reach are: the name is not looked up again, so it cannot turn into another address afterwards.
async fn connect(target: &Target) -> Result<Box<dyn Stream>, Error> {
    let mut failed = Error::Connect(io::Error::other("the name has no address"));
    for address in resolve(target).await? {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                return Ok(match &target.tls {
                    Some(tls) => Box::new(encrypt(tls, target, stream).await?),
                    None => Box::new(stream),
                });
            }
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

async fn encrypt(
    tls: &TlsConnector,
    target: &Target,
    stream: TcpStream,
) -> Result<impl Stream + use<>, Error> {
    let name = ServerName::try_from(target.bare_host().to_owned());
    let name = name.map_err(|_| Error::DestinationNotFound)?;
    tls.connect(name, stream).await.map_err(Error::Tls)
}
