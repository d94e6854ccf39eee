//! The way to a node: HTTP/1.1 on connections that are kept, encrypted where its URL says so.
//!
//! A request leaves when the connection stands, and an encrypted one stands when the node's certificate was
//! verified: so no token reaches who only pretends to be the node. Nothing goes through a proxy, whatever the
//! environment says of proxies, and no redirect is followed, for the same reason.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Uri;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsConnector, rustls};
use tower_service::Service;

use super::trust::{self, Trust};
use crate::{Code, Failure};

/// What a request carries.
pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Connections to one node.
#[derive(Clone)]
pub(super) struct Transport(Client<Connector, Body>);

/// Why no request got to a node.
#[derive(Debug)]
pub(super) enum Lost {
    /// No connection came about.
    Nobody(String),
    /// One did, with somebody who is not believed.
    Refused(rustls::Error),
    /// It broke.
    Broke(String),
}

#[derive(Clone)]
struct Connector {
    tcp: HttpConnector,
    /// None where the URL says `http`.
    tls: Option<TlsConnector>,
}

/// A connection, encrypted or not.
enum Stream {
    Plain(TokioIo<TcpStream>),
    Encrypted(Box<TokioIo<TlsStream<TcpStream>>>),
}

/// Why a handshake failed.
#[derive(Debug, thiserror::Error)]
enum HandshakeError {
    #[error("{0}")]
    Tls(rustls::Error),
    #[error("{0}")]
    Io(io::Error),
    #[error("it did not finish the TLS handshake within {CONNECT_TIMEOUT:?}")]
    Slow,
}

/// A node on the same machine answers at once, one across a continent within a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection is kept for the next request: half of what a node lets one be silent, so that none is
/// used in the moment in which the node closes it.
const KEPT: Duration = Duration::from_secs(15);

impl Transport {
    /// The way to the node at this URL.
    ///
    /// # Errors
    /// When it is no URL of a node, or one that the token would travel to unencrypted.
    pub(super) fn new(node: &str, trust: &Trust) -> Result<Self, Failure> {
        let tls = if is_encrypted(node)? { Some(trust::connector(trust)?) } else { None };
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEPT)
            .build(Connector { tcp, tls });
        Ok(Self(client))
    }

    /// Sends a request and returns the head of its answer.
    pub(super) async fn send(
        &self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Incoming>, Lost> {
        self.0.request(request).await.map_err(lost)
    }
}

fn lost(error: Error) -> Lost {
    let mut cause: &(dyn std::error::Error + 'static) = &error;
    loop {
        if let Some(HandshakeError::Tls(refused)) = cause.downcast_ref() {
            return Lost::Refused(refused.clone());
        }
        match cause.source() {
            Some(deeper) => cause = deeper,
            None => break,
        }
    }
    let cause = cause.to_string();
    if error.is_connect() { Lost::Nobody(cause) } else { Lost::Broke(cause) }
}

/// Whether a node's URL says that what is sent there is encrypted.
fn is_encrypted(node: &str) -> Result<bool, Failure> {
    let not_a_url = || {
        let message = format!("`{node}` is not a node's URL such as http://127.0.0.1:7070");
        Failure::new(Code::Usage, message)
    };
    let uri: Uri = node.parse().map_err(|_| not_a_url())?;
    let (scheme, host) = (uri.scheme_str(), uri.host().ok_or_else(not_a_url)?);
    match scheme {
        Some("https") => Ok(true),
        Some("http") if is_this_machine(host) => Ok(false),
        Some("http") => {
            let message = format!("{node} would be sent the token unencrypted");
            Err(Failure::new(Code::Usage, message).help(
                "name it https://…, with --ca FILE where its certificate is of no public authority; or tunnel to \
                 it, such as with ssh -L, and name the tunnel's end on this machine",
            ))
        }
        _ => Err(not_a_url()),
    }
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Stream, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, tls) = (self.tcp.call(uri.clone()), self.tls.clone());
        async move {
            let stream = connecting.await?;
            match tls {
                None => Ok(Stream::Plain(stream)),
                Some(tls) => Ok(encrypted(&tls, &uri, stream.into_inner()).await?),
            }
        }
        .boxed()
    }
}

async fn encrypted(
    tls: &TlsConnector,
    uri: &Uri,
    stream: TcpStream,
) -> Result<Stream, HandshakeError> {
    let host = uri.host().unwrap_or_default();
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|_| HandshakeError::Io(io::ErrorKind::InvalidInput.into()))?;
    let shaken = tokio::time::timeout(CONNECT_TIMEOUT, tls.connect(name, stream)).await;
    let stream = shaken.map_err(|_| HandshakeError::Slow)?.map_err(HandshakeError::of)?;
    Ok(Stream::Encrypted(Box::new(TokioIo::new(stream))))
}

impl HandshakeError {
    /// What is wrong with the other side's certificate comes as an error of reading.
    fn of(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(refused) => Self::Tls(refused.clone()),
            None => Self::Io(error),
        }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Encrypted(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl Write for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Encrypted(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_sent_unencrypted_to_this_machine_alone() {
        for node in
            ["http://127.0.0.1:7070", "http://[::1]:7070", "http://localhost", "http://127.9.9.9"]
        {
            assert!(!is_encrypted(node).unwrap(), "{node}");
        }
        for node in ["https://127.0.0.1:7070", "https://node.example", "https://[2001:db8::1]:7070"]
        {
            assert!(is_encrypted(node).unwrap(), "{node}");
        }
        for node in [
            "http://10.0.0.5:7070",
            "http://node.example",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "http://127.0.0.1@node.example",
            "http://[::ffff:10.0.0.5]",
            "ftp://127.0.0.1",
            "127.0.0.1:7070",
            "node",
            "",
        ] {
            assert_eq!(is_encrypted(node).unwrap_err().code, Code::Usage, "{node}");
        }
    }
}
