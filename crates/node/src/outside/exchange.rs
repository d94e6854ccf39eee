//! One HTTP request to an address that an operator named, on a connection of its own.
//!
//! It goes to that address and nowhere else: no proxy of the environment's, no redirect, nothing kept for the
//! next one. Dropping it ends it.

use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;

use airssys_wasm_deploy::Fault;
use airssys_wasm_host::Authorities;
use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use http::uri::{PathAndQuery, Scheme};
use http::{Method, Request, StatusCode, Uri};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// The client of a node.
pub(super) struct Client {
    /// Who vouches for a server.
    authorities: Authorities,
    /// Made with the first request that is encrypted: most nodes have none.
    tls: OnceLock<TlsConnector>,
}

/// What is sent.
pub(super) struct Question {
    pub(super) method: Method,
    pub(super) uri: Uri,
    /// JSON, if there is any.
    pub(super) body: Bytes,
    /// How long the whole exchange may take.
    pub(super) within: Duration,
    /// How much of the answer is read. What is longer is cut there.
    pub(super) most: usize,
}

/// What came back.
pub(super) struct Said {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    /// Whether there was more.
    pub(super) cut: bool,
}

/// How long an address may take to be found and to accept, its encryption included: one across a continent
/// takes a second.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

const WHO: &str = concat!("airssys-wasm/", env!("CARGO_PKG_VERSION"));

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Client {
    pub(super) fn trusting(authorities: Authorities) -> Self {
        Self { authorities, tls: OnceLock::new() }
    }

    /// Sends the question and reads the answer, whatever its status.
    pub(super) async fn ask(&self, question: Question) -> Result<Said, Fault> {
        let within = question.within;
        match tokio::time::timeout(within, self.exchange(question)).await {
            Ok(said) => said,
            Err(_) => Err(Fault::new(format!("no answer within {} s", within.as_secs()))),
        }
    }

    async fn exchange(&self, question: Question) -> Result<Said, Fault> {
        let connecting = tokio::time::timeout(CONNECT_WITHIN, self.connect(&question.uri));
        let stream = connecting.await.map_err(|_| {
            Fault::new(format!("no connection within {} s", CONNECT_WITHIN.as_secs()))
        })??;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| broke(&error))?;
        let most = question.most;
        let request = request(question)?;
        let exchanging = async move {
            let answer = sender.send_request(request).await.map_err(|error| broke(&error))?;
            read(answer, most).await
        };
        // Driven here and not on a task, so that who drops this ends the connection too. When it ends first,
        // what it has brought is still to be read.
        let driving = async {
            let _ = connection.await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            said = exchanging => said,
            () = driving => Err(Fault::new("the connection ended")),
        }
    }

    async fn connect(&self, uri: &Uri) -> Result<Box<dyn Stream>, Fault> {
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(Fault::new("only http:// and https:// are asked")),
        };
        let authority = uri.authority().ok_or_else(|| Fault::new("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(Fault::new(
                "a user and a password cannot stand in it: every plan prints it",
            ));
        }
        // An IPv6 address as resolvers and certificates know it.
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let unreachable = |error| Fault::new(format!("{authority} is not reached: {error}"));
        let stream = TcpStream::connect((host, port)).await.map_err(unreachable)?;
        if !tls {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            Fault::new(format!("`{host}` is no name that a certificate could have"))
        })?;
        let connector = self.tls.get_or_init(|| self.authorities.connector()).clone();
        Ok(Box::new(connector.connect(name, stream).await.map_err(unreachable)?))
    }
}

fn request(question: Question) -> Result<Request<Full<Bytes>>, Fault> {
    let Question { method, uri, body, .. } = question;
    let host = uri.authority().map_or("", |authority| authority.as_str()).to_owned();
    // What goes to a server itself names its path alone (RFC 9112, section 3.2.1).
    let target = uri.path_and_query().map_or("/", PathAndQuery::as_str).to_owned();
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header(HOST, host)
        .header(USER_AGENT, WHO)
        .header(CONNECTION, "close");
    if !body.is_empty() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    request.body(Full::new(body)).map_err(|error| Fault::new(error.to_string()))
}

async fn read(answer: http::Response<Incoming>, most: usize) -> Result<Said, Fault> {
    let (head, mut body) = answer.into_parts();
    let mut kept = BytesMut::new();
    let mut cut = false;
    while !cut && !body.is_end_stream() {
        let Some(frame) = body.frame().await else { break };
        let frame = frame.map_err(|error| broke(&error))?;
        if let Ok(data) = frame.into_data() {
            let room = most - kept.len();
            cut = data.len() > room;
            kept.extend_from_slice(&data[..data.len().min(room)]);
        }
    }
    Ok(Said { status: head.status, body: kept.freeze(), cut })
}

/// The reason below what hyper says, which is only that something went wrong.
fn broke(error: &hyper::Error) -> Fault {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Fault::new(format!("the connection broke: {cause}"))
}
