//! Floors to measure against, each served by this program as a process of its own: a bare HTTP server, and a
//! bare host of components, with nothing in them that a server needs besides.

mod driven;
pub(crate) mod host;
mod hyper;
mod limited;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;

pub(crate) use self::host::config;
use ::hyper::body::Incoming;
use ::hyper::server::conn::http1;
use ::hyper::service::HttpService;
use anyhow::Result;
use clap::{Args, Subcommand};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// A floor, served until the process is killed. Its first line on standard error tells where.
#[derive(Args)]
pub(crate) struct Bare {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// hyper alone: it answers what `hello-http` answers
    Hyper,
    /// hyper and wasmtime alone, with no limits, no routing and no logs
    Host(Host),
}

/// How a bare host runs its component.
#[derive(Args, Clone)]
pub(crate) struct Host {
    /// The component
    component: PathBuf,
    /// Requests that one instance answers before it is dropped
    #[arg(long, default_value_t = 1)]
    reuse: usize,
    /// Without the engine's support for concurrent calls, which 0.3 needs
    #[arg(long)]
    no_concurrency: bool,
    /// With the interruption of guests that run too long
    #[arg(long)]
    epochs: bool,
    /// With all that limits are made of
    #[arg(long)]
    limits: bool,
}

impl Bare {
    /// Serves.
    pub(crate) async fn run(self) -> Result<()> {
        match self.what {
            What::Hyper => hyper::serve().await,
            What::Host(how) => host::serve(how).await,
        }
    }
}

/// A free port of the loopback address, told on standard error as `wasmtime serve` tells it.
async fn listen() -> Result<TcpListener> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    eprintln!("Serving HTTP on http://{}/", listener.local_addr()?);
    Ok(listener)
}

/// Each connection on a task of its own.
async fn accept<S>(listener: TcpListener, service: S) -> Result<()>
where
    S: HttpService<Incoming, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    S::ResBody: Send + 'static,
    <S::ResBody as http_body::Body>::Data: Send,
    <S::ResBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    loop {
        let (stream, _) = listener.accept().await?;
        // A connection that breaks is its client's affair, even before it is served.
        stream.set_nodelay(true).ok();
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
        tokio::spawn(async move { connection.await.ok() });
    }
}
