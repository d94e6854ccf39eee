//! The control door: people, scripts and scrapers, not traffic.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Control;
use super::admit::Peer;
use crate::listen::{Answerer, Listening};
use crate::tls::Handshakes;

/// Commands go on without the clients that wait for them.
const LISTENING: Listening = Listening {
    connections_max: 256,
    per_address_max: None,
    streams_max: 32,
    // A hundred times what a command's head has.
    head_bytes_max: Some(32 << 10),
    silence: Duration::from_secs(30),
    unread: Duration::from_secs(60),
    farewell: Duration::from_secs(5),
};

/// Connections of one address where others than this machine come in: a quarter of all, so that nobody takes them
/// alone, and enough for many people behind one gateway.
const PER_ADDRESS_MAX: usize = 64;

impl Control {
    /// Serves until `stopping` turns true, then lets the answers under way end.
    pub(crate) async fn serve(self, listener: TcpListener, stopping: watch::Receiver<bool>) {
        let handshakes = self.identity.clone().map(Handshakes::new);
        let per_address_max = handshakes.as_ref().map(|_| PER_ADDRESS_MAX);
        let listening = Listening { per_address_max, ..LISTENING };
        let routed = Routed(TowerToHyperService::new(self.router()));
        listening.serve(listener, handshakes, routed, stopping).await;
    }
}

#[derive(Clone)]
struct Routed(TowerToHyperService<Router>);

impl Answerer for Routed {
    type Body = Body;

    async fn answer(self, mut request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        request.extensions_mut().insert(Peer(peer.ip()));
        match self.0.call(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }
}
